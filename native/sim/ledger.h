#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/content.h"
#include "transport/channel.h"
#include "wire/frames.h"

namespace hawser::sim {

// What is known to be true of one direction of a channel, kept apart from the code under test.
struct DirectionLedger {
  uint64_t stream = 0;
  SizeProfile sizes;
  uint64_t first_sequence = 1;
  // What the sender asked for.
  transport::ChannelConfig config;
  // The longest message that the receiver takes.
  uint32_t largest_taken = 0;
  // Messages may be left out: each begins with its number (kTagBytes).
  bool tagged = false;
  // The two ends as long as they live.
  transport::Channel* sender = nullptr;
  transport::Channel* receiver = nullptr;
  // The sending end has been told that it is gone.
  bool sender_gone = false;

  // Messages taken by push(), and handed to the reader.
  uint64_t pushed = 0;
  uint64_t delivered = 0;
  // Tagged: one past the newest one handed over; a bit for each one that was.
  uint64_t newest_end = 0;
  std::vector<uint64_t> taken;

  // When messages were pushed; where they expire, each of them.
  transport::Time last_pushed_at = 0;
  std::vector<transport::Time> pushed_at;

  // Seen on the wire. Every message below `next_unsent` was sent, at least in part; together they
  // cost `cost_sent`. `credit` has reached the sender.
  uint64_t next_unsent = 1;
  uint64_t cost_sent = 0;
  uint64_t credit = 0;
  // Bytes sent of the newest message, if it is cut.
  uint64_t fragment_end = 0;
  // Frames with something that was sent before.
  uint64_t repeated_frames = 0;
  // The last number that a COUNT has told the sender.
  uint64_t counted = 0;
  // The sender's N before the train that is being sent: it may fall on the way.
  uint32_t window_before = 0;
  // The receiver of a counted direction: what its last COUNT said, when a message came first after
  // it (0: none), when it was told to count, and by which M and T.
  uint64_t count_sent = 0;
  transport::Time receipt_at = 0;
  bool count_called_for = false;
  uint64_t window_generation = 0;
  uint32_t ack_every = 0;
  // M before it changed: a COUNT may have been due already.
  uint32_t ack_every_before = 0;
  transport::Duration ack_timeout = 0;
  // T before it changed: it may have been running. Until the first WINDOW, the ACK policy decides.
  transport::Duration ack_timeout_before = 25 * transport::kMillisecond;
  // The receiver of an early direction: what it expects next, when something has come in sequence
  // first after its last COUNT (0: nothing), and since when a COUNT is due for M (0: it is not).
  uint64_t expected = 0;
  transport::Time sequence_at = 0;
  transport::Time count_due_at = 0;
  // Bits, from first_sequence on: a packet with the whole message was acknowledged to the sender.
  std::vector<uint64_t> acknowledged;
  // What the newest SKIP has given up, and whether END went out.
  uint64_t skip_sent = 0;
  bool end_sent = false;
  // When the receiver last asked for messages (0: never), and what it expected then.
  transport::Time requested_at = 0;
  uint64_t expected_at_request = 0;
  uint64_t hint_generation = 0;
  // Tagged: the receiver took these whole; a bit for each. All but kLatest must hand them over.
  std::vector<uint64_t> arrived;
  uint64_t received = 0;  // messages, when the receiver was last looked at
  // Not tagged: cost of what was handed over, and of what of it was consumed.
  uint64_t cost_delivered = 0;
  uint64_t cost_consumed = 0;

  uint64_t key(uint64_t sequence) const { return message_key(stream, sequence); }
  size_t length(uint64_t sequence) const {
    const size_t length = message_length(sizes, key(sequence));
    return tagged ? std::max(length, kTagBytes) : length;
  }
  uint64_t end() const { return first_sequence + pushed; }
};

inline void set_bit(std::vector<uint64_t>& bits, uint64_t index) {
  if (index / 64 >= bits.size()) bits.resize(index / 64 + 16);
  bits[index / 64] |= uint64_t{1} << (index % 64);
}
inline bool has_bit(const std::vector<uint64_t>& bits, uint64_t index) {
  return index / 64 < bits.size() && (bits[index / 64] >> (index % 64) & 1) != 0;
}

struct ChannelLedger {
  uint64_t id = 0;
  // 0: what the side that opened the channel sends.
  DirectionLedger direction[2];
};

}  // namespace hawser::sim
