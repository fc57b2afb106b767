#include "wire/vectors/cases.h"

namespace hawser::wire::vectors {

namespace {

template <typename Id>
Id counting_id(uint8_t first) {
  Id id;
  for (uint8_t& byte : id.bytes) byte = first++;
  return id;
}

Init example_init() {
  Init init{};
  init.source = counting_id<ConnectionId>(0x11);
  init.initiator = counting_id<PeerIdBytes>(0x40);
  init.responder = counting_id<PeerIdBytes>(0xa0);
  return init;
}

Response example_response() {
  Response response{};
  response.destination = counting_id<ConnectionId>(0x11);
  response.source = counting_id<ConnectionId>(0x51);
  return response;
}

Bytes written(const Init& init) {
  Bytes bytes(kInitBytes);
  if (write_init(bytes.data(), bytes.size(), init) != kInitBytes) std::abort();
  return bytes;
}

Bytes written(const Response& response) {
  Bytes bytes(kMaxResponseBytes);
  bytes.resize(write_response(bytes.data(), bytes.size(), response));
  if (bytes.empty()) std::abort();
  return bytes;
}

class Packets {
 public:
  void data(const char* name, uint32_t number, const Bytes& frames) {
    DataHeader header{};
    header.destination = counting_id<ConnectionId>(0x51);
    header.number = number;
    Bytes bytes(kHeaderBytes);
    write_data_header(bytes.data(), header);
    bytes = bytes + frames + Bytes(kTagBytes);
    add(name, bytes, describe(header, frames.data(), frames.size()), true);
  }

  template <typename Packet>
  void exact(const char* name, const Packet& packet) {
    add(name, written(packet), describe(packet), true);
  }

  // Valid bytes that the writer would write in another way.
  template <typename Packet>
  void other_form(const char* name, const Bytes& bytes, const Packet& packet) {
    add(name, bytes, describe(packet), false);
  }

  void invalid(const char* name, const char* why, const Bytes& bytes) {
    list_.add(invalid_vector(name, why, bytes));
  }

  Json take() { return std::move(list_); }

 private:
  void add(const char* name, const Bytes& bytes, Json packet, bool exact) {
    Json json = vector_start(name, bytes);
    if (!exact) json.set("exact", Json::boolean(false));
    json.set("packet", std::move(packet));
    list_.add(std::move(json));
  }

  Json list_ = Json::array();
};

Bytes cut(Bytes bytes, size_t length) {
  bytes.resize(length);
  return bytes;
}

Bytes changed(Bytes bytes, size_t at, uint8_t value) {
  bytes[at] = value;
  return bytes;
}

void add_data(Packets& packets) {
  packets.data("DATA with a PING", 0x01020304, from_hex("01"));
  packets.data("DATA with the smallest number", 0, from_hex("01"));
  packets.data("DATA with the largest truncated number", UINT32_MAX, from_hex("01"));
  packets.data("DATA with several frames", 7, from_hex("01 04 14 01 00000001 03 02 6869 00 00"));

  const Bytes start = from_hex("80 5152535455565758 00000007");
  packets.invalid("DATA without frames", "29 bytes", start + Bytes(kTagBytes));
  packets.invalid("DATA cut off in its header", "12 bytes", cut(start, 12));
  packets.invalid("DATA with a tag that is not zero", "tag",
                  changed(start + from_hex("01") + Bytes(kTagBytes), 29, 0x01));
  packets.invalid("a single byte 0x80", "1 byte", from_hex("80"));
  packets.invalid("an empty datagram", "no bytes", {});
  packets.invalid("not of this protocol: first byte 0x00", "first byte below 0x80", Bytes(30));
  packets.invalid("not of this protocol: first byte 0x7f", "first byte below 0x80",
                  changed(Bytes(30), 0, 0x7f));
  for (int first = 0x80; first <= 0xff; ++first) {
    const int type = (first >> 4) & 7;
    const int flags = first & 15;
    // Each reserved type once, and each flag of the types that are in use once.
    const bool reserved = type > 2 && flags == 0;
    const bool flagged = type <= 2 && (flags == 1 || flags == 2 || flags == 4 || flags == 8);
    if (!reserved && !flagged && first != 0xff) continue;
    // Right in everything but its first byte.
    const Bytes right = type == 1   ? written(example_init())
                        : type == 2 ? written(example_response())
                                    : start + from_hex("01") + Bytes(kTagBytes);
    const auto byte = static_cast<uint8_t>(first);
    const std::string name = "first byte 0x" + to_hex(&byte, 1);
    packets.invalid(name.c_str(), reserved ? "reserved type" : "flag set", changed(right, 0, byte));
  }
}

void add_handshake(Packets& packets) {
  Init init = example_init();
  packets.exact("INIT with the values that hold by default", init);
  packets.exact("RESPONSE with the values that hold by default", example_response());

  const Parameters lowest = {.idle_timeout_ms = 0,
                             .max_datagram = kMinDatagram,
                             .max_ack_delay_us = 0,
                             .max_channels = 0,
                             .initial_credit = kMinInitialCredit};
  const Parameters highest = {.idle_timeout_ms = UINT32_MAX,
                              .max_datagram = kMaxDatagram,
                              .max_ack_delay_us = kMaxAckDelayUs,
                              .max_channels = UINT32_MAX,
                              .initial_credit = UINT32_MAX};
  Response response = example_response();
  response.parameters = lowest;
  init.parameters = lowest;
  packets.exact("INIT with the lowest parameters", init);
  packets.exact("RESPONSE with the lowest parameters", response);
  response.parameters = highest;
  init.parameters = highest;
  packets.exact("INIT with the highest parameters", init);
  packets.exact("RESPONSE with the highest parameters", response);

  const Bytes plain = written(example_init());
  packets.other_form("INIT of 1,300 bytes", plain + Bytes(100), example_init());
  packets.invalid("INIT of 1,199 bytes", "below 1,200 bytes", cut(plain, kInitBytes - 1));
  packets.invalid("INIT of 13 bytes", "below 1,200 bytes", cut(plain, 13));
  packets.invalid("INIT of version 1", "another version", changed(plain, 4, 1));
  packets.invalid("INIT with something behind its parameters", "padding that is not zero",
                  changed(plain, kInitBytes - 1, 1));
  packets.invalid("INIT whose parameters reach beyond its end", "block beyond the packet",
                  cut(cut(plain, 77) + from_hex("7fff"), kInitBytes));
  packets.invalid("RESPONSE of version 0x80000000", "another version",
                  changed(written(example_response()), 1, 0x80));
  packets.invalid("RESPONSE with a byte behind its parameters", "longer than its content",
                  written(example_response()) + from_hex("00"));
  packets.invalid("RESPONSE without parameters block", "cut off",
                  cut(written(example_response()), 21));
  packets.invalid("RESPONSE cut off in its parameters", "cut off",
                  cut(written(example_response()), 30));
}

// The parameters that a RESPONSE may carry, given as the content of the block.
void add_parameters(Packets& packets) {
  const Bytes start = cut(written(example_response()), 21);
  const auto with = [&](const char* content) {
    const Bytes block = from_hex(content);
    Bytes length(kMaxVarintBytes);
    length.resize(static_cast<size_t>(write_varint(length.data(), block.size()) - length.data()));
    return start + length + block;
  };
  Response response = example_response();
  packets.other_form("no parameters", with(""), response);
  packets.other_form("an unknown parameter, empty", with("06 00"), response);
  packets.other_form("an unknown parameter with a long id", with("c0000000ffffffff 03 616263"),
                     response);
  response.parameters.max_channels = 100;
  packets.other_form("one parameter", with("04 02 4064"), response);
  response.parameters.idle_timeout_ms = 0;
  packets.other_form("parameters out of order, unknown ones between",
                     with("04 02 4064 3f 01 ff 01 01 00 4040 02 ffff"), response);

  const struct {
    const char* name;
    const char* why;
    const char* content;
  } invalid[] = {
      {"a parameter twice", "repeated id", "04 01 05 04 01 05"},
      {"an unknown parameter twice", "repeated id", "06 00 01 01 00 06 01 00"},
      {"largest datagram 1,199", "value outside its range", "02 02 44af"},
      {"largest datagram 65,528", "value outside its range", "02 04 8000fff8"},
      {"initial credit 4,095", "value outside its range", "05 02 4fff"},
      {"delay of an acknowledgement 2^24", "value outside its range", "03 04 81000000"},
      {"idle timeout 2^32", "value outside its range", "01 08 c000000100000000"},
      {"channels 2^32", "value outside its range", "04 08 c000000100000000"},
      {"initial credit 2^32", "value outside its range", "05 08 c000000100000000"},
      {"a parameter without value", "value cut off", "01 00"},
      {"a value longer than its block", "value cut off", "01 01 40"},
      {"a value shorter than its block", "value that does not fill its block", "01 02 0000"},
      {"a value not in its shortest form", "number not in its shortest form", "01 02 4005"},
      {"an id not in its shortest form", "number not in its shortest form", "4001 01 05"},
      {"a block beyond the parameters", "block beyond the parameters", "01 02 05"},
      {"an id without block", "block cut off", "01"},
  };
  for (const auto& c : invalid) packets.invalid(c.name, c.why, with(c.content));
}

}  // namespace

Json packet_vectors() {
  Packets packets;
  add_data(packets);
  add_handshake(packets);
  add_parameters(packets);
  Json groups = Json::object();
  groups.set("packets", packets.take());
  return groups;
}

}  // namespace hawser::wire::vectors
