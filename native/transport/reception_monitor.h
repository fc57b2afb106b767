#pragma once

#include <algorithm>
#include <cstdint>

namespace hawser::transport {

// The receiver's measurement of a path: the part of the peer's packets that does not arrive. The
// numbers of packets are cut into intervals, and an interval is judged when the one after the next
// begins: packets that come late, but by less than an interval, count as arrived.
class ReceptionMonitor {
 public:
  // What it amounts to for the window controller.
  enum class Grade : uint8_t { kClean, kFair, kPoor };

  // Packet `number` came for the first time. True: the grade has changed.
  bool on_packet(uint64_t number) {
    if (!any_) {
      any_ = true;
      first_ = number;
    }
    if (number < first_) return false;
    const uint64_t interval = (number - first_) / kInterval;
    if (interval <= newest_) {
      if (interval + 1 >= newest_) arrived_[interval % 2]++;
      return false;
    }
    // Those before the one that came last: the two known ones, and any that were passed over.
    const uint64_t judged = newest_ == 0 ? 0 : newest_ - 1;
    const uint64_t expected = (interval - 1 - judged) * kInterval;
    uint64_t arrived = arrived_[judged % 2];
    if (interval == newest_ + 1) {
      if (newest_ == 0) arrived = 0;  // still open
    } else {
      arrived = arrived_[0] + arrived_[1];
      arrived_[(interval - 1) % 2] = 0;
    }
    arrived_[interval % 2] = 1;
    newest_ = interval;
    return expected != 0 && judge(expected, std::min(arrived, expected));
  }
  // 0 to 1, smoothed.
  double loss() const { return loss_; }
  Grade grade() const { return grade_; }

 private:
  // Packets of the peer to a measurement.
  static constexpr uint64_t kInterval = 64;
  static constexpr double kWeight = 0.25;
  static constexpr double kPoor = 0.02;
  static constexpr double kClean = 0.001;

  bool judge(uint64_t expected, uint64_t arrived) {
    const double sample = static_cast<double>(expected - arrived) / static_cast<double>(expected);
    loss_ = judged_any_ ? loss_ + (sample - loss_) * kWeight : sample;
    judged_any_ = true;
    const Grade before = grade_;
    // Apart from each other, so that a loss at the border does not make a hint an interval.
    if (loss_ > kPoor) grade_ = Grade::kPoor;
    if (loss_ < kClean) grade_ = Grade::kClean;
    if (grade_ == Grade::kPoor && loss_ < kPoor / 2) grade_ = Grade::kFair;
    if (grade_ == Grade::kClean && loss_ > kClean * 4) grade_ = Grade::kFair;
    return grade_ != before;
  }

  bool any_ = false;
  bool judged_any_ = false;
  Grade grade_ = Grade::kClean;
  // Number of the first packet, where interval 0 begins.
  uint64_t first_ = 0;
  // The interval of the highest number that came; it and the one before are not judged yet.
  uint64_t newest_ = 0;
  uint64_t arrived_[2] = {};
  double loss_ = 0;
};

}  // namespace hawser::transport
