#include "wire/vectors/cases.h"

namespace hawser::wire::vectors {

namespace {

const Bytes kTag = counting(0xf0, kTagBytes);
const Bytes kShortestMessage = counting(0x01, kSecondMessageOverhead + 25);

InitHeader example_init(Suite suite) {
  InitHeader header{};
  header.suite = suite;
  header.source = counting_id<ConnectionId>(0x11);
  return header;
}

Bytes init_of(const InitHeader& header, const Bytes& message, const Bytes& macs) {
  Bytes bytes(kInitHeaderBytes);
  write_init_header(bytes.data(), header);
  return bytes + message + macs;
}

// Right in everything; the message and the codes are zeros, which a reader does not look at.
Bytes plain_init() {
  return init_of(example_init(Suite::kAes256Gcm), Bytes(kInitMessageBytes),
                 Bytes(2 * kHandshakeMacBytes));
}

Bytes response_of(const ResponseHeader& header, const Bytes& message) {
  Bytes bytes(kResponseHeaderBytes);
  write_response_header(bytes.data(), header);
  return bytes + message;
}

ResponseHeader example_response() {
  ResponseHeader header{};
  header.destination = counting_id<ConnectionId>(0x11);
  return header;
}

Cookie example_cookie() {
  Cookie cookie{};
  cookie.destination = counting_id<ConnectionId>(0x11);
  for (uint8_t i = 0; i < kCookieBytes; ++i) cookie.cookie[i] = static_cast<uint8_t>(0x61 + i);
  for (uint8_t i = 0; i < kHandshakeMacBytes; ++i) cookie.mac[i] = static_cast<uint8_t>(0xc1 + i);
  return cookie;
}

Bytes written(const Cookie& cookie) {
  Bytes bytes(kCookiePacketBytes);
  if (write_cookie(bytes.data(), bytes.size(), cookie) != kCookiePacketBytes) std::abort();
  return bytes;
}

Bytes data_of(const DataHeader& header, const Bytes& content) {
  Bytes bytes(kHeaderBytes);
  write_data_header(bytes.data(), header);
  return bytes + content + kTag;
}

DataHeader example_data(uint32_t number, bool key_phase = false) {
  return {counting_id<ConnectionId>(0x51), number, key_phase};
}

void add_data(Vectors& packets) {
  const auto data = [&](const char* name, const DataHeader& header, const Bytes& content) {
    packets.exact(name, data_of(header, content),
                  describe(header, content.data(), content.size(), kTag.data()));
  };
  data("DATA with a byte of content", example_data(0x01020304), from_hex("01"));
  data("DATA with the smallest number", example_data(0), from_hex("01"));
  data("DATA with the largest truncated number", example_data(UINT32_MAX), from_hex("01"));
  data("DATA with more content", example_data(7),
       from_hex("01 04 14 01 00000001 03 02 6869 00 00"));
  data("DATA of the other key phase", example_data(7, true), from_hex("01"));

  const Bytes start = from_hex("80 5152535455565758 00000007");
  packets.invalid("DATA without content", "29 bytes", start + kTag);
  packets.invalid("DATA cut off in its header", "12 bytes", cut(start, 12));
  packets.invalid("a single byte 0x80", "1 byte", from_hex("80"));
  packets.invalid("an empty datagram", "no bytes", {});
}

// Everything but the first byte is right for its type.
void add_first_bytes(Vectors& packets) {
  packets.invalid("not of this protocol: first byte 0x00", "first byte below 0x80", Bytes(30));
  packets.invalid("not of this protocol: first byte 0x7f", "first byte below 0x80",
                  changed(Bytes(30), 0, 0x7f));
  for (int first = 0x80; first <= 0xff; ++first) {
    const int type = (first >> 4) & 7;
    const int flags = first & 15;
    // Each reserved type once, and each flag of the types that are in use once.
    const bool reserved = type > 3 && flags == 0;
    const bool flagged = type <= 3 && ((type != 0 && flags == 1) || flags == 2 || flags == 4 ||
                                       flags == 8 || flags == 15);
    if (!reserved && !flagged && first != 0xff) continue;
    const Bytes right = type == 1   ? plain_init()
                        : type == 2 ? response_of(example_response(), kShortestMessage)
                        : type == 3 ? written(example_cookie())
                                    : data_of(example_data(7), from_hex("01"));
    const auto byte = static_cast<uint8_t>(first);
    const std::string name = "first byte 0x" + to_hex(&byte, 1);
    packets.invalid(name.c_str(), flagged ? "flag set" : "reserved type", changed(right, 0, byte));
  }
}

void add_inits(Vectors& packets) {
  const Bytes message = counting(0, kInitMessageBytes);
  const Bytes macs = counting(0xa1, kHandshakeMacBytes) + counting(0xb1, kHandshakeMacBytes);
  for (const Suite suite : {Suite::kAes256Gcm, Suite::kChaCha20Poly1305}) {
    const Bytes bytes = init_of(example_init(suite), message, macs);
    packets.exact(
        suite == Suite::kAes256Gcm ? "INIT for AES-256-GCM" : "INIT for ChaCha20-Poly1305", bytes,
        describe(example_init(suite), bytes.data()));
  }
  const Bytes plain = plain_init();
  packets.invalid("INIT of 1,199 bytes", "another length", cut(plain, kInitBytes - 1));
  packets.invalid("INIT of 1,201 bytes", "another length", plain + Bytes(1));
  packets.invalid("INIT of 14 bytes", "another length", cut(plain, kInitHeaderBytes));
  packets.invalid("INIT of version 0", "another version", changed(plain, 4, 0));
  packets.invalid("INIT of version 2", "another version", changed(plain, 4, 2));
  packets.invalid("INIT of version 0x01000001", "another version", changed(plain, 1, 1));
  packets.invalid("INIT for suite 0", "unknown suite", changed(plain, 5, 0));
  packets.invalid("INIT for suite 3", "unknown suite", changed(plain, 5, 3));
  packets.invalid("INIT for suite 255", "unknown suite", changed(plain, 5, 255));
}

void add_responses(Vectors& packets) {
  const ResponseHeader header = example_response();
  const auto response = [&](const char* name, const Bytes& message) {
    packets.exact(name, response_of(header, message),
                  describe(header, message.data(), message.size()));
  };
  const Bytes longest = counting(0, kMaxResponseBytes - kResponseHeaderBytes);
  const Bytes shortest = response_of(header, kShortestMessage);
  response("RESPONSE with the shortest message", kShortestMessage);
  response("RESPONSE", counting(0x81, 110));
  response("RESPONSE with the longest message", longest);
  packets.invalid("RESPONSE of 257 bytes", "too long", response_of(header, longest) + Bytes(1, 1));
  packets.invalid("RESPONSE of 85 bytes", "too short", cut(shortest, shortest.size() - 1));
  packets.invalid("RESPONSE without message", "too short", cut(shortest, kResponseHeaderBytes));
  packets.invalid("RESPONSE of version 0", "another version", changed(shortest, 4, 0));
  packets.invalid("RESPONSE of version 0x80000001", "another version", changed(shortest, 1, 0x80));
}

void add_cookies(Vectors& packets) {
  const Bytes plain = written(example_cookie());
  packets.exact("COOKIE", plain, describe(example_cookie()));
  packets.invalid("COOKIE of 36 bytes", "another length", cut(plain, kCookiePacketBytes - 1));
  packets.invalid("COOKIE of 38 bytes", "another length", plain + Bytes(1));
  packets.invalid("COOKIE of version 0", "another version", changed(plain, 4, 0));
  packets.invalid("COOKIE of version 0x00010001", "another version", changed(plain, 2, 1));
}

}  // namespace

Json packet_vectors() {
  Vectors packets("packet");
  add_data(packets);
  add_first_bytes(packets);
  add_inits(packets);
  add_responses(packets);
  add_cookies(packets);
  Json groups = payload_vectors();
  groups.set("packets", packets.take());
  return groups;
}

}  // namespace hawser::wire::vectors
