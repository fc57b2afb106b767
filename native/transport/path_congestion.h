#pragma once

#include <cstdint>
#include <utility>

#include "transport/bbr.h"
#include "transport/cubic.h"
#include "transport/memory.h"
#include "transport/types.h"

namespace hawser::transport {

// The congestion controller of one path, in memory of its own: the largest is three times as large
// as the usual one, and a session has only one of them.
class PathCongestion {
 public:
  PathCongestion(Memory& memory, CongestionAlgorithm algorithm, uint64_t max_packet_bytes)
      : memory_(&memory), algorithm_(algorithm) {
    if (algorithm == CongestionAlgorithm::kBbr) {
      controller_ = memory.create<Bbr>(max_packet_bytes);
    } else {
      controller_ = memory.create<Cubic>(max_packet_bytes);
    }
  }
  ~PathCongestion() {
    if (algorithm_ == CongestionAlgorithm::kBbr) {
      memory_->destroy(static_cast<Bbr*>(controller_));
    } else {
      memory_->destroy(static_cast<Cubic*>(controller_));
    }
  }
  // What was moved from has no controller.
  PathCongestion(PathCongestion&& other) noexcept
      : memory_(other.memory_),
        controller_(std::exchange(other.controller_, nullptr)),
        algorithm_(other.algorithm_) {}
  PathCongestion& operator=(PathCongestion&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(controller_, other.controller_);
    std::swap(algorithm_, other.algorithm_);
    return *this;
  }
  PathCongestion(const PathCongestion&) = delete;
  PathCongestion& operator=(const PathCongestion&) = delete;

  // False: there was no memory for the controller, and nothing below may be called.
  bool ready() const { return controller_ != nullptr; }
  // Knows what `other`, of the same algorithm, knows.
  void inherit(const PathCongestion& other) {
    if (algorithm_ == CongestionAlgorithm::kBbr) {
      static_cast<Bbr&>(*controller_) = static_cast<const Bbr&>(*other.controller_);
    } else {
      static_cast<Cubic&>(*controller_) = static_cast<const Cubic&>(*other.controller_);
    }
  }

  void on_sent(Time now, uint64_t bytes, uint64_t in_flight_after, uint64_t packet_number) {
    controller_->on_sent(now, bytes, in_flight_after, packet_number);
  }
  void on_ack(const AckEvent& event) { controller_->on_ack(event); }
  void on_loss(const LossEvent& event) { controller_->on_loss(event); }
  void on_spurious_loss(Time now) { controller_->on_spurious_loss(now); }
  void on_mtu(uint64_t max_packet_bytes) { controller_->on_mtu(max_packet_bytes); }

  uint64_t window() const { return controller_->window(); }
  uint64_t pacing_rate(const RttEstimator& rtt) const { return controller_->pacing_rate(rtt); }
  CongestionAlgorithm algorithm() const { return algorithm_; }
  const CongestionController& controller() const { return *controller_; }

 private:
  Memory* memory_;
  CongestionController* controller_ = nullptr;
  CongestionAlgorithm algorithm_;
};

}  // namespace hawser::transport
