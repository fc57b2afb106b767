// EndpointConfig::memory_limit bounds also what sessions and handshakes take outside of Memory.

#include "test/unit/secure_support.h"
#include "transport/packet_window.h"

namespace hawser::sim {
namespace {

LoneOptions options_of(uint32_t index, size_t limit = 0) {
  LoneOptions options;
  options.index = index;
  options.config.memory_limit = limit;
  options.config.handshake_rate = 1'000'000;
  options.config.unproven_rate = 1'000'000;
  options.config.cookies_above = 1'000'000;
  options.config.max_half_open = 1'000'000;
  return options;
}

size_t used(const Lone& peer) { return peer.endpoint->memory().in_use(); }

TEST(Quota, HandshakesUnderWayAreBounded) {
  constexpr size_t kLimit = 400'000;
  Lone b(options_of(2, kLimit));
  b.held = true;
  size_t one = 0;
  constexpr uint32_t kStrangers = 500;
  for (uint32_t i = 0; i < kStrangers; i++) {
    HandMade peer(7, b.id());
    peer.header.source = wire::ConnectionId::from_u64(i);
    const size_t before = used(b);
    b.receive(address_of(100 + i), peer.init());
    if (i == 10) one = used(b) - before;  // tables have grown at 6, and will at 12
    ASSERT_LE(used(b), kLimit);
  }
  // The object, and what libcrypto keeps for it.
  EXPECT_GE(one, 5'000u);
  const size_t pending = b.endpoint->half_open_count();
  EXPECT_LE(pending, kLimit / one);
  // Buffers and tables have the rest.
  EXPECT_GE(pending, (kLimit - 60'000) / one);
  EXPECT_EQ(b.endpoint->counters().no_memory, kStrangers - pending);
  // What they took comes back with them, computed or not.
  b.held = false;
  b.service();
  b.take_sent();
  b.advance(b.now + 11 * kSecond);
  EXPECT_EQ(b.endpoint->half_open_count(), 0u);
  EXPECT_LE(used(b), 60'000u);
  b.held = true;
  for (uint32_t i = 0; i < 20; i++) {
    HandMade peer(7, b.id());
    peer.header.source = wire::ConnectionId::from_u64(1000 + i);
    b.receive(address_of(5000 + i), peer.init());
  }
  EXPECT_EQ(b.endpoint->half_open_count(), 20u);
  b.endpoint->destroy_all();
  EXPECT_LE(used(b), 60'000u);
}

TEST(Quota, DialsAreBounded) {
  constexpr size_t kLimit = 100'000;
  Lone a(options_of(1, kLimit));
  a.held = true;
  Lone b(options_of(2));
  size_t dials = 0;
  while (a.connect(b) != nullptr) dials++;
  EXPECT_LE(used(a), kLimit);
  EXPECT_GE(dials, 5u);
  EXPECT_LE(dials, kLimit / (sizeof(Session) + 5'000));
  EXPECT_EQ(a.endpoint->counters().no_memory, 1u);
  a.held = false;
  a.advance(a.now + 11 * kSecond);
  EXPECT_EQ(a.endpoint->session_count(), 0u);
  EXPECT_LE(used(a), 4'000u);
}

// Many peers, and one that has little memory.
class QuotaOfSessions : public testing::Test {
 protected:
  static constexpr size_t kLimit = 500'000;

  // Whether another one gets in.
  bool join() {
    auto client = std::make_unique<Lone>(options_of(1'000 + next_++));
    client->now = b_.now;
    client->service();
    const size_t before = b_.opened.size();
    client->connect(b_, kSecond / 2);
    exchange(*client, b_);
    const bool in = b_.opened.size() > before;
    if (in) clients_.push_back(std::move(client));
    EXPECT_LE(used(b_), kLimit);
    return in;
  }
  // Lets time pass for everybody.
  void wait(Duration time) {
    const Time until = b_.now + time;
    while (b_.now < until) {
      const Time step = std::min(until, b_.now + 50 * kMillisecond);
      for (const auto& client : clients_) client->advance(step);
      b_.advance(step);
      for (const auto& client : clients_) {
        for (Lone::Sent& one : client->take_sent()) b_.receive(client->address, one.bytes);
      }
      b_.service();
      for (Lone::Sent& one : b_.take_sent()) {
        for (const auto& client : clients_) {
          if (one.to == client->address) client->receive(b_.address, one.bytes);
        }
      }
      EXPECT_LE(used(b_), kLimit);
    }
  }
  static transport::Channel* open(Lone& from) {
    const uint8_t service[] = {'t'};
    return from.opened[0]->open_channel(from.now, {}, service, 1, nullptr, 0);
  }

  Lone b_{options_of(2, kLimit)};
  std::vector<std::unique_ptr<Lone>> clients_;
  uint32_t next_ = 0;
};

TEST_F(QuotaOfSessions, ActiveOnesAreBoundedAndParkedOnesGiveItBack) {
  // Of each, at least the object, what libcrypto may take for its keys and the smallest window of
  // duplicates.
  const size_t keys = 4 * 1'168 + 2 * 656;
  while (join()) ASSERT_LT(clients_.size(), 500u);
  const size_t active = clients_.size();
  EXPECT_GE(active, 20u);
  EXPECT_LE(active, kLimit / (sizeof(Session) + keys + transport::PacketWindow::kMinimumBits / 8));
  EXPECT_GE(b_.endpoint->counters().no_memory, 1u);
  const size_t full = used(b_);
  EXPECT_GE(full, kLimit - 30'000);
  wait(4 * kSecond);
  EXPECT_EQ(b_.opened.size(), active);
  EXPECT_LE(used(b_) + active * keys, full);
  // Now there is room for others.
  while (join()) ASSERT_LT(clients_.size(), 500u);
  EXPECT_GE(clients_.size(), active + active / 2);
}

TEST_F(QuotaOfSessions, AParkedOneThatFindsNoRoomGoesOnLater) {
  for (int i = 0; i < 4; i++) ASSERT_TRUE(join());
  wait(3 * kSecond);
  while (join()) ASSERT_LT(clients_.size(), 500u);
  // A parked one needs less than another one does.
  size_t rest = 0;
  while (b_.endpoint->memory().charge(256)) rest += 256;
  // Whoever speaks to it is not heard for now, and what it says itself has to wait.
  Lone& first = *clients_[0];
  transport::Channel* up = open(first);
  ASSERT_NE(up, nullptr);
  first.service();
  const uint64_t dropped = b_.endpoint->counters().no_memory;
  for (Lone::Sent& one : first.take_sent()) b_.receive(first.address, one.bytes);
  b_.service();
  EXPECT_GT(b_.endpoint->counters().no_memory, dropped);
  EXPECT_TRUE(b_.sent.empty());
  b_.opened[1]->close(b_.now, wire::Code::kNoError, "enough", 6);
  b_.service();
  // Saying that a session ends is always possible.
  EXPECT_EQ(b_.sent.size(), 1u);
  b_.endpoint->memory().refund(rest);
  wait(10 * kSecond);
  EXPECT_TRUE(first.opened[0]->open());
  EXPECT_GT(b_.opened[0]->counters().packets_received, 1u);
  EXPECT_EQ(b_.opened[0]->channel_count(), 1u);
}

}  // namespace
}  // namespace hawser::sim
