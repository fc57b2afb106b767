// Sessions that end because of their keys, and what may not end them.

#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

constexpr char kOutOfTurn[] = "a handshake out of turn";
constexpr char kUnchecked[] = "a handshake that does not check";

class KeyLimits : public TwoPeers {
 protected:
  void start(const EndpointConfig& config = {}, const crypto::ProtectionLimits& limits = {}) {
    network_.set_protection(Protection::kAes256Gcm, limits);
    network_.set_judged(false);
    add_peers(config);
    sessions_[0] = connect();
    ASSERT_EQ(app_.opened.size(), 2u);
    sessions_[1] = app_.opened[0] == sessions_[0] ? app_.opened[1] : app_.opened[0];
    network_.run_for(kSecond);
  }

  // `side` says `frame` to the other one, within the session.
  template <typename Frame>
  void say(int side, const Frame& frame) {
    uint8_t frames[1100];
    const uint8_t* end = wire::write(frames, frames + sizeof frames, frame);
    ASSERT_NE(end, nullptr);
    std::vector<uint8_t> buffer(1'200);
    transport::Train train;
    train.buffer = buffer.data();
    train.capacity = buffer.size();
    ASSERT_TRUE(sessions_[side]->build_foreign(network_.now(), frames,
                                               static_cast<size_t>(end - frames), train));
    network_.inject(network_.now(), SimPeer::address_of(side), 1 - side, train.buffer,
                    train.length);
    network_.run_for(0);
  }
  void say_crypto(int side, uint64_t generation, uint32_t step, size_t length = 96) {
    const std::vector<uint8_t> garbage(length, 0x42);
    say(side, wire::Crypto{generation, step, garbage.data(), garbage.size()});
  }

  void expect_closed_by(int side, wire::Code code, const std::string& why) {
    network_.run_for(40 * kSecond);
    ASSERT_EQ(app_.sessions_closed.size(), 2u);
    // The other one has read why.
    bool seen = false;
    for (const CloseReason& reason : app_.sessions_closed) {
      seen = seen || (reason.by == ClosedBy::kRemote && reason.code == code &&
                      std::string(reason.detail, reason.detail_length) == why);
    }
    EXPECT_TRUE(seen);
    EXPECT_EQ(network_.peer(side).endpoint().counters().protocol_errors, 1u);
  }

  void forge(int side, int count) {
    std::vector<uint8_t> bytes(60, 0x91);
    wire::write_data_header(bytes.data(), wire::DataHeader{sessions_[side]->local_id(), 0});
    for (int i = 0; i < count; i++) {
      // The mask, which says what the flags read as, comes from here.
      wire::store_u32(bytes.data() + 15, ++forged_ * 77);
      network_.inject(network_.now(), SimPeer::address_of(1 - side), side, bytes.data(),
                      bytes.size());
    }
    network_.run_for(0);
  }

  bool alive(int side) { return app_.sessions_closed.empty() && sessions_[side]->open(); }

  Session* sessions_[2] = {};
  uint32_t forged_ = 0;
};

// --- CRYPTO.

TEST_F(KeyLimits, AnInitiatorIsNotAskedForARenewal) {
  start();
  say_crypto(1, 1, 1);
  EXPECT_FALSE(alive(0));
  expect_closed_by(0, wire::Code::kCryptoFailed, kOutOfTurn);
}

TEST_F(KeyLimits, AnInitiatorThatHasNotAskedTakesNoAnswer) {
  start();
  say_crypto(1, 1, 2, 48);
  EXPECT_FALSE(alive(0));
  expect_closed_by(0, wire::Code::kCryptoFailed, kOutOfTurn);
}

TEST_F(KeyLimits, AResponderTakesNoAnswer) {
  start();
  say_crypto(0, 1, 2, 48);
  EXPECT_FALSE(alive(1));
  expect_closed_by(1, wire::Code::kCryptoFailed, kOutOfTurn);
}

TEST_F(KeyLimits, GenerationsComeOneAfterTheOther) {
  start();
  say_crypto(0, 2, 1);
  EXPECT_FALSE(alive(1));
  expect_closed_by(1, wire::Code::kCryptoFailed, kOutOfTurn);
}

TEST_F(KeyLimits, AGarbledRequestEndsTheSession) {
  start();
  say_crypto(0, 1, 1);
  network_.run_for(kMillisecond);
  EXPECT_FALSE(alive(1));
  expect_closed_by(1, wire::Code::kCryptoFailed, kUnchecked);
}

TEST_F(KeyLimits, SoDoesOneThatIsTooShortOrTooLong) {
  start();
  say_crypto(0, 1, 1, 1);
  network_.run_for(kMillisecond);
  EXPECT_FALSE(alive(1));
  expect_closed_by(1, wire::Code::kCryptoFailed, kUnchecked);
}

TEST_F(KeyLimits, AGarbledAnswerEndsTheSession) {
  EndpointConfig config;
  config.renew_after = 3 * kSecond;
  config.answer_renewals_every = config.renew_after / 60;
  start(config);
  open_channel(*a_, *sessions_[0]);
  // What it asks with does not arrive, and another answer comes.
  DropRule rule;
  rule.from = 0;
  rule.any_frame = false;
  rule.frame = wire::FrameType::kCrypto;
  network_.add_drop_rule(rule);
  network_.run_for(4 * kSecond);
  ASSERT_TRUE(alive(0));
  say_crypto(1, 1, 2, 48);
  network_.run_for(kMillisecond);
  EXPECT_FALSE(alive(0));
  expect_closed_by(0, wire::Code::kCryptoFailed, kUnchecked);
}

TEST_F(KeyLimits, ARequestThatComesAgainIsIgnored) {
  EndpointConfig config;
  config.renew_after = kSecond;
  config.answer_renewals_every = config.renew_after / 60;
  start(config);
  open_channel(*a_, *sessions_[0]);
  network_.run_for(5 * kSecond);
  ASSERT_GE(sessions_[1]->counters().renewals, 2u);
  for (int i = 0; i < 5; i++) say_crypto(0, 1, 1);
  EXPECT_TRUE(alive(1));
  // So is an old answer.
  for (int i = 0; i < 5; i++) say_crypto(1, 1, 2, 48);
  EXPECT_TRUE(alive(0));
  const uint64_t renewals = sessions_[1]->counters().renewals;
  network_.run_for(5 * kSecond);
  EXPECT_GT(sessions_[1]->counters().renewals, renewals);
}

TEST_F(KeyLimits, TheNextRequestComesAfterTheEpochOfTheLastOne) {
  EndpointConfig config;
  config.renew_after = 2 * kSecond;
  config.answer_renewals_every = config.renew_after / 60;
  start(config);
  open_channel(*a_, *sessions_[0]);
  // The answer does not arrive, so the epoch does not come.
  DropRule rule;
  rule.from = 1;
  rule.any_frame = false;
  rule.frame = wire::FrameType::kCrypto;
  network_.add_drop_rule(rule);
  network_.run_for(2 * kSecond);
  ASSERT_EQ(sessions_[1]->counters().renewals, 1u);
  ASSERT_EQ(sessions_[1]->counters().key_updates, 0u);
  say_crypto(0, 2, 1);
  EXPECT_FALSE(alive(1));
  expect_closed_by(1, wire::Code::kCryptoFailed, kOutOfTurn);
}

// --- Used up.

TEST_F(KeyLimits, TooManyForgedPacketsEndTheSession) {
  crypto::ProtectionLimits limits;
  limits.forged_aes_gcm = 200;
  start({}, limits);
  // About one in eight has no reserved flag set, and is tried.
  while (alive(0)) {
    forge(0, 10);
    ASSERT_LT(a_->endpoint().counters().unauthenticated, 5'000u);
  }
  EXPECT_GE(a_->endpoint().counters().unauthenticated, 200u);
  // More of them while it closes end nothing more.
  forge(0, 2'000);
  expect_closed_by(0, wire::Code::kKeysExhausted, "too many forged packets");
}

TEST_F(KeyLimits, ForgedPacketsBelowTheLimitDoNothing) {
  start();
  forge(0, 10'000);
  forge(1, 10'000);
  EXPECT_TRUE(alive(0));
  EXPECT_TRUE(alive(1));
  for (SimPeer* peer : {a_, b_}) {
    // Some name a number that has come already.
    const transport::EndpointCounters counters = peer->endpoint().counters();
    EXPECT_EQ(counters.unauthenticated + counters.duplicates, 10'000u);
    EXPECT_GT(counters.unauthenticated, 9'000u);
  }
  EXPECT_EQ(sessions_[0]->counters().packets_sent, sessions_[1]->counters().packets_received);
}

TEST_F(KeyLimits, AKeyThatHasSealedEnoughSealsNoMore) {
  for (const int side : {0, 1}) {
    SimNetwork network(2);
    RecordingApp app;
    network.set_application(&app);
    network.set_judged(false);
    crypto::ProtectionLimits limits;
    limits.update_after = 1'000'000;
    limits.sealed_in_epoch = 100;
    network.set_protection(Protection::kChaCha20Poly1305, limits);
    network.add_peer();
    network.add_peer();
    Session* session = network.peer(0).connect(1, 10 * kSecond);
    network.run_until([&] { return app.opened.size() == 2; }, 10 * kSecond);
    if (side == 1) session = app.opened[0] == session ? app.opened[1] : app.opened[0];
    Channel* channel = open_channel(network.peer(side), *session);
    network.run_until([&] { return channel->accepted(); }, 10 * kSecond);
    push(network.peer(side), *channel, 1'000, 1'000);
    network.run_for(20 * kSecond);
    // Its own side says why; the other one is told by a reset that it is over, or by silence.
    ASSERT_EQ(app.sessions_closed.size(), 2u) << side;
    EXPECT_EQ(app.sessions_closed[0].by, ClosedBy::kFailure);
    EXPECT_EQ(app.sessions_closed[0].code, wire::Code::kKeysExhausted);
    EXPECT_EQ(app.sessions_closed[1].by, ClosedBy::kFailure);
    EXPECT_FALSE(app.sessions_closed[1].timed_out);
    EXPECT_LT(app.sessions_closed_at[1] - app.sessions_closed_at[0], 2 * kSecond);
    for (int i = 0; i < 2; i++) network.peer(i).destroy();
    EXPECT_EQ(network.failure(), "");
  }
}

// --- Numbers that are left out.

TEST_F(KeyLimits, NumbersAreLeftOutAsOftenAsConfigured) {
  EndpointConfig config;
  config.skip_every = 64;
  start(config);
  Channel* channel = open(*sessions_[0]);
  network_.capture().clear();
  for (int i = 0; i < 100; i++) {
    push(*a_, *channel, 100, 1'000);
    network_.run_for(100 * kMillisecond);
  }
  std::vector<uint64_t> distances;
  uint64_t last = 0;
  uint64_t since = 0;
  for (const Captured& captured : network_.capture()) {
    if (captured.from != 0) continue;
    const uint64_t number = captured.view().number32;
    ASSERT_TRUE(last == 0 || number == last + 1 || number == last + 2);
    if (last != 0 && number == last + 2) {
      if (since != 0) distances.push_back(number - 1 - since);
      since = number - 1;
    }
    last = number;
  }
  ASSERT_GT(distances.size(), 50u);
  uint64_t sum = 0;
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  for (const uint64_t distance : distances) {
    sum += distance;
    least = std::min(least, distance);
    most = std::max(most, distance);
  }
  const double mean = static_cast<double>(sum) / static_cast<double>(distances.size());
  EXPECT_GT(mean, 55);
  EXPECT_LT(mean, 75);
  EXPECT_GE(least, 32u);
  EXPECT_LE(most, 98u);
  EXPECT_GT(most - least, 30u);  // nobody can know which
  EXPECT_EQ(sessions_[0]->counters().packets_lost, 0u);
}

TEST_F(KeyLimits, WhoAcknowledgesANumberThatWasLeftOutLies) {
  EndpointConfig config;
  config.skip_every = 8;
  start(config);
  Channel* channel = open(*sessions_[0]);
  network_.run_for(kSecond);
  network_.capture().clear();
  network_.set_up(0, 1, false);
  push(*a_, *channel, 40, 1'000);
  network_.run_for(kMillisecond);
  std::vector<uint64_t> numbers;
  for (const Captured& captured : network_.capture()) {
    if (captured.from == 0) numbers.push_back(captured.view().number32);
  }
  ASSERT_GE(numbers.size(), 10u);
  size_t gap = 1;
  while (gap < numbers.size() && numbers[gap] == numbers[gap - 1] + 1) gap++;
  ASSERT_LT(gap, numbers.size());
  wire::Ack ack{};
  ack.range_count = 1;
  ack.ranges[0] = {numbers[0], numbers[gap - 1]};
  say(1, ack);
  EXPECT_TRUE(alive(0));
  ack.ranges[0] = {numbers[gap - 1] + 1, numbers[gap]};
  say(1, ack);
  EXPECT_FALSE(alive(0));
  network_.set_up(0, 1, true);
  expect_closed_by(0, wire::Code::kAckInvalid, "acknowledged what was never sent");
}

TEST_F(KeyLimits, ByDefaultTheReceiverTakesNoneForLost) {
  start();
  Channel* channel = open(*sessions_[0]);
  network_.set_capture(false);
  for (int i = 0; i < 400; i++) {
    push(*a_, *channel, 100, 1'000);
    network_.run_for(50 * kMillisecond);
    // Below what makes a path fair.
    ASSERT_LT(sessions_[1]->counters().receive_loss, 0.004);
  }
  EXPECT_GT(sessions_[1]->counters().packets_received, 30'000u);
  EXPECT_EQ(sessions_[0]->counters().packets_lost, 0u);
}

}  // namespace
}  // namespace hawser::sim
