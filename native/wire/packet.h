#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "wire/endian.h"
#include "wire/limits.h"

namespace hawser::wire {

// The packets of PROTOCOL.md §2 and §3. Everything here is unauthenticated bytes: what a reader
// returns is well-formed, not true.

// Chosen by the endpoint that receives packets under it.
struct ConnectionId {
  uint8_t bytes[kConnectionIdBytes];

  uint64_t as_u64() const { return load_u64(bytes); }
  static ConnectionId from_u64(uint64_t value) {
    ConnectionId id;
    store_u64(id.bytes, value);
    return id;
  }
  friend bool operator==(const ConnectionId& a, const ConnectionId& b) {
    return std::memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
  }
};

struct PeerIdBytes {
  uint8_t bytes[kPeerIdBytes];

  friend bool operator==(const PeerIdBytes& a, const PeerIdBytes& b) {
    return std::memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
  }
};

// Whoever knows it may end the session with a stateless reset, so that comparing takes equally long
// wherever two tokens differ.
struct ResetToken {
  uint8_t bytes[kResetTokenBytes];

  friend bool operator==(const ResetToken& a, const ResetToken& b) {
    uint8_t difference = 0;
    for (size_t i = 0; i < kResetTokenBytes; ++i) difference |= a.bytes[i] ^ b.bytes[i];
    return difference == 0;
  }
};

enum class PacketType : uint8_t { kData, kInit, kResponse, kCookie };

// What the first byte says. False: not Hawser's, a reserved type, a flag set where none may be, or
// no byte at all. The low four bits of DATA may be anything: they are masked on the wire. Says
// nothing about the rest.
bool classify(const uint8_t* data, size_t length, PacketType& type);

// ---- DATA ----

struct DataHeader {
  ConnectionId destination;
  uint32_t number;  // low 32 bits of the packet number
  bool key_phase = false;
};

// The destination of a DATA packet as it came, masked. False unless it is one of at least
// kMinDataPacket bytes. A stateless reset looks the same.
bool read_destination(const uint8_t* data, size_t length, ConnectionId& destination);

// Of a packet whose header is unmasked. False as above, or when a reserved flag is set. The frames,
// still protected, are [data + kHeaderBytes, data + length - kTagBytes).
bool read_data_header(const uint8_t* data, size_t length, DataHeader& header);

// Writes kHeaderBytes, not masked yet, for which the caller guarantees the room; returns the byte
// behind them.
uint8_t* write_data_header(uint8_t* out, const DataHeader& header);

// ---- The handshake's packets ----
// Readers take a whole datagram. False: to be dropped (wrong type, wrong length, another version
// than kVersion).

enum class Suite : uint8_t { kAes256Gcm = 1, kChaCha20Poly1305 = 2 };

struct InitHeader {
  uint32_t version = kVersion;
  Suite suite = Suite::kAes256Gcm;
  ConnectionId source;
};

// Writes kInitHeaderBytes, for which the caller guarantees the room; returns the byte behind them,
// where the message starts.
uint8_t* write_init_header(uint8_t* out, const InitHeader& header);
// False also when the suite is unknown.
bool read_init_header(const uint8_t* data, size_t length, InitHeader& header);

// The pieces of an INIT, which has kInitBytes: kInitMessageBytes, and twice kHandshakeMacBytes.
constexpr uint8_t* init_message(uint8_t* data) { return data + kInitHeaderBytes; }
constexpr uint8_t* init_mac1(uint8_t* data) { return init_message(data) + kInitMessageBytes; }
constexpr uint8_t* init_mac2(uint8_t* data) { return init_mac1(data) + kHandshakeMacBytes; }
constexpr const uint8_t* init_message(const uint8_t* data) { return data + kInitHeaderBytes; }
constexpr const uint8_t* init_mac1(const uint8_t* data) {
  return init_message(data) + kInitMessageBytes;
}
constexpr const uint8_t* init_mac2(const uint8_t* data) {
  return init_mac1(data) + kHandshakeMacBytes;
}

struct ResponseHeader {
  uint32_t version = kVersion;
  ConnectionId destination;
};

// Writes kResponseHeaderBytes, as write_init_header().
uint8_t* write_response_header(uint8_t* out, const ResponseHeader& header);
// The message is the rest of the datagram, long enough for the shortest payload; the whole has at
// most kMaxResponseBytes.
bool read_response(const uint8_t* data, size_t length, ResponseHeader& header,
                   const uint8_t*& message, size_t& message_length);

struct Cookie {
  uint32_t version = kVersion;
  ConnectionId destination;  // the source of the INIT that it answers
  uint8_t cookie[kCookieBytes];
  uint8_t mac[kHandshakeMacBytes];
};

// Writes the whole datagram and returns kCookiePacketBytes; 0: it does not fit into `capacity`, or
// another version than kVersion.
size_t write_cookie(uint8_t* out, size_t capacity, const Cookie& cookie);
bool read_cookie(const uint8_t* data, size_t length, Cookie& cookie);

// ---- Parameters (§3.1) ----

// Starts with the values that hold for what the other side did not send.
struct Parameters {
  uint32_t idle_timeout_ms = kDefaultIdleTimeoutMs;  // 0: none
  uint32_t max_datagram = static_cast<uint32_t>(kMaxDatagram);
  uint32_t max_ack_delay_us = kDefaultMaxAckDelayUs;
  uint32_t max_channels = kDefaultMaxChannels;
  uint32_t initial_credit = kDefaultInitialCredit;

  friend bool operator==(const Parameters&, const Parameters&) = default;
};

// The content of the parameters block, without its length. Always writes all of them, by rising id.
// Returns nullptr when they do not fit or a value is outside its range.
uint8_t* write_parameters(uint8_t* out, uint8_t* end, const Parameters& parameters);
// False, and `parameters` unspecified: malformed, a repeated id, a value outside its range.
bool read_parameters(const uint8_t* data, size_t length, Parameters& parameters);

// ---- The payloads of the handshake's messages ----

struct InitPayload {
  PeerIdBytes initiator;
  ResetToken reset;  // for the source of the INIT
  Parameters parameters;
};

// Fills `out`, with zeros behind the parameters. False: a value is outside its range.
bool write_init_payload(uint8_t out[kInitPayloadBytes], const InitPayload& payload);
// False: another length than kInitPayloadBytes, invalid parameters, not zeros behind them.
bool read_init_payload(const uint8_t* data, size_t length, InitPayload& payload);

struct ResponsePayload {
  ConnectionId source;
  ResetToken reset;  // for `source`
  Parameters parameters;
};

// Returns the length, at most kMaxResponsePayload. 0: it does not fit into `capacity`, or a value
// is outside its range.
size_t write_response_payload(uint8_t* out, size_t capacity, const ResponsePayload& payload);
// False: longer than kMaxResponsePayload, cut off, invalid parameters, bytes behind them.
bool read_response_payload(const uint8_t* data, size_t length, ResponsePayload& payload);

}  // namespace hawser::wire
