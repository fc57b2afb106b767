#pragma once

#include <algorithm>
#include <cstdint>

namespace hawser::transport {

// The receiver's measurement of a path: the part of the peer's packets that does not arrive, from
// the gaps between their numbers. Packets that come late count as arrived.
class ReceptionMonitor {
 public:
  // What it amounts to for the window controller.
  enum class Grade : uint8_t { kClean, kFair, kPoor };

  // Packet `number` came for the first time. True: the grade has changed.
  bool on_packet(uint64_t number) {
    arrived_++;
    if (!any_) {
      any_ = true;
      start_ = number;
      arrived_ = 0;
      largest_ = number;
      return false;
    }
    largest_ = std::max(largest_, number);
    const uint64_t expected = largest_ - start_;
    if (expected < kInterval) return false;
    const double missing = expected > arrived_ ? static_cast<double>(expected - arrived_) : 0.0;
    const double sample = missing / static_cast<double>(expected);
    loss_ += (sample - loss_) * kWeight;
    if (intervals_ == 0) loss_ = sample;
    intervals_++;
    start_ = largest_;
    arrived_ = 0;
    const Grade before = grade_;
    // Apart from each other, so that a loss at the border does not make a hint an interval.
    if (loss_ > kPoor) grade_ = Grade::kPoor;
    if (loss_ < kClean) grade_ = Grade::kClean;
    if (grade_ == Grade::kPoor && loss_ < kPoor / 2) grade_ = Grade::kFair;
    if (grade_ == Grade::kClean && loss_ > kClean * 4) grade_ = Grade::kFair;
    return grade_ != before;
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

  bool any_ = false;
  Grade grade_ = Grade::kClean;
  uint64_t start_ = 0;
  uint64_t largest_ = 0;
  uint64_t arrived_ = 0;
  uint64_t intervals_ = 0;
  double loss_ = 0;
};

}  // namespace hawser::transport
