// Handshakes that are lost, late, doubled, slow or abandoned.

#include "net/prng.h"
#include "test/unit/secure_support.h"
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

class Retry : public TwoPeers {
 protected:
  Retry() { network_.set_protection(Protection::kAes256Gcm); }

  std::vector<Time> times_of(int from, wire::PacketType type) {
    std::vector<Time> times;
    for (const Captured& captured : network_.capture()) {
      if (captured.from == from && captured.view().type == type) times.push_back(captured.time);
    }
    return times;
  }
};

TEST_F(Retry, PausesDoubleFromAQuarterOfASecondToFour) {
  add_peers();
  network_.set_up(0, 1, false);
  const Time begin = network_.now();
  a_->connect(1, 21 * kSecond);
  network_.run_for(30 * kSecond);
  const std::vector<Time> times = times_of(0, wire::PacketType::kInit);
  const std::vector<int64_t> expected = {0, 250, 750, 1'750, 3'750, 7'750, 11'750, 15'750, 19'750};
  ASSERT_EQ(times.size(), expected.size());
  for (size_t i = 0; i < times.size(); i++) {
    EXPECT_EQ(times[i] - begin, expected[i] * kMillisecond) << i;
  }
  ASSERT_EQ(app_.sessions_closed.size(), 1u);
  EXPECT_EQ(app_.sessions_closed[0].by, ClosedBy::kFailure);
  EXPECT_TRUE(app_.sessions_closed[0].timed_out);
  EXPECT_EQ(text_of(app_.sessions_closed[0]), "no answer");
  EXPECT_EQ(app_.sessions_closed_at[0] - begin, 21 * kSecond);
  EXPECT_EQ(a_->endpoint().session_count(), 0u);
  // The same INIT each time: a new one would be another handshake.
  const std::vector<uint8_t> first = network_.capture().front().sealed;
  for (const Captured& captured : network_.capture()) EXPECT_EQ(captured.sealed, first);
}

TEST_F(Retry, EachLostResponseCostsOnePause) {
  for (uint64_t lost = 0; lost < 5; lost++) {
    SimNetwork network(lost + 1);
    network.set_protection(Protection::kChaCha20Poly1305);
    RecordingApp app;
    network.set_application(&app);
    network.add_peer();
    network.add_peer();
    DropRule rule;
    rule.packet = wire::PacketType::kResponse;
    rule.count = lost;
    network.add_drop_rule(rule);
    const Time begin = network.now();
    network.peer(0).connect(1, 20 * kSecond);
    ASSERT_TRUE(network.run_until([&] { return app.opened.size() == 2; }, 20 * kSecond));
    const Duration pauses[] = {0, 250, 750, 1'750, 3'750};
    EXPECT_EQ(network.now() - begin, pauses[lost] * kMillisecond + 30 * kMillisecond);
    // One computation, however often it is asked.
    EXPECT_EQ(network.peer(1).endpoint().counters().handshakes_answered, 1u);
    for (int i = 0; i < 2; i++) network.peer(i).destroy();
    EXPECT_EQ(network.failure(), "");
  }
}

TEST_F(Retry, RoughPathsAndSlowComputersOpenOneSession) {
  int unlucky = 0;
  for (uint64_t seed = 1; seed <= 500; seed++) {
    net::Prng prng(seed, 4);
    SimNetwork network(seed);
    network.set_protection(seed % 2 == 0 ? Protection::kAes256Gcm : Protection::kChaCha20Poly1305);
    network.set_longest_computation(static_cast<Duration>(prng.below(1'500)) * kMillisecond);
    RecordingApp app;
    network.set_application(&app);
    network.add_peer();
    network.add_peer();
    LinkOptions options;
    options.impairment.loss = static_cast<double>(prng.below(40)) / 100;
    options.impairment.duplicate = static_cast<double>(prng.below(50)) / 100;
    options.impairment.reorder = static_cast<double>(prng.below(50)) / 100;
    options.impairment.corrupt = static_cast<double>(prng.below(10)) / 100;
    options.impairment.delay_ns = static_cast<int64_t>(prng.below(400)) * kMillisecond;
    options.impairment.jitter_ns = static_cast<int64_t>(prng.below(400)) * kMillisecond;
    network.set_links(0, 1, options);
    network.peer(0).connect(1, 120 * kSecond);
    const auto decided = [&] { return app.opened.size() == 2 || !app.sessions_closed.empty(); };
    ASSERT_TRUE(network.run_until(decided, 120 * kSecond)) << seed;
    network.run_for(12 * kSecond);
    if (app.sessions_closed.empty()) {
      EXPECT_EQ(app.opened.size(), 2u) << seed;
    } else {
      // The answer arrived when it was nearly too late: the responder had given up by the time it
      // was proven, and has said so.
      unlucky++;
      EXPECT_EQ(text_of(app.sessions_closed[0]), "the peer does not know this session any more");
    }
    for (int i = 0; i < 2; i++) {
      EXPECT_EQ(network.peer(i).endpoint().half_open_count(), 0u) << seed;
      network.peer(i).destroy();
    }
    EXPECT_EQ(network.failure(), "") << seed;
  }
  EXPECT_LE(unlucky, 5);
}

TEST_F(Retry, TheDeadlineHoldsWhateverIsUnderWay) {
  for (const Duration computation : {Duration{0}, 3 * kSecond}) {
    for (const Duration patience : {kMillisecond, 5 * kMillisecond, 300 * kMillisecond, kSecond}) {
      SimNetwork network(3);
      network.set_protection(Protection::kAes256Gcm);
      network.set_longest_computation(computation);
      RecordingApp app;
      network.set_application(&app);
      network.add_peer();
      network.add_peer();
      LinkOptions options;
      options.impairment.delay_ns = 600 * kMillisecond;
      network.set_links(0, 1, options);
      const Time begin = network.now();
      network.peer(0).connect(1, patience);
      network.run_for(20 * kSecond);
      ASSERT_EQ(app.sessions_closed.size(), 1u);
      EXPECT_TRUE(app.sessions_closed[0].timed_out);
      EXPECT_EQ(app.sessions_closed_at[0] - begin, patience);
      EXPECT_TRUE(app.opened.empty());
      for (int i = 0; i < 2; i++) {
        EXPECT_EQ(network.peer(i).endpoint().session_count(), 0u);
        network.peer(i).destroy();
      }
      EXPECT_EQ(network.failure(), "");
    }
  }
}

// --- Ends in the middle.

// Both peers vanish at a moment that the seed chooses, sessions first or with everything.
TEST_F(Retry, NothingIsLeftWhenItEndsInTheMiddle) {
  for (uint64_t seed = 1; seed <= 1'000; seed++) {
    net::Prng prng(seed, 5);
    SimNetwork network(seed);
    network.set_protection(Protection::kAes256Gcm);
    network.set_judged(false);
    network.set_longest_computation(100 * kMillisecond);
    RecordingApp app;
    network.set_application(&app);
    EndpointConfig config;
    config.renew_after = 30 * kMillisecond;
    config.answer_renewals_every = config.renew_after / 60;
    config.cookies_above = seed % 3 == 0 ? 0 : 64;
    network.add_peer(config);
    network.add_peer(config);
    Session* session = network.peer(0).connect(1, 60 * kSecond);
    open_channel(network.peer(0), *session);
    if (seed % 2 == 0) open_channel(network.peer(1), *network.peer(1).connect(0, 60 * kSecond));
    network.run_for(static_cast<Duration>(prng.below(500)) * kMillisecond);
    if (seed % 5 == 0) {
      for (int i = 0; i < 2; i++) {
        network.peer(i).endpoint().close_all(network.now(), wire::Code::kNoError, nullptr, 0);
      }
      if (seed % 10 == 0) network.run_for(static_cast<Duration>(prng.below(80)) * kMillisecond);
    }
    const auto first = static_cast<int>(seed % 2);
    network.peer(first).destroy();
    network.run_for(static_cast<Duration>(prng.below(200)) * kMillisecond);
    network.peer(1 - first).destroy();
    ASSERT_EQ(network.failure(), "") << seed;
  }
}

TEST(RetryAlone, AQueuedHandshakeGoesWithItsOwner) {
  // Dialling, answering, and reading an answer: queued, or with a thread that computes.
  for (const bool computing : {false, true}) {
    for (int step = 0; step < 3; step++) {
      for (const bool close_first : {false, true}) {
        LoneOptions options;
        Lone a(options);
        options.index = 2;
        Lone b(options);
        Lone& held = step == 1 ? b : a;
        if (step == 0) a.held = true;
        a.connect(b);
        a.service();
        if (step != 0) {
          b.held = step == 1;
          b.receive(a.address, a.take_sent().front().bytes);
          b.service();
        }
        if (step == 2) {
          a.held = true;
          a.receive(b.address, b.take_sent().front().bytes);
        }
        ASSERT_TRUE(held.runtime->has_handshakes());
        Handshake* taken = computing ? held.runtime->next_handshake() : nullptr;
        ASSERT_EQ(taken != nullptr, computing);
        if (close_first) {
          held.endpoint->close_all(held.now, wire::Code::kNoError, nullptr, 0);
          held.service();
        }
        held.endpoint->destroy_all();
        held.endpoint.reset();
        EXPECT_FALSE(held.runtime->has_handshakes());
        if (computing) {
          EXPECT_GT(held.memory.in_use(), 0u);
          taken->compute();
          held.runtime->finish(held.now, taken);
        }
        held.runtime.reset();
        EXPECT_EQ(held.memory.in_use(), 0u);
        EXPECT_EQ(held.memory.misuse(), nullptr);
      }
    }
  }
}

TEST(RetryAlone, ARenewalThatCouldNotBeMadeIsMadeLater) {
  LoneOptions options;
  options.config.renew_after = kSecond;
  options.config.answer_renewals_every = options.config.renew_after / 60;
  Lone a(options);
  options.index = 2;
  Lone b(options);
  Session* session = a.connect(b);
  const uint8_t service[] = {'t'};
  ASSERT_NE(session->open_channel(a.now, {}, service, 1, nullptr, 0), nullptr);
  exchange(a, b);
  a.held = true;
  advance_both(a, b, a.now + kSecond + kMillisecond);
  // libcrypto has no memory: nothing comes of it.
  Handshake* failed = a.runtime->next_handshake();
  ASSERT_NE(failed, nullptr);
  a.runtime->finish(a.now, failed);
  a.held = false;
  advance_both(a, b, a.now + 10 * kSecond);
  ASSERT_EQ(a.opened.size(), 1u);
  ASSERT_EQ(b.opened.size(), 1u);
  EXPECT_TRUE(a.opened[0]->open());
  EXPECT_GE(a.opened[0]->counters().renewals, 2u);
  EXPECT_GE(b.opened[0]->counters().renewals, 2u);
}

TEST(RetryAlone, EveryAllocationMayFailOnce) {
  // Of both sides, from the dial to the first renewal.
  for (uint64_t skip = 0; skip < 120; skip++) {
    for (const bool initiator : {true, false}) {
      LoneOptions options;
      options.config.renew_after = kSecond;
      options.config.answer_renewals_every = options.config.renew_after / 60;
      Lone a(options);
      options.index = 2;
      Lone b(options);
      (initiator ? a : b).memory.fail_after(skip, 1);
      Session* session = a.connect(b);
      if (session == nullptr) continue;
      const uint8_t service[] = {'t'};
      (void)session->open_channel(a.now, {}, service, 1, nullptr, 0);
      advance_both(a, b, a.now + 5 * kSecond);
      EXPECT_EQ(a.memory.misuse(), nullptr);
      // Either it works, or it ends with a reason.
      EXPECT_TRUE(!a.opened.empty() || !a.closed.empty()) << skip;
    }
  }
}

}  // namespace
}  // namespace hawser::sim
