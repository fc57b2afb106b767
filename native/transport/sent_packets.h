#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/memory.h"
#include "transport/range_set.h"
#include "transport/ring.h"
#include "transport/time.h"

namespace hawser::transport {

enum SentState : uint8_t {
  kSentInFlight = 0,
  kSentAcked = 1,
  // Declared lost; may still be acknowledged.
  kSentLost = 2,
  // The number was left out on purpose; no packet carried it.
  kSentSkipped = 3,
};

// What is remembered of a packet that was sent.
struct SentPacket {
  uint64_t number = 0;
  Time sent_at = 0;
  uint32_t bytes = 0;
  // A SentState. Kept by LossDetector.
  uint8_t state = kSentInFlight;
  // The peer must acknowledge it, so its loss is looked for and a probe timeout covers it.
  bool ack_eliciting = false;
  // Its bytes count against the congestion window.
  bool in_flight_counted = false;
  // Sent while data, credit or the message window was the limit.
  bool app_limited = false;
  // Ack-eliciting, but the peer acknowledges it when it likes (messages of counted channels): no
  // probe timeout covers it.
  bool deferred = false;
  // It only finds out whether the path carries its size: its loss says nothing else.
  bool mtu_probe = false;
  // It carried an ACK whose largest number was largest_acked_in_ack.
  bool has_ack = false;
  // Declared lost by the time threshold and not by the packet threshold. Kept by LossDetector.
  bool lost_by_time = false;
  // As the three below: sent while the path was not filled, so that its sample is a lower bound.
  bool rate_limited = false;
  // Which of the session's paths it was sent on (Path::number); kNoPath: elsewhere.
  static constexpr uint32_t kNoPath = UINT32_MAX;
  uint32_t path = 0;
  uint64_t largest_acked_in_ack = 0;
  // Its frames in the session's ring of frame references.
  uint64_t frame_first = 0;
  uint32_t frame_count = 0;
  // Acknowledged: at least so many numbers up to this one are. Kept by SentPackets.
  uint32_t settled_run = 0;
  // For a sample of the delivery rate, once it is acknowledged: bytes acknowledged in all when it
  // was sent, when the last of them were, and when the newest packet among them had been sent.
  // Filled by DeliveryRate.
  uint64_t delivered_bytes = 0;
  Time delivered_at = 0;
  Time first_sent_at = 0;
  // When it was declared lost. Kept by LossDetector.
  Time lost_at = 0;
};

// The record of sent packets of one number space: a ring addressed by packet number, with a slot
// for every number in between, so that looking one up is an index. Slots of acknowledged packets
// between others are jumped over in amortised O(log n) (links with path halving), so that an ACK
// that repeats old ranges costs nothing for what it repeats.
class SentPackets {
 public:
  // Slots at most; bounds what a peer that never acknowledges can make us keep.
  static constexpr size_t kMaximumSlots = size_t{1} << 17;
  static constexpr uint64_t kNone = UINT64_MAX;

  explicit SentPackets(Memory& memory) : ring_(memory), skipped_(memory) {}

  // The number of the first packet. Only while nothing is recorded.
  void start_at(uint64_t first_number);

  // One past the newest number recorded: the smallest that push() takes.
  uint64_t next_number() const { return base_ + ring_.end(); }
  // The smallest number ever valid, as given to start_at().
  uint64_t start_number() const { return start_; }
  // The oldest number still recorded; next_number() when empty.
  uint64_t first_number() const { return base_ + ring_.first(); }
  bool empty() const { return ring_.empty(); }
  size_t size() const { return ring_.size(); }
  bool contains(uint64_t number) const { return ring_.contains(number - base_); }

  // Makes sure that push() of the next number cannot fail. false: no memory or too many slots.
  [[nodiscard]] bool reserve_one();
  // Makes sure that there is a slot at all. false: no memory.
  [[nodiscard]] bool reserve_any() { return ring_.capacity() != 0 || ring_.reserve(1); }
  // Records a packet and, as skipped, the numbers between the last one and it.
  // false: no memory or too many slots; unchanged.
  [[nodiscard]] bool push(const SentPacket& packet);

  // contains(number) is required.
  SentPacket& at(uint64_t number) { return ring_[number - base_]; }
  const SentPacket& at(uint64_t number) const { return ring_[number - base_]; }
  SentPacket& front() { return ring_.front(); }
  const SentPacket& front() const { return ring_.front(); }
  void pop_front();

  // Did we leave out a number of [begin, end)? Remembered as long as the slots are.
  bool skipped_in(uint64_t begin, uint64_t end) const { return skipped_.intersects(begin, end); }
  // Marks as acknowledged. contains(number) is required.
  void settle(uint64_t number);
  // The largest recorded number <= `number` that is not acknowledged; kNone when there is none.
  // contains(number) is required.
  uint64_t unsettled_at_or_below(uint64_t number);

  // Forgets everything but the next number and gives the memory back.
  void release();
  size_t memory_bytes() const {
    return ring_.capacity() * sizeof(SentPacket) + skipped_.memory_bytes();
  }

 private:
  // Slot `i` of the ring is number base_ + i (modulo 2^64).
  uint64_t base_ = 0;
  uint64_t start_ = 0;
  Ring<SentPacket> ring_;
  RangeSet skipped_;
};

}  // namespace hawser::transport
