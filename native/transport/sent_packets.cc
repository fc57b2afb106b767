#include "transport/sent_packets.h"

#include <algorithm>

namespace hawser::transport {

void SentPackets::start_at(uint64_t first_number) {
  base_ = first_number - ring_.end();
  start_ = first_number;
}

bool SentPackets::reserve_one() { return size() + 1 <= kMaximumSlots && ring_.reserve(size() + 1); }

bool SentPackets::push(const SentPacket& packet) {
  const uint64_t next = next_number();
  if (packet.number < next) return false;
  const uint64_t gap = packet.number - next;
  if (gap >= kMaximumSlots || size() + gap + 1 > kMaximumSlots) return false;
  if (!ring_.reserve(size() + static_cast<size_t>(gap) + 1)) return false;
  if (!skipped_.add(next, packet.number)) return false;

  SentPacket skipped;
  skipped.sent_at = packet.sent_at;
  skipped.state = kSentSkipped;
  skipped.frame_first = packet.frame_first;
  bool pushed = true;
  for (uint64_t number = next; number != packet.number; number++) {
    skipped.number = number;
    pushed = pushed && ring_.push_back(skipped);
  }
  return pushed && ring_.push_back(packet);
}

void SentPackets::pop_front() {
  ring_.pop_front();
  if (!skipped_.empty()) skipped_.remove_below(first_number());
}

void SentPackets::settle(uint64_t number) {
  SentPacket& packet = at(number);
  packet.state = kSentAcked;
  packet.settled_run = 1;
}

uint64_t SentPackets::unsettled_at_or_below(uint64_t number) {
  for (;;) {
    SentPacket& packet = at(number);
    if (packet.state != kSentAcked) return number;
    const uint64_t recorded_below = number - first_number();
    if (packet.settled_run > recorded_below) return kNone;
    const SentPacket& below = at(number - packet.settled_run);
    if (below.state == kSentAcked) {
      // Halving the path makes the next walk over it shorter.
      const uint64_t run = uint64_t{packet.settled_run} + below.settled_run;
      packet.settled_run = static_cast<uint32_t>(std::min(run, recorded_below + 1));
      if (packet.settled_run > recorded_below) return kNone;
    }
    number -= packet.settled_run;
  }
}

void SentPackets::release() {
  ring_.pop_front_until(ring_.end());
  ring_.release();
  skipped_.release();
}

}  // namespace hawser::transport
