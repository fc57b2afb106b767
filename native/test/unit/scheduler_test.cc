// Whose turn it is, with channels of a simulated session.
#include "transport/scheduler.h"

#include <map>

#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

using transport::Scheduler;

class SchedulerTest : public TwoPeers {
 protected:
  void SetUp() override {
    add_peers();
    session_ = connect();
  }
  void TearDown() override {
    scheduler_.each([](Channel*) {});
    for (Channel* channel : channels_) scheduler_.remove(channel);
    TwoPeers::TearDown();
  }
  Channel* channel(uint8_t priority, uint16_t weight) {
    ChannelConfig config;
    config.priority = priority;
    config.weight = weight;
    channels_.push_back(open(*session_, config));
    return channels_.back();
  }
  // Bytes that each gets when packets of 1,200 are filled for a while.
  std::map<Channel*, uint64_t> serve(int packets, size_t bytes = 1'200) {
    std::map<Channel*, uint64_t> served;
    for (int i = 0; i < packets; i++) {
      Channel* channel = scheduler_.front();
      served[channel] += bytes;
      scheduler_.charge(channel, bytes);
    }
    return served;
  }

  Session* session_ = nullptr;
  Scheduler scheduler_;
  std::vector<Channel*> channels_;
};

TEST_F(SchedulerTest, HoldsEachOnceAndLetsItGo) {
  Channel* a = channel(3, 16);
  EXPECT_TRUE(scheduler_.empty());
  EXPECT_EQ(scheduler_.front(), nullptr);
  scheduler_.push_back(a);
  scheduler_.push_back(a);
  EXPECT_EQ(scheduler_.size(), 1u);
  EXPECT_EQ(scheduler_.front(), a);
  scheduler_.remove(a);
  scheduler_.remove(a);
  EXPECT_EQ(scheduler_.size(), 0u);
  EXPECT_EQ(scheduler_.front(), nullptr);
}

TEST_F(SchedulerTest, LowerPrioritiesGoFirstAlways) {
  Channel* bulk = channel(5, 256);
  Channel* urgent = channel(0, 1);
  Channel* normal = channel(3, 16);
  scheduler_.push_back(bulk);
  scheduler_.push_back(normal);
  scheduler_.push_back(urgent);
  EXPECT_EQ(serve(100)[urgent], 100u * 1'200);
  scheduler_.remove(urgent);
  EXPECT_EQ(serve(100)[normal], 100u * 1'200);
  scheduler_.remove(normal);
  EXPECT_EQ(serve(10)[bulk], 10u * 1'200);
}

TEST_F(SchedulerTest, EqualWeightsTakeTurns) {
  Channel* a = channel(3, 16);
  Channel* b = channel(3, 16);
  scheduler_.push_back(a);
  scheduler_.push_back(b);
  auto served = serve(100);
  EXPECT_EQ(served[a], served[b]);
  // Small pieces fill up a turn.
  served = serve(1'600, 75);
  EXPECT_EQ(served[a], served[b]);
}

// "Those of one priority share by weight (1 to 256)", whatever a packet holds.
TEST_F(SchedulerTest, SharesAreAsTheWeights) {
  Channel* one = channel(3, 1);
  Channel* four = channel(3, 4);
  Channel* sixteen = channel(3, 16);
  Channel* many = channel(3, 64);
  for (Channel* c : {one, four, sixteen, many}) scheduler_.push_back(c);
  for (const size_t bytes : {size_t{75}, size_t{300}, size_t{1'171}, size_t{1'400}}) {
    auto served = serve(20'000, bytes);
    const auto share = [&](Channel* c) {
      return static_cast<double>(served[c]) / (20'000.0 * static_cast<double>(bytes));
    };
    EXPECT_NEAR(share(one), 1 / 85.0, 0.004) << bytes;
    EXPECT_NEAR(share(four), 4 / 85.0, 0.01) << bytes;
    EXPECT_NEAR(share(sixteen), 16 / 85.0, 0.02) << bytes;
    EXPECT_NEAR(share(many), 64 / 85.0, 0.03) << bytes;
  }
}

TEST_F(SchedulerTest, WhatWasTakenTooMuchIsTakenOffTheNextTurn) {
  Channel* a = channel(3, 16);
  Channel* b = channel(3, 16);
  scheduler_.push_back(a);
  scheduler_.push_back(b);
  scheduler_.charge(a, 12'000);  // ten turns
  uint64_t others = 0;
  while (scheduler_.front() == b && others < 100'000) {
    scheduler_.charge(b, 1'200);
    others += 1'200;
  }
  EXPECT_GE(others, 10'000u);
  EXPECT_LE(others, 14'000u);
}

TEST_F(SchedulerTest, ADebtIsNotForgivenByLeavingAndComingBack) {
  Channel* a = channel(3, 1);
  Channel* b = channel(3, 16);
  scheduler_.push_back(b);
  std::map<Channel*, uint64_t> served;
  for (int i = 0; i < 10'000; i++) {
    // `a` has one packet at a time.
    scheduler_.push_back(a);
    Channel* front = scheduler_.front();
    served[front] += 1'200;
    scheduler_.charge(front, 1'200);
    if (front == a) scheduler_.remove(a);
  }
  EXPECT_LT(served[a] * 8, served[b]);
  EXPECT_GT(served[a], 0u);
}

TEST_F(SchedulerTest, ADebtorThatIsAloneIsServed) {
  Channel* a = channel(3, 1);
  scheduler_.push_back(a);
  EXPECT_EQ(serve(1'000)[a], 1'000u * 1'200);
}

}  // namespace
}  // namespace hawser::sim
