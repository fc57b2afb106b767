// Keys that change while a session is used, over paths that do what they like.

#include "net/prng.h"
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

struct Plan {
  uint64_t seed = 1;
  net::ImpairmentOptions path;
  crypto::ProtectionLimits limits;
  Duration renew_after = 600 * kSecond;
  Duration computation = 0;
  Protection protection = Protection::kAes256Gcm;
  uint64_t messages = 1'000;
  size_t length = 900;
  // Recorded packets come again while the transfer goes on.
  bool replay = false;
};

uint64_t unauthenticated(SimPeer& peer) { return peer.endpoint().counters().unauthenticated; }

// Messages in both directions over one session that stays open.
class Transfer {
 public:
  explicit Transfer(const Plan& plan) : network(plan.seed), plan_(plan) {
    network.set_protection(plan.protection, plan.limits);
    network.set_longest_computation(plan.computation);
    network.set_application(&app);
    network.set_capture(true);
    // Its view of a session ends where packets come again that were lost.
    network.set_judged(!plan.replay);
    app.keep_bodies = true;
    EndpointConfig config;
    config.renew_after = plan.renew_after;
    config.answer_renewals_every = config.renew_after / 60;
    network.add_peer(config);
    network.add_peer(config);
    LinkOptions options;
    options.impairment = plan.path;
    network.set_links(0, 1, options);
  }
  ~Transfer() {
    for (int i = 0; i < 2; i++) network.peer(i).destroy();
    EXPECT_EQ(network.failure(), "");
  }

  bool run() {
    session[0] = network.peer(0).connect(1, 60 * kSecond);
    if (!network.run_until([&] { return app.opened.size() == 2; }, 60 * kSecond)) return false;
    session[1] = session[0] == app.opened[0] ? app.opened[1] : app.opened[0];
    channel[0] = open_channel(network.peer(0), *session[0]);
    if (!network.run_until([&] { return app.incoming.size() == 1 && channel[0]->accepted(); },
                           60 * kSecond)) {
      return false;
    }
    channel[0]->set_demand(network.now(), Demand::kContinuous);
    channel[1] = app.incoming[0];
    uint64_t wanted = 0;
    for (uint64_t i = 0; i < plan_.messages; i += 50) {
      for (int side = 0; side < 2; side++) push_some(side, i);
      wanted += 100;
      network.run_for(100 * kMillisecond);
      if (plan_.replay) replay(false, 1);
    }
    const bool done = network.run_until([&] { return app.messages >= wanted; }, 120 * kSecond);
    network.run_for(5 * kSecond);
    return done && app.messages == wanted && in_order() && app.sessions_closed.empty();
  }

  // Everything that was recorded since the last time, `times` over. Only what has arrived: what was
  // lost is not known yet. Returns how many DATA packets.
  uint64_t replay(bool only_arrived, int times) {
    uint64_t count = 0;
    const size_t end = network.capture().size();
    for (int i = 0; i < times; i++) {
      for (size_t at = only_arrived ? 0 : replayed_; at < end; at++) {
        const Captured& captured = network.capture()[at];
        const bool arrived = captured.fate == Fate::kCarried || captured.fate == Fate::kDuplicated;
        if (only_arrived && !arrived) continue;
        count += captured.view().type == wire::PacketType::kData;
        const auto later = static_cast<Duration>(prng_.below(80)) * kMillisecond;
        network.inject(network.now() + later, SimPeer::address_of(captured.from), captured.to,
                       captured.sealed.data(), captured.sealed.size());
      }
    }
    replayed_ = end;
    return count;
  }

  uint64_t corrupted() {
    return network.link(0, 1).counters().corrupted + network.link(1, 0).counters().corrupted;
  }

  RecordingApp app;
  SimNetwork network;
  Session* session[2] = {};
  Channel* channel[2] = {};

 private:
  void push_some(int side, uint64_t first) {
    for (uint64_t i = first; i < first + 50; i++) {
      std::vector<uint8_t> body(plan_.length, static_cast<uint8_t>(side));
      wire::store_u64(body.data(), i);
      if (channel[side]->push(body.data(), body.size()) == Channel::Push::kNoRoom) {
        (void)channel[side]->push_locked(body.data(), body.size());
      }
    }
    channel[side]->flush(network.now());
  }
  bool in_order() {
    for (int side = 0; side < 2; side++) {
      const auto& bodies = app.seen[channel[1 - side]].bodies;
      for (uint64_t i = 0; i < bodies.size(); i++) {
        if (wire::load_u64(bodies[i].data()) != i || bodies[i].back() != side) return false;
      }
    }
    return true;
  }

  const Plan plan_;
  net::Prng prng_{7, 7};
  size_t replayed_ = 0;
};

Plan rough(uint64_t seed) {
  net::Prng prng(seed, 3);
  Plan plan;
  plan.seed = seed;
  plan.protection = seed % 2 == 0 ? Protection::kAes256Gcm : Protection::kChaCha20Poly1305;
  plan.path.loss = static_cast<double>(prng.below(12)) / 100;
  plan.path.duplicate = static_cast<double>(prng.below(20)) / 100;
  plan.path.reorder = static_cast<double>(prng.below(20)) / 100;
  plan.path.delay_ns = static_cast<int64_t>(10 + prng.below(40)) * kMillisecond;
  // Less than a round trip: no epoch is over before the packets of the last one are there.
  plan.path.jitter_ns = static_cast<int64_t>(prng.below(15)) * kMillisecond;
  plan.limits.update_after = 10 + prng.below(60);
  plan.renew_after = static_cast<Duration>(50 + prng.below(500)) * kMillisecond;
  plan.computation = static_cast<Duration>(prng.below(120)) * kMillisecond;
  return plan;
}

TEST(Keys, TransfersCompleteWhileKeysChange) {
  uint64_t updates[2] = {};
  uint64_t renewals[2] = {};
  for (uint64_t seed = 1; seed <= 60; seed++) {
    Transfer transfer(rough(seed));
    ASSERT_TRUE(transfer.run()) << seed;
    for (int side = 0; side < 2; side++) {
      const transport::SessionCounters counters = transfer.session[side]->counters();
      EXPECT_GE(counters.key_updates, 3u) << seed;
      EXPECT_GE(counters.renewals, 1u) << seed;
      updates[side] += counters.key_updates;
      renewals[side] += counters.renewals;
      EXPECT_EQ(unauthenticated(transfer.network.peer(side)), 0u) << seed;
      EXPECT_EQ(transfer.network.peer(side).endpoint().counters().protocol_errors, 0u);
    }
    // Both count the same epochs, but for one that is on its way.
    const uint64_t ours = transfer.session[0]->counters().key_updates;
    const uint64_t theirs = transfer.session[1]->counters().key_updates;
    EXPECT_TRUE(ours == theirs || ours == theirs + 1) << ours << " " << theirs;
  }
  std::printf(
      "key updates %llu and %llu, renewals %llu and %llu\n",
      static_cast<unsigned long long>(updates[0]), static_cast<unsigned long long>(updates[1]),
      static_cast<unsigned long long>(renewals[0]), static_cast<unsigned long long>(renewals[1]));
}

TEST(Keys, OnlyUpdates) {
  Plan plan;
  plan.limits.update_after = 16;
  Transfer transfer(plan);
  ASSERT_TRUE(transfer.run());
  EXPECT_GE(transfer.session[0]->counters().key_updates, 5u);
  EXPECT_EQ(transfer.session[0]->counters().renewals, 0u);
  EXPECT_EQ(transfer.session[1]->counters().renewals, 0u);
}

TEST(Keys, OnlyRenewals) {
  Plan plan;
  plan.renew_after = 100 * kMillisecond;
  Transfer transfer(plan);
  ASSERT_TRUE(transfer.run());
  const transport::SessionCounters initiator = transfer.session[0]->counters();
  const transport::SessionCounters responder = transfer.session[1]->counters();
  EXPECT_GE(initiator.renewals, 20u);
  // Each of them begins an epoch, and nothing else does.
  EXPECT_EQ(initiator.renewals, initiator.key_updates);
  EXPECT_GE(responder.renewals + 1, initiator.renewals);
}

TEST(Keys, ASessionInWhichNothingHappensRenewsNothing) {
  Plan plan;
  plan.messages = 50;
  plan.renew_after = kSecond;
  Transfer transfer(plan);
  ASSERT_TRUE(transfer.run());
  transfer.channel[0]->reset(transfer.network.now(), wire::Code::kNoError, nullptr, 0);
  transfer.network.run_for(2 * kSecond);
  const uint64_t renewals = transfer.session[0]->counters().renewals;
  transfer.network.run_for(20 * kSecond);
  EXPECT_EQ(transfer.session[0]->counters().renewals, renewals);
}

TEST(Keys, NothingButDamagedPacketsIsDroppedAsUnauthenticated) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Plan plan = rough(seed);
    plan.path.corrupt = 0.02;
    Transfer transfer(plan);
    ASSERT_TRUE(transfer.run()) << seed;
    const uint64_t dropped =
        unauthenticated(transfer.network.peer(0)) + unauthenticated(transfer.network.peer(1));
    EXPECT_GT(dropped, 0u);
    EXPECT_LE(dropped, transfer.corrupted()) << seed;
  }
}

// --- Replay.

TEST(Keys, PacketsThatComeAgainWhileItGoesOnChangeNothing) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Plan plan = rough(seed);
    plan.replay = true;
    plan.messages = 500;
    Transfer transfer(plan);
    EXPECT_TRUE(transfer.run()) << seed;
    for (int side = 0; side < 2; side++) {
      EXPECT_GE(transfer.session[side]->counters().key_updates, 3u);
      EXPECT_GT(transfer.network.peer(side).endpoint().counters().duplicates, 60u);
    }
  }
}

TEST(Keys, AllThatCameThreeTimesAgainIsNothingButDuplicates) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Transfer transfer(rough(seed));
    ASSERT_TRUE(transfer.run()) << seed;
    SimNetwork& network = transfer.network;
    network.set_judged(false);
    transport::SessionCounters before[2];
    uint64_t dropped = 0;
    for (int side = 0; side < 2; side++) {
      before[side] = transfer.session[side]->counters();
      const transport::EndpointCounters counters = network.peer(side).endpoint().counters();
      dropped += counters.duplicates + counters.unauthenticated;
    }
    const uint64_t messages = transfer.app.messages;
    const uint64_t replayed = transfer.replay(true, 3);
    network.run_for(90 * kMillisecond);
    EXPECT_GT(replayed, 1000u);
    EXPECT_EQ(transfer.app.messages, messages);
    for (int side = 0; side < 2; side++) {
      const transport::EndpointCounters counters = network.peer(side).endpoint().counters();
      dropped -= counters.duplicates + counters.unauthenticated;
      const transport::SessionCounters after = transfer.session[side]->counters();
      // Renewals go on, and each takes a few packets; nothing of these is answered.
      EXPECT_LE(after.packets_received - before[side].packets_received, 12u) << seed;
      EXPECT_EQ(after.channels, before[side].channels);
      EXPECT_EQ(network.peer(side).endpoint().half_open_count(), 0u);
      EXPECT_EQ(network.peer(side).endpoint().session_count(), 1u);
    }
    // What the path itself repeats comes on top of it.
    EXPECT_GE(uint64_t{0} - dropped, replayed) << seed;
    EXPECT_LE(uint64_t{0} - dropped, replayed + 12) << seed;
  }
}

}  // namespace
}  // namespace hawser::sim
