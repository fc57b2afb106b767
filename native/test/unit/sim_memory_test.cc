// Memory that fails: nothing crashes, nothing that was acknowledged is lost, and what cannot go on
// says OUT_OF_MEMORY.
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

struct Outcome {
  uint64_t requests = 0;
  uint64_t refused = 0;
  uint64_t failures = 0;
  uint64_t delivered = 0;
};

// A small conversation while the memory of one peer fails from its `skip`-th request on, `count`
// times.
Outcome run_with_failures(int victim, uint64_t skip, uint64_t count) {
  SimNetwork network(77);
  Workload workload(network);
  workload.allow_failure(true);
  for (int i = 0; i < 2; i++) network.add_peer();
  LinkOptions options;
  options.impairment.delay_ns = 5 * kMillisecond;
  options.impairment.loss = 0.05;
  network.set_links(0, 1, options);
  SessionPlan session;
  session.connect_at = network.now();
  workload.add_session(session);
  for (int i = 0; i < 3; i++) {
    ChannelPlan plan;
    plan.open_at = network.now() + 1;
    plan.opened_by_initiator = i != 1;
    for (SidePlan& side : plan.side) {
      side.messages = 60;
      side.sizes = {SizeProfile::kMixed, 8'000};
      side.reader = i == 2 ? Reader::kOnce : Reader::kContinuous;
      side.pause = 3 * kMillisecond;
      side.burst = 20;
      side.gap = 4 * kMillisecond;
    }
    workload.add_channel(plan);
  }
  SimMemory& memory = network.peer(victim).memory();
  const uint64_t before = memory.requests();
  memory.fail_after(skip, count);
  EXPECT_TRUE(workload.run()) << workload.unfinished();
  EXPECT_EQ(network.failure(), "");
  Outcome outcome;
  outcome.requests = memory.requests() - before;
  outcome.refused = memory.refused();
  outcome.failures = workload.failures();
  outcome.delivered = workload.delivered();
  const SessionRun& run = workload.session(0);
  for (int side = 0; side < 2; side++) {
    if (run.side[side] == nullptr) continue;
    const wire::Code code = run.reason[side].code;
    EXPECT_TRUE(code == wire::Code::kNoError || code == wire::Code::kOutOfMemory)
        << wire::code_name(code);
  }
  network.run_for(30 * kSecond);
  for (int i = 0; i < 2; i++) network.peer(i).destroy();
  EXPECT_EQ(network.failure(), "");
  return outcome;
}

TEST(SimFailingMemory, OneRequestFails) {
  for (int victim = 0; victim < 2; victim++) {
    const Outcome clean = run_with_failures(victim, UINT64_MAX / 2, 1);
    EXPECT_EQ(clean.delivered, 360u);
    EXPECT_EQ(clean.failures, 0u);
    ASSERT_GT(clean.requests, 30u);
    uint64_t survived = 0;
    for (uint64_t n = 0; n < clean.requests; n++) {
      SCOPED_TRACE(testing::Message() << "victim " << victim << ", request " << n);
      const Outcome outcome = run_with_failures(victim, n, 1);
      EXPECT_EQ(outcome.refused, 1u);
      if (outcome.failures == 0) {
        EXPECT_EQ(outcome.delivered, 360u);
        survived++;
      }
      if (testing::Test::HasFailure()) return;
    }
    // A single refusal is nearly always got over.
    EXPECT_GT(survived, clean.requests * 3 / 4);
  }
}

TEST(SimFailingMemory, AllRequestsFailForAWhile) {
  for (int victim = 0; victim < 2; victim++) {
    for (uint64_t n = 0; n < 60; n++) {
      SCOPED_TRACE(testing::Message() << "victim " << victim << ", from request " << n);
      const Outcome outcome = run_with_failures(victim, n, 12);
      if (outcome.failures == 0) {
        EXPECT_EQ(outcome.delivered, 360u);
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

// Memory that is short, not gone: what does not fit waits.
TEST(SimFailingMemory, ALimitIsKept) {
  SimNetwork network(5);
  Workload workload(network);
  workload.allow_failure(true);
  EndpointConfig config;
  config.max_credit = 64u << 10;
  for (int i = 0; i < 2; i++) network.add_peer(config);
  SessionPlan session;
  session.connect_at = network.now();
  workload.add_session(session);
  ChannelPlan plan;
  plan.open_at = network.now() + 1;
  plan.side[0].messages = 3'000;
  plan.side[0].sizes = {SizeProfile::kMixed, 8'000};
  plan.side[0].config.high_water_mark = 32u << 10;
  plan.side[0].config.max_buffered = 64u << 10;
  plan.side[1].reader = Reader::kPausing;
  plan.side[1].pause = 50 * kMillisecond;
  workload.add_channel(plan);
  for (int i = 0; i < 2; i++) network.peer(i).memory().set_limit(200u << 10);
  EXPECT_TRUE(workload.run()) << workload.unfinished();
  for (int i = 0; i < 2; i++) EXPECT_LE(network.peer(i).memory().peak(), size_t{200} << 10);
  EXPECT_EQ(workload.failures(), 0u);
  EXPECT_EQ(workload.delivered(), 3'000u);
  EXPECT_EQ(network.failure(), "");
}

}  // namespace
}  // namespace hawser::sim
