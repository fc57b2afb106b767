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

enum class PacketType : uint8_t { kData, kInit, kResponse };

// What the first byte says. False: not Hawser's, a reserved type, a flag set, or no byte at all.
// Says nothing about the rest.
bool classify(const uint8_t* data, size_t length, PacketType& type);

struct DataHeader {
  ConnectionId destination;
  uint32_t number;  // low 32 bits of the packet number
};

// False unless it is a DATA packet of at least kMinDataPacket bytes. The frames, still protected,
// are [data + kHeaderBytes, data + length - kTagBytes).
bool read_data_header(const uint8_t* data, size_t length, DataHeader& header);

// Writes kHeaderBytes, for which the caller guarantees the room; returns the byte behind them.
uint8_t* write_data_header(uint8_t* out, const DataHeader& header);

// §3.1. Starts with the values that hold for what the other side did not send.
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

struct Init {
  uint32_t version = kVersion;
  ConnectionId source;
  PeerIdBytes initiator;
  PeerIdBytes responder;
  Parameters parameters;
};

struct Response {
  uint32_t version = kVersion;
  ConnectionId destination;
  ConnectionId source;
  Parameters parameters;
};

// Bytes that any Response written here fits into.
inline constexpr size_t kMaxResponseBytes = 64;

// Write a whole datagram and return its length: an INIT is padded to kInitBytes. 0: it does not fit
// into `capacity`, or a value is outside its range.
size_t write_init(uint8_t* out, size_t capacity, const Init& init);
size_t write_response(uint8_t* out, size_t capacity, const Response& response);

// Read a whole datagram. False: to be dropped (wrong type, too short, another version than
// kVersion, invalid parameters, bytes behind them that are not an INIT's zeros).
bool read_init(const uint8_t* data, size_t length, Init& init);
bool read_response(const uint8_t* data, size_t length, Response& response);

}  // namespace hawser::wire
