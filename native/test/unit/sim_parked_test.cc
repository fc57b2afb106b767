// A session that is parked sleeps on until its peer says something.

#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

class Parked : public testing::Test {
 protected:
  void SetUp() override {
    network_.set_protection(Protection::kAes256Gcm);
    network_.set_application(&app_);
    network_.set_judged(false);
    EndpointConfig config;
    config.idle_timeout_ms = 600'000;  // no keep-alive meanwhile
    network_.add_peer(config);
    network_.add_peer(config);
    client_ = network_.peer(0).connect(1, 60 * kSecond);
    ASSERT_NE(client_, nullptr);
    ASSERT_TRUE(network_.run_until([&] { return app_.opened.size() == 2; }, 60 * kSecond));
    server_ = app_.opened[app_.opened[0] == client_ ? 1 : 0];
    network_.run_for(10 * kSecond);
    ASSERT_EQ(server_->protection_bytes(), 0u);
  }

  std::vector<uint8_t> noise() {
    std::vector<uint8_t> packet(wire::kMinDataPacket + random_.next() % 60);
    random_.fill(packet.data(), packet.size());
    packet[0] = static_cast<uint8_t>(0x80 | (packet[0] & 0x0f));
    wire::store_u64(packet.data() + 1, server_->local_id().as_u64());
    return packet;
  }

  SimNetwork network_{11};
  RecordingApp app_;
  SimRandom random_{11, 11};
  Session* client_ = nullptr;
  Session* server_ = nullptr;
};

TEST_F(Parked, ForgedPacketsDoNotWakeIt) {
  SimPeer& peer = network_.peer(1);
  const size_t memory = peer.memory().in_use();
  const uint64_t requests = peer.memory().requests();
  const Time timeout = peer.runtime().next_timeout();
  for (int i = 0; i < 1'000; i++) {
    std::vector<uint8_t> packet = noise();
    peer.receive(SimPeer::address_of(0), packet.data(), packet.size());
    ASSERT_EQ(server_->protection_bytes(), 0u) << i;
  }
  EXPECT_EQ(peer.endpoint().counters().unauthenticated + peer.endpoint().counters().duplicates,
            1'000u);
  EXPECT_EQ(peer.memory().in_use(), memory);
  EXPECT_EQ(peer.memory().requests(), requests);
  EXPECT_EQ(peer.runtime().next_timeout(), timeout);
  EXPECT_FALSE(peer.runtime().has_output());
}

TEST_F(Parked, ItsPeerWakesIt) {
  Channel* channel = client_->open_channel(network_.now(), ChannelConfig{},
                                           reinterpret_cast<const uint8_t*>("t"), 1, nullptr, 0);
  ASSERT_NE(channel, nullptr);
  EXPECT_TRUE(network_.run_until([&] { return app_.incoming.size() == 1; }, kSecond));
  EXPECT_NE(server_->protection_bytes(), 0u);
}

// What comes first needs memory for the replay window, and is not acknowledged without.
TEST_F(Parked, WithoutMemoryItSleepsOnAndIsWokenByTheNextPacket) {
  SimPeer& peer = network_.peer(1);
  const size_t charged = peer.endpoint().memory().in_use();
  const Time timeout = peer.runtime().next_timeout();
  peer.memory().fail_after(0, 1);
  Channel* channel = client_->open_channel(network_.now(), ChannelConfig{},
                                           reinterpret_cast<const uint8_t*>("t"), 1, nullptr, 0);
  ASSERT_NE(channel, nullptr);
  EXPECT_TRUE(
      network_.run_until([&] { return peer.endpoint().counters().no_memory == 1; }, 10 * kSecond));
  // Nothing of it is left.
  EXPECT_EQ(peer.endpoint().memory().in_use(), charged);
  EXPECT_EQ(server_->protection_bytes(), 0u);
  EXPECT_EQ(peer.runtime().next_timeout(), timeout);
  EXPECT_TRUE(network_.run_until([&] { return app_.incoming.size() == 1; }, 10 * kSecond));
  EXPECT_EQ(peer.endpoint().counters().no_memory, 1u);
}

}  // namespace
}  // namespace hawser::sim
