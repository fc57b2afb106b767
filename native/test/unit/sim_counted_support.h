#pragma once

#include <vector>

#include "test/unit/sim_support.h"

// What the tests of counted acknowledgements share: a peer without a brain that opens channel 1 in
// counted mode and sees when it is told what.
namespace hawser::sim {

class CountedReceiver : public testing::Test {
 protected:
  CountedReceiver() {
    network_.set_application(&app_);
    app_.config.window = 64;  // else N follows the congestion window, and WINDOW frames follow N
    peer_ = &network_.add_peer();
  }
  void SetUp() override { ASSERT_TRUE(raw_.connect(0)); }
  void TearDown() override {
    EXPECT_EQ(network_.failure(), "");
    peer_->destroy();
    EXPECT_EQ(network_.failure(), "");
  }

  void open(wire::WindowMode mode, uint32_t every, Duration timeout,
            wire::Delivery delivery = wire::Delivery::kOrdered) {
    static constexpr uint8_t kName[] = {'x'};
    wire::Open open{};
    open.channel = 1;
    open.service = kName;
    open.service_length = 1;
    open.metadata = kName;
    open.limit = 1u << 20;
    open.max_message = 1'000;
    open.delivery = delivery;
    raw_.add(open);
    raw_.add(window_of(mode, every, timeout)).send();
    // A delay and a P that would show, if counted messages heeded them.
    raw_.add(wire::AckPolicy{1, 2, 20'000, 3}).send();
    be_quiet();
  }
  wire::Window window_of(wire::WindowMode mode, uint32_t every, Duration timeout) {
    return {1, ++generation_, 1'000, every, static_cast<uint32_t>(timeout / kMicrosecond), mode};
  }
  // Acknowledges until nothing is left to acknowledge.
  void be_quiet() {
    raw_.settle();
    for (int i = 0; i < 10; i++) {
      raw_.add_ack().send();
      network_.run_for(100 * kMillisecond);
    }
    raw_.clear();
  }
  void send_message(uint64_t sequence) {
    raw_.add_messages(1, sequence, 1, 10);
    raw_.send();
    raw_.settle();
  }
  void send_messages(uint64_t first, uint64_t last) {
    for (uint64_t s = first; s <= last; s++) send_message(s);
  }
  size_t acks() const { return raw_.count(wire::FrameType::kAck); }
  std::vector<uint32_t> counts() const {
    std::vector<uint32_t> found;
    raw_.each(wire::FrameType::kCount, [&](Time, const wire::Frame& frame) {
      found.push_back(frame.count.entries[0].count32);
    });
    return found;
  }
  std::vector<Time> times_of(wire::FrameType type) const {
    std::vector<Time> found;
    raw_.each(type, [&](Time time, const wire::Frame&) { found.push_back(time); });
    return found;
  }
  // First and last message of each range asked for, frame by frame.
  std::vector<std::vector<std::pair<uint32_t, uint32_t>>> requests() const {
    std::vector<std::vector<std::pair<uint32_t, uint32_t>>> found;
    raw_.each(wire::FrameType::kRequest, [&](Time, const wire::Frame& frame) {
      found.emplace_back();
      for (uint32_t i = 0; i < frame.request.range_count; i++) {
        const wire::RequestRange& range = frame.request.ranges[i];
        found.back().emplace_back(range.first32, range.first32 + range.count - 1);
      }
    });
    return found;
  }

  using Counts = std::vector<uint32_t>;
  SimNetwork network_{1};
  RecordingApp app_;
  SimPeer* peer_ = nullptr;
  RawPeer raw_{network_};
  uint64_t generation_ = 0;
};

}  // namespace hawser::sim
