#pragma once

#include <cstdint>
#include <variant>

#include "transport/bbr.h"
#include "transport/cubic.h"
#include "transport/types.h"

namespace hawser::transport {

// The congestion controller of one path: one of those that there are, in place and not behind a
// pointer, so that a path needs no memory for it and may be copied as a whole. It takes the room of
// the largest.
class PathCongestion {
 public:
  PathCongestion(CongestionAlgorithm algorithm, uint64_t max_packet_bytes)
      : state_(make(algorithm, max_packet_bytes)) {}

  void on_sent(Time now, uint64_t bytes, uint64_t in_flight_after, uint64_t packet_number) {
    mutable_controller().on_sent(now, bytes, in_flight_after, packet_number);
  }
  void on_ack(const AckEvent& event) { mutable_controller().on_ack(event); }
  void on_loss(const LossEvent& event) { mutable_controller().on_loss(event); }
  void on_spurious_loss(Time now) { mutable_controller().on_spurious_loss(now); }
  void on_mtu(uint64_t max_packet_bytes) { mutable_controller().on_mtu(max_packet_bytes); }

  uint64_t window() const { return controller().window(); }
  uint64_t pacing_rate(const RttEstimator& rtt) const { return controller().pacing_rate(rtt); }
  CongestionAlgorithm algorithm() const {
    return std::holds_alternative<Bbr>(state_) ? CongestionAlgorithm::kBbr
                                               : CongestionAlgorithm::kCubic;
  }
  const CongestionController& controller() const {
    return std::visit([](const auto& one) -> const CongestionController& { return one; }, state_);
  }

 private:
  using State = std::variant<Cubic, Bbr>;

  static State make(CongestionAlgorithm algorithm, uint64_t max_packet_bytes) {
    if (algorithm == CongestionAlgorithm::kBbr) {
      return State(std::in_place_type<Bbr>, max_packet_bytes);
    }
    return State(std::in_place_type<Cubic>, max_packet_bytes);
  }
  CongestionController& mutable_controller() {
    return std::visit([](auto& one) -> CongestionController& { return one; }, state_);
  }

  State state_;
};

}  // namespace hawser::transport
