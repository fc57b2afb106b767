#pragma once

#include "test/unit/sim_support.h"

namespace hawser::sim {

// One honest peer, and one that says what no honest peer would.
class Hostile : public testing::Test {
 protected:
  Hostile() {
    EndpointConfig config;
    config.max_channels = 50;
    config.initial_credit = 20'000;
    config.max_credit = 100'000;
    network_.set_application(&app_);
    app_.demand = Demand::kNone;
    app_.config.max_message = 10'000;
    victim_ = &network_.add_peer(config);
    victim_->set_memory_bound(3u << 20);
  }

  void TearDown() override {
    EXPECT_EQ(network_.failure(), "");
    victim_->destroy();
    EXPECT_EQ(network_.failure(), "");
  }

  // Sends what was added, expects the session to be closed with `code`.
  void expect_close(RawPeer& raw, wire::Code code) {
    raw.send();
    raw.settle();
    EXPECT_EQ(raw.close_code(), static_cast<int64_t>(code))
        << wire::code_name(wire::code_from_wire(static_cast<uint64_t>(raw.close_code())));
  }

  static wire::Open open_frame(uint64_t id) {
    static constexpr uint8_t kName[] = {'x'};
    wire::Open open{};
    open.channel = id;
    open.service = kName;
    open.service_length = 1;
    open.metadata = kName;
    open.limit = 65'536;
    open.max_message = 1'000;
    return open;
  }

  static wire::Fragment fragment(uint64_t channel, uint32_t sequence, uint64_t total,
                                 uint64_t offset, size_t length) {
    static constexpr uint8_t kBytes[2'000] = {};
    wire::Fragment frame{};
    frame.channel = channel;
    frame.sequence32 = sequence;
    frame.total = total;
    frame.offset = offset;
    frame.data = kBytes;
    frame.length = length;
    return frame;
  }

  static wire::Crypto crypto_frame(uint64_t generation, uint32_t step, size_t length) {
    static constexpr uint8_t kBytes[wire::kMaxCryptoMessage] = {};
    wire::Crypto frame{};
    frame.generation = generation;
    frame.step = step;
    frame.message = kBytes;
    frame.length = length;
    return frame;
  }

  static wire::Count count_of(uint64_t channel, uint32_t count) {
    wire::Count frame;
    frame.entry_count = 1;
    frame.entries[0] = {channel, count};
    return frame;
  }

  static wire::Ack ack_of(uint64_t first, uint64_t last) {
    wire::Ack ack;
    ack.delay_us = 0;
    ack.range_count = 1;
    ack.ranges[0] = {first, last};
    return ack;
  }

  SimNetwork network_{1};
  RecordingApp app_;
  SimPeer* victim_ = nullptr;
};

}  // namespace hawser::sim
