#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "transport/shared_use.h"
#include "transport/time.h"
#include "wire/codes.h"
#include "wire/frames.h"
#include "wire/packet.h"

namespace hawser::transport {

// Where a datagram came from or goes to. Opaque to the core, which only compares and copies it; the
// owner of the sockets puts an address (and which of its sockets) inside. Unused bytes are zero.
struct PathAddress {
  // The first of them name where a datagram came from without the port, as far as one party usually
  // has them all: an IPv4 address, or the upper half of an IPv6 address.
  static constexpr size_t kSourceBytes = 8;

  uint8_t bytes[40] = {};

  bool operator==(const PathAddress& other) const {
    return std::memcmp(bytes, other.bytes, sizeof bytes) == 0;
  }
};

// Random numbers, handed in. Must be unpredictable in production; seeded in the simulator.
class Random {
 public:
  virtual void fill(uint8_t* out, size_t length) = 0;
  uint64_t next() {
    uint64_t value = 0;
    fill(reinterpret_cast<uint8_t*>(&value), sizeof value);
    return value;
  }

 protected:
  ~Random() = default;
};

// What decides how much may be in flight (congestion_controller.h).
enum class CongestionAlgorithm : uint8_t {
  kCubic = 0,
  kBbr = 1,
};

// How an endpoint behaves towards all its sessions.
struct EndpointConfig {
  // Sessions at once, half-open ones apart. Beyond it an INIT is dropped, and a session that proves
  // itself too late is closed with SESSION_LIMIT.
  uint32_t max_sessions = 65'536;
  // Sessions at once that one peer has begun and proven; the same beyond it. What it leaves behind
  // when it is started again goes by its idle timeout.
  uint32_t max_sessions_per_peer = 64;
  // Half-open sessions at once, handshakes under way included; but no more than max_sessions, or 64
  // if that is less. See HalfOpenSessions.
  uint32_t max_half_open = 4'096;
  // With so many half-open sessions, or half of those that there may be, nothing is done for an
  // INIT before its sender has shown with a cookie that it receives at its address.
  uint32_t cookies_above = 64;
  // The same once so many handshakes a second were begun without a cookie, whoever they were from.
  uint32_t unproven_rate = 250;
  // Handshakes a second from one network address (for IPv6 its upper half) with a cookie, and as
  // many again without; so many may come at once. Without a cookie, what is beyond is asked for
  // one.
  uint32_t handshake_rate = 100;
  // Stateless resets a second, to peers of sessions that are gone.
  uint32_t reset_rate = 100;
  // A fresh handshake within the session when this long has passed since the last one.
  Duration renew_after = 600 * kSecond;
  // Such handshakes that a peer asks for within a session are answered at most this often; two may
  // come at once. An eager one's request is not acknowledged until its time, so that it comes
  // again.
  Duration answer_renewals_every = 10 * kSecond;
  // After so many packet numbers on average one is left out, at random: who acknowledges it does
  // not tell the truth (RFC 9000, section 21.4). 0: never.
  uint32_t skip_every = 2'048;
  // Channels that one remote peer may have open at once.
  uint32_t max_channels = 65'536;
  // Bytes of memory for all sessions and channels together; 0 = no limit.
  size_t memory_limit = 0;
  // nullptr: max_sessions and memory_limit are of this endpoint alone. Else of all that are given
  // the same, which may be in other engines; outlives them.
  SharedUse* shared = nullptr;
  // A session ends when nothing was received for this long. Milliseconds, 0 = never.
  uint32_t idle_timeout_ms = 30'000;
  // Credit of a channel before its OPEN or ACCEPT, and the smallest receive window. Bytes of cost.
  uint32_t initial_credit = 65'536;
  // The receive window of a channel grows up to this while its reader keeps up. Bytes of cost.
  uint32_t max_credit = 8u << 20;
  // Largest UDP payload this endpoint takes, and sends at most. Bytes.
  uint32_t max_datagram = 65'527;
  // UDP payload to begin with on every path, and to fall back to. Bytes.
  uint32_t path_datagram = 1'200;
  // Path MTU discovery tries nothing longer than this; up to path_datagram: there is none. Bytes.
  uint32_t path_datagram_limit = 0;
  Duration max_ack_delay = 25 * kMillisecond;
  CongestionAlgorithm congestion = CongestionAlgorithm::kBbr;
  // Test seam: number of the first message in each direction of every channel. Both sides must
  // agree. Protocol: 1.
  uint64_t first_sequence = 1;
};

// Options of one direction pair of a channel, chosen by its local side.
struct ChannelConfig {
  // Longest message taken from the peer, and longest sent. Bytes, 1 to 2^30-1.
  uint32_t max_message = 16u << 20;
  // N: messages in flight at most, 2 to 65,536; 0 = automatic.
  uint32_t window = 0;
  // Bounds of an automatic N; 0 = none.
  uint32_t window_minimum = 0;
  uint32_t window_maximum = 0;
  // M: messages in sequence that the peer acknowledges at once, 1 to N; 0 = N / 2.
  uint32_t ack_every = 0;
  // T: the peer acknowledges this long after a first receipt. 0 = the ACK policy's delay.
  Duration ack_timeout = 0;
  // Acknowledgements only after M messages in sequence, after T, and on request.
  bool counted = false;
  // Messages leave only when N of them are there, when the window was shifted, on a flush, or
  // `flush_after` after the first of them (0 = never).
  bool fill = false;
  Duration flush_after = 0;
  // What is unacknowledged for so long is sent again; 0 = from the measured round trip.
  Duration resend_timeout = 0;
  // When the window was shifted, everything in it is sent again.
  bool resend_all = false;
  wire::Delivery delivery = wire::Delivery::kOrdered;
  // Messages not acknowledged for so long are given up; 0 = never.
  Duration expires_after = 0;
  // Lower ones go first (0 to 7, as RFC 9218 has it); those of one priority share by weight (1 to
  // 256).
  uint8_t priority = 3;
  uint16_t weight = 16;
  // Unsent bytes above which push() says "full", and the limit at which it refuses.
  uint64_t high_water_mark = 1u << 20;
  uint64_t max_buffered = 16u << 20;
  // The channel is reset with IDLE when no message moved for this long; 0 = never.
  Duration idle_timeout = 0;
};

// Who ended a session or channel.
enum class ClosedBy : uint8_t { kNobody, kLocal, kRemote, kFailure };

// Why it ended. `detail` is for a person.
struct CloseReason {
  ClosedBy by = ClosedBy::kNobody;
  wire::Code code = wire::Code::kNoError;
  // Set when nobody said anything: the session's idle timeout or a connect timeout.
  bool timed_out = false;
  uint8_t detail_length = 0;
  char detail[255];

  // Cuts `text` to what fits.
  static CloseReason make(ClosedBy by, wire::Code code, const char* text, size_t length) {
    CloseReason reason;
    reason.by = by;
    reason.code = code;
    reason.detail_length = static_cast<uint8_t>(length < sizeof detail ? length : sizeof detail);
    if (reason.detail_length != 0) std::memcpy(reason.detail, text, reason.detail_length);
    return reason;
  }
};

// One run of equal-sized datagrams for one destination.
struct Train {
  // In: room for the datagrams.
  uint8_t* buffer = nullptr;
  size_t capacity = 0;
  size_t max_segments = 64;
  // Out. The last segment may be shorter.
  PathAddress to;
  class Endpoint* from = nullptr;
  // Packets of an open session: which, and the number of the first. What of them the system refuses
  // as longer than the interface's MTU is told to Endpoint::on_refused().
  bool has_packets = false;
  wire::ConnectionId session;
  uint64_t first_number = 0;
  size_t length = 0;
  size_t segment_size = 0;
  size_t segments = 0;
  // Its session has another turn in the same round.
  bool more = false;
};

}  // namespace hawser::transport
