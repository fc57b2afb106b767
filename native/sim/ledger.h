#pragma once

#include <cstdint>

#include "sim/content.h"
#include "transport/channel.h"
#include "wire/frames.h"

namespace hawser::sim {

// What is known to be true of one direction of a channel, kept apart from the code under test.
struct DirectionLedger {
  uint64_t stream = 0;
  SizeProfile sizes;
  uint64_t first_sequence = 1;
  // The two ends as long as they live.
  transport::Channel* sender = nullptr;
  transport::Channel* receiver = nullptr;
  // The sending end has been told that it is gone.
  bool sender_gone = false;

  // Messages taken by push(), and handed to the reader.
  uint64_t pushed = 0;
  uint64_t delivered = 0;

  // Seen on the wire. Every message below `next_unsent` was sent, at least in part; together they
  // cost `cost_sent`. `credit` has reached the sender.
  uint64_t next_unsent = 1;
  uint64_t cost_sent = 0;
  uint64_t credit = 0;
  // Bytes sent of the newest message, if it is cut.
  uint64_t fragment_end = 0;
  // Frames with something that was sent before.
  uint64_t repeated_frames = 0;

  uint64_t key(uint64_t sequence) const { return message_key(stream, sequence); }
  size_t length(uint64_t sequence) const { return message_length(sizes, key(sequence)); }
  uint64_t end() const { return first_sequence + pushed; }
};

struct ChannelLedger {
  uint64_t id = 0;
  // 0: what the side that opened the channel sends.
  DirectionLedger direction[2];
};

}  // namespace hawser::sim
