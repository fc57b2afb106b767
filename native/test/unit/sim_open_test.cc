// Two peers that dial each other at the same time.

#include <functional>
#include <set>
#include <unordered_map>

#include "net/prng.h"
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

struct Plan {
  uint64_t seed = 1;
  double loss = 0;
  double duplicate = 0;
  Duration delay = 20 * kMillisecond;
  Duration jitter = 0;
  Duration computation = 0;
  // The second dial comes so much later.
  Duration apart = 0;
  int channels[2] = {1, 1};
  uint64_t messages = 5;
  Protection protection = Protection::kAes256Gcm;
  // Before the dials.
  std::function<void(SimNetwork&)> prepare;
  // After the second one.
  std::function<void(SimNetwork&)> meanwhile;
};

struct Outcome {
  bool worked = false;
  size_t sessions[2] = {0, 0};
  uint64_t computed = 0;
};

// Body of a message: who sent it, on which of its channels, and its number.
std::vector<uint8_t> body_of(int peer, int channel, uint64_t number) {
  std::vector<uint8_t> body(40, 0x2e);
  body[0] = static_cast<uint8_t>(peer);
  body[1] = static_cast<uint8_t>(channel);
  wire::store_u64(body.data() + 2, number);
  return body;
}

// Sends numbered messages on its channels as soon as that is possible.
class DialApp final : public RecordingApp {
 public:
  struct Sender {
    int index;
    uint64_t next;
    uint64_t until;
  };
  std::unordered_map<Channel*, Sender> senders;

  void send(SimPeer& peer, Channel& channel) {
    const auto found = senders.find(&channel);
    if (found == senders.end() || !channel.accepted()) return;
    Sender& sender = found->second;
    for (; sender.next < sender.until; sender.next++) {
      const std::vector<uint8_t> body = body_of(peer.index(), sender.index, sender.next);
      if (channel.push(body.data(), body.size()) == Channel::Push::kNoRoom) {
        (void)channel.push_locked(body.data(), body.size());
      }
    }
    channel.flush(peer.network().now());
  }
  void on_channel(SimPeer& peer, Channel& channel, uint32_t events) override {
    RecordingApp::on_channel(peer, channel, events);
    send(peer, channel);
  }
};

Outcome dial_both(const Plan& plan) {
  SimNetwork network(plan.seed);
  network.set_protection(plan.protection);
  network.set_longest_computation(plan.computation);
  network.set_judged(false);
  DialApp app;
  app.keep_bodies = true;
  network.set_application(&app);
  network.add_peer();
  network.add_peer();
  LinkOptions options;
  options.impairment.loss = plan.loss;
  options.impairment.duplicate = plan.duplicate;
  options.impairment.delay_ns = plan.delay;
  options.impairment.jitter_ns = plan.jitter;
  network.set_links(0, 1, options);
  if (plan.prepare) plan.prepare(network);
  app.opened.clear();
  app.incoming.clear();

  Session* sessions[2];
  std::vector<Channel*> channels[2];
  for (int side = 0; side < 2; side++) {
    if (side == 1) network.run_for(plan.apart);
    SimPeer& peer = network.peer(side);
    sessions[side] = peer.endpoint().find(network.peer(1 - side).id());
    if (sessions[side] == nullptr) sessions[side] = peer.connect(1 - side, 60 * kSecond);
    for (int i = 0; i < plan.channels[side]; i++) {
      channels[side].push_back(open_channel(peer, *sessions[side]));
      app.senders[channels[side].back()] = {i, 0, plan.messages};
    }
  }
  if (plan.meanwhile) plan.meanwhile(network);
  const uint64_t before =
      static_cast<uint64_t>(plan.channels[0] + plan.channels[1]) * plan.messages;
  bool worked = network.run_until(
      [&] { return app.messages >= before && sessions[0]->open() && sessions[1]->open(); },
      60 * kSecond);
  // Those that were opened before, and new ones, work on.
  uint64_t wanted = before;
  for (int side = 0; side < 2 && worked; side++) {
    SimPeer& peer = network.peer(side);
    for (Channel* channel : channels[side]) {
      app.senders[channel].until += 3;
      app.send(peer, *channel);
      wanted += 3;
    }
    const int index = static_cast<int>(channels[side].size());
    channels[side].push_back(open_channel(peer, *sessions[side]));
    app.senders[channels[side].back()] = {index, 0, 3};
    wanted += 3;
  }
  worked = worked && network.run_until([&] { return app.messages >= wanted; }, 60 * kSecond);
  // Half-open ones go, and nothing comes twice.
  network.run_for(15 * kSecond);
  worked = worked && app.messages == wanted && app.sessions_closed.empty() &&
           app.channels_closed.empty() && app.unannounced == 0;
  EXPECT_EQ(network.failure(), "");
  for (const Channel* channel : app.incoming) {
    const auto& bodies = app.seen[channel].bodies;
    for (uint64_t i = 0; i < bodies.size(); i++) {
      worked = worked && bodies[i] == body_of(bodies[0][0], bodies[0][1], i);
    }
  }
  Outcome outcome;
  for (int side = 0; side < 2; side++) {
    std::set<uint64_t> ids;
    for (const Channel* channel : channels[side]) {
      worked = worked && ids.insert(channel->id()).second &&
               (channel->id() % 2 == 1) == sessions[side]->initiator();
    }
    outcome.sessions[side] = network.peer(side).endpoint().session_count();
    outcome.computed += network.peer(side).endpoint().counters().handshakes_answered;
  }
  for (int side = 0; side < 2; side++) network.peer(side).destroy();
  EXPECT_EQ(network.failure(), "");
  outcome.worked = worked;
  return outcome;
}

TEST(BothDial, WithoutLossOneSessionComesOfIt) {
  int one = 0;
  constexpr int kSeeds = 1'500;
  for (int seed = 1; seed <= kSeeds; seed++) {
    net::Prng prng(static_cast<uint64_t>(seed), 1);
    Plan plan;
    plan.seed = static_cast<uint64_t>(seed);
    plan.protection = seed % 2 == 0 ? Protection::kAes256Gcm : Protection::kChaCha20Poly1305;
    plan.delay = static_cast<Duration>(prng.below(200)) * kMillisecond;
    plan.jitter = static_cast<Duration>(prng.below(60)) * kMillisecond;
    plan.computation = static_cast<Duration>(prng.below(50)) * kMillisecond;
    plan.apart = prng.below(2) == 0 ? 0 : static_cast<Duration>(prng.below(300)) * kMillisecond;
    for (int& channels : plan.channels) channels = static_cast<int>(prng.below(4));
    const Outcome outcome = dial_both(plan);
    ASSERT_TRUE(outcome.worked) << seed;
    ASSERT_EQ(outcome.sessions[0], outcome.sessions[1]) << seed;
    one += outcome.sessions[0] == 1;
    EXPECT_EQ(outcome.sessions[0], 1u) << seed;
  }
  EXPECT_EQ(one, kSeeds);
}

TEST(BothDial, WithLossItWorksAllTheSame) {
  int two = 0;
  for (int seed = 1; seed <= 1'000; seed++) {
    net::Prng prng(static_cast<uint64_t>(seed), 2);
    Plan plan;
    plan.seed = static_cast<uint64_t>(seed);
    plan.loss = static_cast<double>(prng.below(40)) / 100;
    plan.duplicate = static_cast<double>(prng.below(30)) / 100;
    plan.delay = static_cast<Duration>(prng.below(300)) * kMillisecond;
    plan.jitter = static_cast<Duration>(prng.below(300)) * kMillisecond;
    plan.computation = static_cast<Duration>(prng.below(300)) * kMillisecond;
    plan.apart = prng.below(2) == 0 ? 0 : static_cast<Duration>(prng.below(2000)) * kMillisecond;
    for (int& channels : plan.channels) channels = static_cast<int>(prng.below(4));
    const Outcome outcome = dial_both(plan);
    ASSERT_TRUE(outcome.worked) << seed;
    ASSERT_EQ(outcome.sessions[0], outcome.sessions[1]) << seed;
    ASSERT_LE(outcome.sessions[0], 2u);
    two += outcome.sessions[0] == 2;
  }
  std::printf("of 1,000 dials over bad paths, %d led to two sessions\n", two);
  EXPECT_LT(two, 150);
}

TEST(BothDial, BothHandshakesMayTakeSeconds) {
  for (uint64_t seed = 1; seed <= 100; seed++) {
    Plan plan;
    plan.seed = seed;
    plan.computation = 3 * kSecond;
    const Outcome outcome = dial_both(plan);
    ASSERT_TRUE(outcome.worked) << seed;
    ASSERT_EQ(outcome.sessions[0], outcome.sessions[1]) << seed;
  }
}

TEST(BothDial, ManyChannelsKeepTheirOrderAndTheirIds) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Plan plan;
    plan.seed = seed;
    plan.channels[0] = plan.channels[1] = 40;
    plan.messages = 20;
    const Outcome outcome = dial_both(plan);
    EXPECT_TRUE(outcome.worked) << seed;
    EXPECT_EQ(outcome.sessions[0], 1u);
    EXPECT_EQ(outcome.sessions[1], 1u);
  }
}

// --- Recorded INITs.

// Plays an INIT that `from` has sent in an earlier session, before the dials and again and again.
void replay_while_dialling(int from, Plan plan) {
  std::vector<uint8_t> init;
  plan.prepare = [&](SimNetwork& network) {
    network.set_capture(true);
    Session* first = network.peer(from).connect(1 - from, 10 * kSecond);
    network.run_until([&] { return first->open(); }, 10 * kSecond);
    network.run_for(kSecond);
    for (const Captured& captured : network.capture()) {
      if (captured.from == from && captured.view().type == wire::PacketType::kInit) {
        init = captured.sealed;
      }
    }
    // Gone on both sides, without a word.
    for (int side = 0; side < 2; side++) {
      Session* session = network.peer(side).endpoint().find(network.peer(1 - side).id());
      if (session != nullptr) session->on_stateless_reset(network.now());
    }
    network.run_for(kSecond);
    static_cast<DialApp&>(network.application()).sessions_closed.clear();
  };
  plan.meanwhile = [&](SimNetwork& network) {
    ASSERT_EQ(init.size(), wire::kInitBytes);
    for (int i = 0; i < 200; i++) {
      const auto at = network.now() + i * 10 * kMillisecond;
      // From the peer's own address, and from elsewhere.
      network.inject(at, SimPeer::address_of(from), 1 - from, init.data(), init.size());
      network.inject(at, SimPeer::address_of(from, 7), 1 - from, init.data(), init.size());
    }
  };
  const Outcome outcome = dial_both(plan);
  EXPECT_TRUE(outcome.worked) << plan.seed;
  EXPECT_EQ(outcome.sessions[0], 1u) << plan.seed;
  EXPECT_EQ(outcome.sessions[1], 1u) << plan.seed;
}

TEST(BothDial, ARecordedInitDoesNotEndADial) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    Plan plan;
    plan.seed = seed;
    plan.delay = static_cast<Duration>(seed % 8) * 40 * kMillisecond;
    plan.computation = static_cast<Duration>(seed % 5) * 10 * kMillisecond;
    for (const int from : {0, 1}) replay_while_dialling(from, plan);
  }
}

TEST(BothDial, ARecordedInitDoesNotEndTheDialOfOneSide) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    Plan plan;
    plan.seed = seed;
    plan.delay = static_cast<Duration>(1 + seed % 8) * 40 * kMillisecond;
    // The other one finds the session that came of it.
    plan.apart = 3 * kSecond;
    for (const int from : {0, 1}) replay_while_dialling(from, plan);
  }
}

}  // namespace
}  // namespace hawser::sim
