#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"
#include "wire/limits.h"
#include "wire/varint.h"

namespace hawser::wire {

// The frames of PROTOCOL.md §5. Pointers in decoded frames point into the packet that was read and
// live as long as it does. The structs are trivial on purpose: a Frame is not cleared between
// frames.

enum class FrameType : uint64_t {
  kPadding = 0x00,
  kPing = 0x01,
  kAck = 0x02,
  kCrypto = 0x03,
  kAckNow = 0x04,
  kAckPolicy = 0x05,
  kCount = 0x06,
  kRequest = 0x07,
  kSkip = 0x08,
  kWindow = 0x09,
  kWindowHint = 0x0a,
  kCredit = 0x0b,
  kBlocked = 0x0c,
  kMaxChannels = 0x0d,
  kOpen = 0x0e,
  kAccept = 0x0f,
  kEnd = 0x10,
  kReset = 0x11,
  kClose = 0x12,
  kMessage = 0x14,
  kFragment = 0x15,
  kPathChallenge = 0x16,
  kPathResponse = 0x17,
  kCountNow = 0x28,
};

// From this type on, a frame carries its length and is skipped when it is not known.
inline constexpr uint64_t kFirstSkippableType = 0x40;

// Whether a packet with such a frame must be acknowledged. True for types from kFirstSkippableType
// on, as for every frame of RFC 9000 but PADDING, ACK and CLOSE.
constexpr bool is_ack_eliciting(FrameType type) {
  return type != FrameType::kPadding && type != FrameType::kAck && type != FrameType::kCount &&
         type != FrameType::kClose;
}

struct Ping {};
struct AckNow {};

struct CountNow {
  uint64_t channel;
};

struct Range {  // of packet numbers, both inclusive
  uint64_t first;
  uint64_t last;
};

struct Ack {
  uint64_t delay_us;            // since the largest one was received
  uint32_t range_count;         // 1 to kMaxAckRanges
  Range ranges[kMaxAckRanges];  // newest first, with at least one number missing between two

  uint64_t largest() const { return ranges[0].last; }
};

struct AckPolicy {
  uint64_t generation;
  uint32_t packets;               // P: 1 to kMaxPolicyPackets
  uint32_t max_delay_us;          // 0 to kMaxAckDelayUs
  uint32_t reordering_threshold;  // 1 to kMaxReorderingThreshold
};

struct CountEntry {
  uint64_t channel;
  uint32_t count32;  // low 32 bits of the last sequence of the run received
};

struct Count {
  uint32_t entry_count;  // 1 to kMaxCountEntries
  CountEntry entries[kMaxCountEntries];
};

enum class WindowMode : uint8_t { kEarly = 0, kCounted = 1 };

struct Window {
  uint64_t channel;
  uint64_t generation;
  uint32_t messages;          // N: kMinWindow to kMaxWindow
  uint32_t messages_per_ack;  // M: 1 to N
  uint32_t ack_after_us;      // T
  WindowMode mode;
};

struct WindowHint {
  uint64_t channel;
  uint64_t generation;
  uint32_t loss;              // packets that did not arrive, of kLossUnit
  uint32_t messages;          // N: 0 or kMinWindow to kMaxWindow
  uint32_t messages_per_ack;  // M: 0 to N
};

struct RequestRange {
  uint32_t first32;  // low 32 bits of the first sequence wanted
  uint32_t count;    // 1 to kMaxRequestRun
};

struct Request {
  uint64_t channel;
  uint32_t range_count;                    // 1 to kMaxRequestRanges
  RequestRange ranges[kMaxRequestRanges];  // rising, not overlapping
};

// Whether `next` lies above `range` and does not touch it, as far as 32 bits can tell.
constexpr bool follows(const RequestRange& range, const RequestRange& next) {
  const uint32_t distance = next.first32 - range.first32;
  return distance >= range.count && distance < (uint32_t{1} << 31);
}

struct Skip {
  uint64_t channel;
  uint32_t next32;  // low 32 bits of the first sequence that may still come
  uint64_t cost;    // of all below that were ever sent
};

struct Credit {
  uint64_t channel;
  uint64_t limit;  // cost in total
};

struct Blocked {
  uint64_t channel;
  uint64_t wanted;  // cost in total
};

struct MaxChannels {
  uint64_t total;
};

// How the messages of one direction are handed over (§5.12).
enum class Delivery : uint8_t { kOrdered = 0, kUnordered = 1, kLatest = 2, kUnreliable = 3 };

struct Open {
  uint64_t channel;
  const uint8_t* service;  // UTF-8
  size_t service_length;   // kMinService to kMaxService
  const uint8_t* metadata;
  size_t metadata_length;  // 0 to kMaxMetadata
  uint64_t limit;          // the first CREDIT for the other side
  uint64_t max_message;    // 1 to kMaxMessage
  Delivery delivery;
};

struct Accept {
  uint64_t channel;
  uint64_t limit;
  uint64_t max_message;  // 1 to kMaxMessage
  Delivery delivery;
};

struct End {
  uint64_t channel;
  uint64_t final_sequence;  // 0: no message was sent
};

struct Reset {
  uint64_t channel;
  uint64_t code;  // as on the wire; see code_from_wire()
  uint64_t final_sequence;
  uint64_t final_cost;
  const uint8_t* reason;  // UTF-8
  size_t reason_length;   // 0 to kMaxReason
};

struct Close {
  uint64_t code;
  const uint8_t* reason;
  size_t reason_length;
};

struct Message {
  uint64_t channel;
  uint32_t sequence32;  // of the first message
  uint32_t count;       // messages in `data`, >= 1; decoded only, a writer does not look at it
  const uint8_t* data;  // blocks that fill `length` exactly: see next_block()
  size_t length;
};

struct Fragment {
  uint64_t channel;
  uint32_t sequence32;
  uint64_t total;   // >= 1; not checked against kMaxMessage here: that has a code of its own
  uint64_t offset;  // offset + length <= total
  const uint8_t* data;
  size_t length;  // >= 1
};

// A message of a handshake inside the session (§3).
struct Crypto {
  uint64_t generation;     // of the keys it is for: rising, from 1
  uint32_t step;           // which message of the handshake: 1 to kLastCryptoStep
  const uint8_t* message;  // Noise's, opaque here
  size_t length;           // 1 to kMaxCryptoMessage
};

struct PathChallenge {
  uint8_t data[kPathDataBytes];
};

struct PathResponse {
  uint8_t data[kPathDataBytes];  // of the PATH_CHALLENGE that it answers
};

// ---- Writing ----
// Each writes one frame into [out, end) and returns the byte behind it; nullptr, with nothing
// written that counts, when it does not fit or when a value is outside its range, so that no reader
// would take it. Only the packing of Message::data is the caller's word.

uint8_t* write(uint8_t* out, uint8_t* end, const Ping&);
uint8_t* write(uint8_t* out, uint8_t* end, const AckNow&);
uint8_t* write(uint8_t* out, uint8_t* end, const CountNow&);
uint8_t* write(uint8_t* out, uint8_t* end, const Ack&);
uint8_t* write(uint8_t* out, uint8_t* end, const AckPolicy&);
uint8_t* write(uint8_t* out, uint8_t* end, const Count&);
uint8_t* write(uint8_t* out, uint8_t* end, const Window&);
uint8_t* write(uint8_t* out, uint8_t* end, const WindowHint&);
uint8_t* write(uint8_t* out, uint8_t* end, const Request&);
uint8_t* write(uint8_t* out, uint8_t* end, const Skip&);
uint8_t* write(uint8_t* out, uint8_t* end, const Credit&);
uint8_t* write(uint8_t* out, uint8_t* end, const Blocked&);
uint8_t* write(uint8_t* out, uint8_t* end, const MaxChannels&);
uint8_t* write(uint8_t* out, uint8_t* end, const Open&);
uint8_t* write(uint8_t* out, uint8_t* end, const Accept&);
uint8_t* write(uint8_t* out, uint8_t* end, const End&);
uint8_t* write(uint8_t* out, uint8_t* end, const Reset&);
uint8_t* write(uint8_t* out, uint8_t* end, const Close&);
uint8_t* write(uint8_t* out, uint8_t* end, const Message&);
uint8_t* write(uint8_t* out, uint8_t* end, const Fragment&);
uint8_t* write(uint8_t* out, uint8_t* end, const Crypto&);
uint8_t* write(uint8_t* out, uint8_t* end, const PathChallenge&);
uint8_t* write(uint8_t* out, uint8_t* end, const PathResponse&);

// `count` PADDING frames, one byte each.
uint8_t* write_padding(uint8_t* out, uint8_t* end, size_t count);

// The part of a MESSAGE or FRAGMENT before its `length` bytes of content, which the caller then
// copies to where these return. nullptr also when the content would not fit behind it.
uint8_t* write_message_header(uint8_t* out, uint8_t* end, uint64_t channel, uint32_t sequence32,
                              size_t length);
uint8_t* write_fragment_header(uint8_t* out, uint8_t* end, uint64_t channel, uint32_t sequence32,
                               uint64_t total, uint64_t offset, size_t length);

// Bytes that those headers take. All values <= kMaxVarint.
constexpr size_t message_header_size(uint64_t channel, size_t length) {
  return 1 + varint_size(channel) + 4 + varint_size(length);
}
constexpr size_t fragment_header_size(uint64_t channel, uint64_t total, uint64_t offset,
                                      size_t length) {
  return 1 + varint_size(channel) + 4 + varint_size(total) + varint_size(offset) +
         varint_size(length);
}

// The largest content with which the frame takes at most `room` bytes; 0: none fits.
constexpr size_t message_room(uint64_t channel, size_t room) {
  const size_t before = 1 + varint_size(channel) + 4;
  return room > before ? block_room(room - before) : 0;
}
constexpr size_t fragment_room(uint64_t channel, uint64_t total, uint64_t offset, size_t room) {
  const size_t before = 1 + varint_size(channel) + 4 + varint_size(total) + varint_size(offset);
  return room > before ? block_room(room - before) : 0;
}

// ---- Packed messages ----

// Bytes that a message takes inside a MESSAGE frame, and what it costs in credit (§5.6).
constexpr uint64_t block_size(uint64_t length) { return varint_size(length) + length; }
constexpr uint64_t message_cost(uint64_t length) { return block_size(length) + kMessageOverhead; }

// Steps through the content of a decoded Message, which was found to be well-formed, hence no
// checks:
//   for (const uint8_t* p = m.data; p != m.data + m.length;) p = next_block(p, end, body, length);
// Returns the byte behind the block. `p` < `end`.
inline const uint8_t* next_block(const uint8_t* p, const uint8_t* end, const uint8_t*& body,
                                 size_t& length) {
  uint64_t value = 0;
  body = read_varint(p, end, value);
  length = static_cast<size_t>(value);
  return body + length;
}

// Calls visit(body, length) for each block of [p, end), one behind the other. False: they do not
// fill it exactly; then only the first ones were visited. Often many of one length follow each
// other: where the next one begins is then known before its length was read, and the processor need
// not wait for one to find the next.
template <typename Visit>
inline bool walk_blocks(const uint8_t* p, const uint8_t* end, Visit visit) {
  while (p != end) {
    uint64_t length = 0;
    const uint8_t* const body = read_varint(p, end, length);
    if (body == nullptr || length > static_cast<uint64_t>(end - body)) return false;
    const uint8_t* const head = p;
    const auto prefix = static_cast<size_t>(body - p);
    const auto size = static_cast<size_t>(length);
    const auto left = [end](const uint8_t* from) { return static_cast<size_t>(end - from); };
    visit(body, size);
    p = body + size;
    if (prefix == 1) {
      for (const uint8_t first = *head; left(p) > size && *p == first; p += 1 + size) {
        visit(p + 1, size);
      }
    } else if (prefix == 2) {
      const uint16_t first = load_u16(head);
      for (; left(p) > size + 1 && load_u16(p) == first; p += 2 + size) visit(p + 2, size);
    }
  }
  return true;
}

// ---- Reading ----

// One decoded frame; the member that belongs to type() is the one to look at.
class Frame {
 public:
  FrameType type() const { return type_; }

  union {
    Ack ack;
    AckPolicy ack_policy;
    Count count;
    Window window;
    WindowHint window_hint;
    Request request;
    Skip skip;
    CountNow count_now;
    Credit credit;
    Blocked blocked;
    MaxChannels max_channels;
    Open open;
    Accept accept;
    End end;
    Reset reset;
    Close close;
    Message message;
    Fragment fragment;
    Crypto crypto;
    PathChallenge path_challenge;
    PathResponse path_response;
  };

 private:
  friend class FrameReader;
  FrameType type_;
};

// Reads the frames of one packet, in order. Everything that PROTOCOL.md asks of a single frame is
// checked here; what depends on the state of the session is not. Never reads outside of the packet.
class FrameReader {
 public:
  FrameReader(const uint8_t* data, size_t length)
      : begin_(data), position_(data), end_(data + length) {}

  enum class Next {
    kFrame,  // `out` holds one
    kEnd,    // nothing is left
    kError,  // a protocol error, FRAME_ENCODING; stays so. error() says what
  };

  // PADDING, and unknown frames that carry their length, are passed over. A packet without any
  // frame is an error.
  Next next(Frame& out);

  // The first byte not read yet: behind the frame that next() returned last.
  const uint8_t* position() const { return position_; }
  // Unknown frames passed over so far. They are ack-eliciting.
  uint32_t skipped() const { return skipped_; }
  // Why next() returned error: a short English phrase; nullptr before.
  const char* error() const { return error_; }

 private:
  Next fail(const char* error);

  const uint8_t* begin_;
  const uint8_t* position_;
  const uint8_t* end_;
  const char* error_ = nullptr;
  uint32_t skipped_ = 0;
};

}  // namespace hawser::wire
