// Every allocation of a run fails once, in turn, at either peer; then every k-th, and all for a
// while from each on. Whatever fails: no message is lost, repeated or changed (the workload checks
// each one), every channel is complete or ends with a code that says why, and all memory comes
// back.
#include <functional>

#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

using Starve = std::function<void(SimMemory&)>;

struct Outcome {
  uint64_t requests = 0;
  uint64_t refused = 0;
  uint64_t broken = 0;  // sides of channels that did not end in peace
  uint64_t delivered = 0;
  bool ran = false;
};

// A workload: sets the links, adds sessions and channels.
using Build = void (*)(SimNetwork&, Workload&);

LinkOptions link_with(double loss) {
  LinkOptions options;
  options.impairment.delay_ns = 5 * kMillisecond;
  options.impairment.loss = loss;
  return options;
}

void add_session(SimNetwork& network, Workload& workload) {
  SessionPlan session;
  session.connect_at = network.now();
  workload.add_session(session);
}

// Packed small messages, both ways.
void packed(SimNetwork& network, Workload& workload) {
  network.set_links(0, 1, link_with(0.01));
  add_session(network, workload);
  ChannelPlan plan;
  plan.open_at = network.now() + 1;
  for (SidePlan& side : plan.side) {
    side.messages = 700;
    side.sizes = {SizeProfile::kTiny, 0};
    side.burst = 150;
    side.gap = 3 * kMillisecond;
  }
  plan.side[1].reader = Reader::kPausing;
  plan.side[1].pause = 4 * kMillisecond;
  workload.add_channel(plan);
}

// Messages that are cut into packets, over a path that loses.
void cut(SimNetwork& network, Workload& workload) {
  network.set_links(0, 1, link_with(0.05));
  add_session(network, workload);
  for (int i = 0; i < 2; i++) {
    ChannelPlan plan;
    plan.open_at = network.now() + 1;
    plan.opened_by_initiator = i == 0;
    plan.side[0].messages = 8;
    plan.side[0].sizes = {SizeProfile::kLarge, 40'000};
    plan.side[1].reader = i == 0 ? Reader::kContinuous : Reader::kOnce;
    plan.side[1].pause = 2 * kMillisecond;
    workload.add_channel(plan);
  }
}

// Many channels that come and go, some refused, some reset.
void churn(SimNetwork& network, Workload& workload) {
  network.set_links(0, 1, link_with(0.03));
  add_session(network, workload);
  for (int i = 0; i < 40; i++) {
    ChannelPlan plan;
    plan.open_at = network.now() + 1 + i * 2 * kMillisecond;
    plan.opened_by_initiator = i % 3 != 0;
    plan.refuse = i % 13 == 5;
    for (SidePlan& side : plan.side) {
      side.messages = static_cast<uint64_t>(i % 5);
      side.sizes = {SizeProfile::kSmall, 0};
    }
    if (i % 11 == 7) plan.side[i & 1].reset_after = 1;
    workload.add_channel(plan);
  }
}

bool is_typed(const CloseReason& reason, bool planned) {
  if (reason.by == ClosedBy::kNobody) return false;
  switch (reason.code) {
    case wire::Code::kNoError:
    case wire::Code::kOutOfMemory:
      return true;
    case wire::Code::kCancelled:
    case wire::Code::kServiceRefused:
      return planned;
    default:
      return false;
  }
}

void check_channel(ChannelRun& run, Outcome& outcome) {
  const bool planned = run.plan.refuse || run.plan.side[0].reset_after != UINT64_MAX ||
                       run.plan.side[1].reset_after != UINT64_MAX;
  for (int side = 0; side < 2; side++) {
    const SideState& state = run.side[side];
    if (state.peer == nullptr) continue;  // never came to be
    EXPECT_TRUE(state.closed) << "channel " << run.index << " side " << side;
    EXPECT_TRUE(is_typed(state.reason, planned)) << "channel " << run.index << " side " << side
                                                 << ": " << wire::code_name(state.reason.code);
    const bool in_peace = state.reason.code == wire::Code::kNoError && !state.reason.timed_out;
    if (!in_peace) outcome.broken++;
    if (!in_peace || planned) continue;
    const DirectionLedger& incoming = run.ledger.direction[1 - side];
    EXPECT_EQ(incoming.delivered, incoming.pushed) << "channel " << run.index << " side " << side;
    EXPECT_EQ(state.unacknowledged, 0u) << "channel " << run.index << " side " << side;
  }
}

// Both sides get other addresses, one after the other, while messages are under way.
void moving(SimNetwork& network, Workload& workload) {
  network.set_links(0, 1, link_with(0.02));
  SessionPlan session;
  session.connect_at = network.now();
  session.moves = {{network.now() + 60 * kMillisecond, true, true},
                   {network.now() + 300 * kMillisecond, false, false}};
  workload.add_session(session);
  ChannelPlan plan;
  plan.open_at = network.now() + 1;
  for (SidePlan& side : plan.side) {
    side.messages = 120;
    side.sizes = {SizeProfile::kSmall, 0};
    side.burst = 2;
    side.gap = 10 * kMillisecond;
  }
  workload.add_channel(plan);
}

struct Case {
  const char* name;
  Build build;
  int channels;
  // With keys that are renewed all the time.
  Protection protection = Protection::kClear;
  transport::CongestionAlgorithm congestion = transport::CongestionAlgorithm::kCubic;
};

Outcome run_starved(const Case& plan, int victim, const Starve& starve) {
  SimNetwork network(77);
  Workload workload(network);
  workload.allow_failure(true);
  EndpointConfig config;
  config.congestion = plan.congestion;
  if (plan.protection != Protection::kClear) {
    crypto::ProtectionLimits limits;
    limits.update_after = 50;
    network.set_protection(plan.protection, limits);
    config.renew_after = 2 * kMillisecond;
    config.answer_renewals_every = config.renew_after / 60;
  }
  for (int i = 0; i < 2; i++) network.add_peer(config);
  plan.build(network, workload);
  SimMemory& memory = network.peer(victim).memory();
  const uint64_t before = memory.requests();
  starve(memory);
  Outcome outcome;
  outcome.ran = workload.run();
  EXPECT_TRUE(outcome.ran) << network.failure() << "\n" << workload.unfinished();
  outcome.requests = memory.requests() - before;
  outcome.refused = memory.refused();
  outcome.delivered = workload.delivered();
  for (int i = 0; i < plan.channels; i++) check_channel(workload.channel(i), outcome);
  for (int side = 0; side < 2; side++) {
    const SessionRun& session = workload.session(0);
    if (session.side[side] == nullptr) continue;
    EXPECT_TRUE(is_typed(session.reason[side], false))
        << wire::code_name(session.reason[side].code);
    // It may be over before there was a channel.
    if (session.reason[side].code == wire::Code::kOutOfMemory) outcome.broken++;
  }
  memory.fail_after(0, 0);
  memory.fail_every(0, 0);
  if (!network.failed()) network.run_for(30 * kSecond);
  for (int i = 0; i < 2; i++) network.peer(i).destroy();
  EXPECT_EQ(network.failure(), "");
  return outcome;
}

// Refusals in the tests where every k-th request fails: it ends some time, because who tries again
// on a fixed beat may meet the same one for ever.
constexpr uint64_t kRefusals = 60;

class EveryAllocation : public testing::TestWithParam<Case> {
 protected:
  Outcome run(int victim, const Starve& starve) { return run_starved(GetParam(), victim, starve); }
  Outcome clean(int victim) {
    const Outcome outcome = run(victim, [](SimMemory&) {});
    EXPECT_EQ(outcome.refused, 0u);
    EXPECT_GE(outcome.requests, 20u);
    return outcome;
  }
  void report(const char* what, uint64_t runs, uint64_t broken) {
    std::printf("%s, %s: %llu runs, %llu with channels that ended with a reason\n", GetParam().name,
                what, static_cast<unsigned long long>(runs),
                static_cast<unsigned long long>(broken));
  }
};

TEST_P(EveryAllocation, FailsOnce) {
  uint64_t runs = 0;
  uint64_t broken = 0;
  for (int victim = 0; victim < 2; victim++) {
    const Outcome whole = clean(victim);
    // A refusal may lead to requests that were not there before: beyond the last, none fails.
    for (uint64_t n = 0;; n++) {
      SCOPED_TRACE(testing::Message() << "victim " << victim << ", request " << n);
      const Outcome outcome = run(victim, [&](SimMemory& memory) { memory.fail_after(n, 1); });
      if (HasFailure()) return;
      if (outcome.refused == 0) {
        EXPECT_GE(n, whole.requests);
        break;
      }
      runs++;
      broken += outcome.broken > whole.broken;
      if (outcome.broken == 0) {
        EXPECT_EQ(outcome.delivered, whole.delivered);
      }
    }
  }
  // A single refusal is nearly always got over.
  EXPECT_LT(broken * 4, runs);
  report("one allocation fails", runs, broken);
}

TEST_P(EveryAllocation, FailsAgainAndAgain) {
  uint64_t runs = 0;
  uint64_t broken = 0;
  for (int victim = 0; victim < 2; victim++) {
    const Outcome whole = clean(victim);
    for (const uint64_t period : {2, 3, 4, 5, 7, 10, 16, 25, 50, 100}) {
      SCOPED_TRACE(testing::Message() << "victim " << victim << ", every " << period);
      const Outcome outcome =
          run(victim, [&](SimMemory& memory) { memory.fail_every(period, kRefusals); });
      if (HasFailure()) return;
      runs++;
      broken += outcome.broken > whole.broken;
    }
  }
  report("every k-th fails, 60 times", runs, broken);
}

TEST_P(EveryAllocation, FailsForAWhile) {
  uint64_t runs = 0;
  uint64_t broken = 0;
  for (int victim = 0; victim < 2; victim++) {
    const Outcome whole = clean(victim);
    for (uint64_t n = 0; n < whole.requests; n++) {
      SCOPED_TRACE(testing::Message() << "victim " << victim << ", from request " << n);
      const Outcome outcome = run(victim, [&](SimMemory& memory) { memory.fail_after(n, 25); });
      if (HasFailure()) return;
      runs++;
      broken += outcome.broken > whole.broken;
    }
  }
  report("25 in a row fail", runs, broken);
}

INSTANTIATE_TEST_SUITE_P(Workloads, EveryAllocation,
                         testing::Values(Case{"packed", packed, 1}, Case{"cut", cut, 2},
                                         Case{"churn", churn, 40},
                                         Case{"sealed", cut, 2, Protection::kAes256Gcm},
                                         Case{"moving", moving, 1, Protection::kClear,
                                              transport::CongestionAlgorithm::kBbr}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace hawser::sim
