// The simulator's own watchfulness: each of its invariants, broken on purpose, stops the run.
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

class Oracle : public testing::Test {
 protected:
  Oracle() : workload_(network_) {}

  void SetUp() override {
    for (int i = 0; i < 2; i++) network_.add_peer();
    SessionPlan session;
    session.connect_at = network_.now();
    workload_.add_session(session);
    ChannelPlan plan;
    plan.open_at = network_.now() + 1;
    for (SidePlan& side : plan.side) {
      side.messages = 40;
      side.burst = 1;
      side.gap = 20 * kMillisecond;
      side.config.window = 8;
      side.config.max_message = 2'000;
    }
    workload_.add_channel(plan);
    network_.set_capture(true);
    ASSERT_TRUE(network_.run_until([&] { return workload_.delivered() > 20; }, 5 * kSecond));
    ASSERT_EQ(network_.failure(), "");
  }

  // A packet that peer 0 seems to send to peer 1.
  template <typename Frame>
  void forge(const Frame& frame, uint64_t skip = 1) {
    std::vector<uint8_t> bytes(1'200);
    const Captured* last = nullptr;
    for (const Captured& captured : network_.capture()) {
      if (captured.from == 0 && captured.view().type == wire::PacketType::kData) last = &captured;
    }
    ASSERT_NE(last, nullptr);
    wire::DataHeader header;
    header.destination = wire::ConnectionId::from_u64(last->view().destination);
    header.number = static_cast<uint32_t>(last->view().number32 + skip);
    uint8_t* frames = wire::write_data_header(bytes.data(), header);
    uint8_t* after = wire::write(frames, bytes.data() + bytes.size(), frame);
    ASSERT_NE(after, nullptr);
    bytes.resize(static_cast<size_t>(after - bytes.data()) + wire::kTagBytes);
    std::fill(bytes.end() - wire::kTagBytes, bytes.end(), uint8_t{0});
    network_.send(0, SimPeer::address_of(1), Datagram{bytes.data(), bytes.size(), bytes.data()});
  }
  void expect_failure(const std::string& part) {
    EXPECT_NE(network_.failure().find(part), std::string::npos) << network_.failure();
    EXPECT_NE(network_.failure().find("seed 9"), std::string::npos);
    EXPECT_FALSE(network_.step());
  }
  uint64_t next_message() { return workload_.channel(0).ledger.direction[0].next_unsent; }
  wire::Message message(uint64_t sequence) {
    static constexpr uint8_t kEmpty[1] = {0};
    wire::Message frame{};
    frame.channel = workload_.channel(0).ledger.id;
    frame.sequence32 = static_cast<uint32_t>(sequence);
    frame.data = kEmpty;
    frame.length = 1;
    return frame;
  }

  SimNetwork network_{9};
  Workload workload_;
};

TEST_F(Oracle, APacketNumberUsedAgain) {
  forge(wire::Ping{}, 0);
  expect_failure("again");
}

TEST_F(Oracle, AnHonestForgeryPasses) {
  forge(wire::Ping{});
  EXPECT_EQ(network_.failure(), "");
}

TEST_F(Oracle, AnAcknowledgementOfWhatDidNotArrive) {
  uint64_t largest = 0;
  for (const Captured& captured : network_.capture()) {
    if (captured.from == 1 && captured.view().type == wire::PacketType::kData) {
      largest = captured.view().number32;
    }
  }
  wire::Ack ack;
  ack.delay_us = 0;
  ack.range_count = 1;
  ack.ranges[0] = {largest + 1, largest + 1};
  forge(ack);
  expect_failure("did not get");
}

TEST_F(Oracle, ACountOfWhatDidNotArrive) {
  wire::Count count;
  count.entry_count = 1;
  count.entries[0] = {workload_.channel(0).ledger.id, 39};
  forge(count);
  expect_failure("counts");
}

TEST_F(Oracle, AMessageThatWasNeverPushed) {
  forge(message(workload_.channel(0).ledger.direction[0].end()));
  expect_failure("never pushed");
}

TEST_F(Oracle, AMessageThatWasAcknowledged) {
  forge(message(1));
  expect_failure("sent again");
}

TEST_F(Oracle, AMessageBeyondTheCredit) {
  DirectionLedger& direction = workload_.channel(0).ledger.direction[0];
  direction.credit = direction.cost_sent;
  direction.pushed++;
  forge(message(next_message()));
  expect_failure("credit");
}

TEST_F(Oracle, AMessageBeyondTheWindow) {
  DirectionLedger& direction = workload_.channel(0).ledger.direction[0];
  direction.credit = uint64_t{1} << 40;
  direction.pushed += 100;
  for (uint64_t i = 0; i < 20 && !network_.failed(); i++) {
    forge(message(next_message()), i + 1);
  }
  expect_failure("N 8");
}

TEST_F(Oracle, AMessageHandedOverOutOfOrder) {
  Channel* receiver = workload_.channel(0).side[1].channel;
  const uint64_t next = workload_.channel(0).ledger.direction[0].delivered + 1;
  const uint8_t empty = 0;
  workload_.take(network_.peer(1), *receiver, next + 1, &empty, 1, 1);
  expect_failure("expected");
}

TEST_F(Oracle, AMessageWithOtherContents) {
  Channel* receiver = workload_.channel(0).side[1].channel;
  const DirectionLedger& direction = workload_.channel(0).ledger.direction[0];
  const uint64_t next = direction.delivered + 1;
  std::vector<uint8_t> run(600);
  uint8_t* body = wire::write_varint(run.data(), direction.length(next));
  fill_message(direction.key(next), body, direction.length(next));
  run.resize(static_cast<size_t>(body - run.data()) + direction.length(next));
  run.back() ^= 0x40;
  workload_.take(network_.peer(1), *receiver, next, run.data(), run.size(), 1);
  expect_failure("not what was sent");
}

TEST_F(Oracle, MemoryThatIsNotGivenBack) {
  void* block = network_.peer(0).memory().allocate(10);
  network_.peer(0).destroy();
  expect_failure("left 10 bytes");
  network_.peer(0).memory().release(block, 10);
}

TEST_F(Oracle, MemoryBeyondTheBound) {
  network_.peer(1).set_memory_bound(100);
  network_.run_for(kSecond);
  expect_failure("bound 100");
}

TEST_F(Oracle, ABlockThatComesBackWithAnotherSize) {
  void* block = network_.peer(0).memory().allocate(10);
  network_.peer(0).memory().release(block, 11);
  network_.run_for(kSecond);
  expect_failure("another size");
}

TEST_F(Oracle, AStandstill) {
  DropRule rule;
  rule.any_frame = false;
  rule.frame = wire::FrameType::kMessage;
  network_.add_drop_rule(rule);
  workload_.run(20 * kSecond);
  expect_failure("no progress for 20 s");
}

}  // namespace
}  // namespace hawser::sim
