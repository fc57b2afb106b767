// Sessions that one of two sides has forgotten.

#include "test/unit/secure_support.h"

namespace hawser::sim {
namespace {

LoneOptions options_of(uint32_t index, uint64_t luck = 1) {
  LoneOptions options;
  options.index = index;
  options.luck = luck;
  return options;
}

bool is_data(const Bytes& bytes) { return (bytes[0] & 0xf0) == 0x80; }

// Makes the session of `from` say something.
void ping(Lone& from, Session& session) {
  const uint8_t service[] = {'t'};
  ASSERT_NE(session.open_channel(from.now, {}, service, 1, nullptr, 0), nullptr);
}

class Reset : public testing::Test {
 protected:
  Reset() {
    session_ = a_->connect(*b_);
    exchange(*a_, *b_);
    EXPECT_EQ(a_->opened.size(), 1u);
    EXPECT_EQ(b_->opened.size(), 1u);
  }
  // The same peer at the same place, which knows nothing any more.
  static void restart(std::unique_ptr<Lone>& peer, uint32_t index) {
    const Time now = peer->now;
    peer->destroy();
    peer = std::make_unique<Lone>(options_of(index, 2));
    peer->now = now;
    peer->service();
  }

  std::unique_ptr<Lone> a_ = std::make_unique<Lone>(options_of(1));
  std::unique_ptr<Lone> b_ = std::make_unique<Lone>(options_of(2));
  Session* session_ = nullptr;
};

TEST_F(Reset, ARestartedPeerEndsTheSessionAtOnce) {
  for (const bool initiator : {true, false}) {
    std::unique_ptr<Lone>& gone = initiator ? a_ : b_;
    Lone& stays = initiator ? *b_ : *a_;
    const uint64_t before = stays.endpoint->counters().resets_sent;
    restart(gone, initiator ? 1 : 2);
    ping(stays, *stays.opened[0]);
    exchange(*a_, *b_);
    ASSERT_EQ(stays.closed.size(), 1u);
    EXPECT_EQ(stays.closed[0].by, ClosedBy::kFailure);
    EXPECT_FALSE(stays.closed[0].timed_out);
    EXPECT_EQ(text_of(stays.closed[0]), "the peer does not know this session any more");
    EXPECT_EQ(stays.endpoint->session_count(), 0u);
    EXPECT_EQ(gone->endpoint->counters().resets_sent, 1u);
    EXPECT_EQ(stays.endpoint->counters().resets_sent, before);
    // A new session, and the other way round.
    gone->connect(stays);
    exchange(*a_, *b_);
    ASSERT_EQ(stays.opened.size(), 1u);
    ASSERT_EQ(gone->opened.size(), 1u);
    stays.closed.clear();
  }
}

TEST_F(Reset, KeepAliveIsAnsweredByAResetToo) {
  // A session with a channel in which nothing happens sends the shortest packets there are.
  ping(*a_, *session_);
  advance_both(*a_, *b_, a_->now + kSecond);
  const Time restarted = a_->now;
  restart(b_, 2);
  while (a_->closed.empty() && a_->now < restarted + 60 * kSecond) {
    advance_both(*a_, *b_, a_->now + 100 * kMillisecond);
  }
  ASSERT_EQ(a_->closed.size(), 1u);
  EXPECT_FALSE(a_->closed[0].timed_out);
  // A third of the idle timeout, and what is under way at first.
  EXPECT_LE(a_->now - restarted, 11 * kSecond);
}

TEST_F(Reset, EveryPacketIsLongEnoughForAReset) {
  ping(*a_, *session_);
  advance_both(*a_, *b_, a_->now + kSecond);
  for (int i = 0; i < 60; i++) {
    a_->advance(a_->now + kSecond);
    for (const Lone::Sent& one : a_->take_sent()) {
      EXPECT_GT(one.bytes.size(), wire::kMinDataPacket);
    }
  }
}

TEST_F(Reset, TheRestartedPeerHasToBeTheSame) {
  // Somebody else with another seed at its place cannot: the id is none that it has made.
  b_->destroy();
  Lone other(options_of(3));
  other.address = address_of(2);
  ping(*a_, *session_);
  exchange(*a_, other);
  EXPECT_GE(other.endpoint->counters().unknown_session, 1u);
  EXPECT_EQ(other.endpoint->counters().resets_sent, 0u);
  EXPECT_EQ(other.out, 0u);
  EXPECT_TRUE(a_->closed.empty());
  EXPECT_TRUE(session_->open());
  b_ = std::make_unique<Lone>(options_of(2));
}

TEST_F(Reset, AWrongTokenDoesNothing) {
  restart(b_, 2);
  ping(*a_, *session_);
  a_->service();
  for (Lone::Sent& one : a_->take_sent()) b_->receive(a_->address, std::move(one.bytes));
  b_->service();
  ASSERT_EQ(b_->sent.size(), 1u);
  const Bytes reset = b_->take_sent().front().bytes;
  EXPECT_TRUE(is_data(reset));
  for (size_t i = reset.size() - wire::kResetTokenBytes; i < reset.size(); i++) {
    for (int bit = 0; bit < 8; bit++) {
      Bytes changed = reset;
      changed[i] ^= static_cast<uint8_t>(1 << bit);
      a_->receive(b_->address, changed);
      a_->service();
      ASSERT_TRUE(session_->open()) << i;
    }
  }
  // One byte more or less.
  Bytes longer = reset;
  longer.push_back(0);
  a_->receive(b_->address, longer);
  Bytes shorter = reset;
  shorter.pop_back();
  a_->receive(b_->address, shorter);
  a_->service();
  EXPECT_TRUE(session_->open());
  a_->receive(b_->address, reset);
  a_->service();
  EXPECT_EQ(a_->closed.size(), 1u);
}

TEST_F(Reset, WhoKnowsTheConnectionIdAloneCannotEndIt) {
  SimRandom random(4, 4);
  const wire::ConnectionId ids[] = {session_->local_id(), session_->remote_id()};
  for (const wire::ConnectionId& id : ids) {
    for (int i = 0; i < 5'000; i++) {
      Bytes bytes(30 + random.next() % 20);
      random.fill(bytes.data(), bytes.size());
      bytes[0] = static_cast<uint8_t>(0x80 | (bytes[0] & 0x0f));
      std::copy_n(id.bytes, sizeof id.bytes, bytes.begin() + 1);
      a_->receive(b_->address, bytes);
      b_->receive(a_->address, bytes);
    }
  }
  a_->service();
  b_->service();
  EXPECT_TRUE(a_->opened[0]->open());
  EXPECT_TRUE(b_->opened[0]->open());
  // Nor does asking help: of a session that lives nobody hears the token.
  a_->take_sent();
  b_->take_sent();
  a_->receive(address_of(9), data_for(session_->local_id(), 60));
  a_->service();
  EXPECT_TRUE(a_->sent.empty());
}

TEST_F(Reset, AResetIsNotAnswered) {
  for (const size_t length : {30, 31, 32, 48, 49, 100, 1200}) {
    Lone one(options_of(11));
    Lone other(options_of(12));
    one.receive(other.address, data_for(forgotten_id(one, 5), length));
    exchange(one, other);
    EXPECT_EQ(one.endpoint->counters().resets_sent, length == 30 ? 0u : 1u) << length;
    EXPECT_EQ(other.endpoint->counters().unknown_session, length == 30 ? 0u : 1u);
    EXPECT_EQ(other.out, 0u);
  }
}

TEST_F(Reset, AnIdThatItHasNotMadeGetsNothing) {
  const uint8_t network_key[32] = {5};
  SimRandom random(4, 6);
  for (const uint8_t* key : {static_cast<const uint8_t*>(nullptr), network_key}) {
    LoneOptions options = options_of(11);
    options.network_key = key;
    Lone one(options);
    Lone other(options_of(12));
    uint64_t asked = 0;
    const auto ask = [&](const wire::ConnectionId& id) {
      one.receive(address_of(9), data_for(id, 60));
      one.now += 11 * kMillisecond;
      one.service();
      asked++;
    };
    for (int i = 0; i < 2'000; i++) ask(wire::ConnectionId::from_u64(random.next()));
    // Nor one that somebody else has made, or one of its own with a bit changed.
    for (uint32_t i = 0; i < 100; i++) ask(forgotten_id(other, i));
    const wire::ConnectionId own = forgotten_id(one, 77);
    for (int bit = 0; bit < 64; bit++) {
      ask(wire::ConnectionId::from_u64(own.as_u64() ^ (uint64_t{1} << bit)));
    }
    EXPECT_EQ(one.out, 0u);
    EXPECT_EQ(one.endpoint->counters().resets_sent, 0u);
    EXPECT_EQ(one.endpoint->counters().unknown_session, asked);
    ask(own);
    EXPECT_EQ(one.endpoint->counters().resets_sent, 1u);
    EXPECT_EQ(one.sent.size(), 1u);
  }
}

TEST_F(Reset, NoResetIsAsLongAsWhatItAnswers) {
  Lone one(options_of(11));
  SimRandom random(4, 5);
  for (size_t length = 1; length < 400; length++) {
    for (int i = 0; i < 20; i++) {
      Bytes bytes(length);
      random.fill(bytes.data(), bytes.size());
      bytes[0] = 0x80;
      const wire::ConnectionId id = forgotten_id(one, static_cast<uint32_t>(random.next()));
      std::copy_n(id.bytes, std::min(sizeof id.bytes, length - 1), bytes.begin() + 1);
      one.receive(address_of(9), bytes);
      one.now += 11 * kMillisecond;
      one.service();
      ASSERT_EQ(one.sent.size(), length > wire::kMinDataPacket ? 1u : 0u) << length;
      for (const Lone::Sent& sent : one.take_sent()) {
        ASSERT_LT(sent.bytes.size(), length);
        ASSERT_GE(sent.bytes.size(), wire::kMinResetBytes);
        EXPECT_TRUE(is_data(sent.bytes));
      }
    }
  }
}

TEST_F(Reset, ResetsAreAtMostAHundredASecond) {
  Lone one(options_of(11));
  const Time begin = one.now;
  for (int i = 0; i < 50'000; i++) {
    one.now = begin + i * kSecond / 5'000;  // ten seconds
    const auto number = static_cast<uint32_t>(i);
    one.receive(address_of(number), data_for(forgotten_id(one, number), 60));
    one.service();
  }
  EXPECT_EQ(one.sent.size(), 1'000u);
  EXPECT_EQ(one.endpoint->counters().resets_sent, 1'000u);
  EXPECT_LE(one.memory.in_use(), 40'000u);
}

TEST_F(Reset, TheRateIsThatOfTheConfigurationAndMayBeNone) {
  for (const uint32_t rate : {0u, 1u, 7u}) {
    LoneOptions options = options_of(11);
    options.config.reset_rate = rate;
    Lone one(options);
    for (uint32_t i = 0; i < 300; i++) {
      one.receive(address_of(9), data_for(forgotten_id(one, i), 60));
      one.now += 10 * kMillisecond;
    }
    one.service();
    EXPECT_EQ(one.endpoint->counters().resets_sent, 3 * rate);
  }
}

TEST_F(Reset, AHostilePeersTokenThatCollidesRedirectsNothing) {
  // It says the token of another session as its own; of an honest one it knows it only by luck.
  const wire::ResetToken token = session_->remote_reset();
  for (const size_t same : {16, 8}) {
    HandMade hostile(7, a_->id());
    hostile.header.source = wire::ConnectionId::from_u64(same);
    hostile.payload.reset = token;
    if (same == 8) hostile.payload.reset.bytes[12] ^= 1;
    const PathAddress from = address_of(70 + static_cast<uint32_t>(same));
    a_->receive(from, hostile.init());
    a_->service();
    ASSERT_EQ(a_->sent.size(), 1u);
    const Bytes response = a_->take_sent().front().bytes;
    // It proves itself, so that its session is a real one.
    wire::ResponseHeader header{};
    const uint8_t* message = nullptr;
    size_t length = 0;
    ASSERT_TRUE(wire::read_response(response.data(), response.size(), header, message, length));
    Bytes text(message, message + length);
    crypto::Part payload{nullptr, 0};
    ASSERT_TRUE(hostile.noise.read(text.data(), text.size(), &payload));
    wire::ResponsePayload said{};
    ASSERT_TRUE(wire::read_response_payload(payload.data, payload.length, said));
    crypto::Secret<crypto::kAeadKeyBytes> send;
    crypto::Secret<crypto::kAeadKeyBytes> receive;
    ASSERT_TRUE(hostile.noise.split(&send, &receive));
    crypto::AeadPacketProtection protection;
    ASSERT_TRUE(protection.init(crypto::AeadSuite::kAes256Gcm, true, send, receive));
    Bytes packet(wire::kPacketOverhead + 1);
    const uint64_t number = 5;
    wire::write_data_header(packet.data(), wire::DataHeader{said.source, 5});
    packet[wire::kHeaderBytes] = 1;  // PING
    ASSERT_TRUE(protection.seal(packet.data(), packet.size(), packet.size(), &number));
    a_->receive(from, packet);
    a_->service();
    a_->take_sent();
  }
  ASSERT_EQ(a_->opened.size(), 3u);
  // The reset of the honest peer ends the honest session, and no other.
  restart(b_, 2);
  ping(*a_, *session_);
  a_->service();
  for (Lone::Sent& one : a_->take_sent()) {
    if (one.to == b_->address) b_->receive(a_->address, std::move(one.bytes));
  }
  b_->service();
  for (Lone::Sent& one : b_->take_sent()) a_->receive(b_->address, std::move(one.bytes));
  a_->service();
  EXPECT_EQ(a_->closed.size(), 1u);
  ASSERT_EQ(a_->opened.size(), 2u);
  EXPECT_TRUE(a_->opened[0]->open());
  EXPECT_TRUE(a_->opened[1]->open());
  EXPECT_EQ(std::count(a_->opened.begin(), a_->opened.end(), session_), 0);
}

TEST_F(Reset, AnInitiatorWhosePeerGaveUpWaitingHearsOfIt) {
  // Its first packets are all lost, and the half-open session is gone by then.
  Lone c(options_of(5));
  c.connect(*b_, 60 * kSecond);
  c.now = b_->now;
  c.service();
  b_->receive(c.address, c.take_sent().front().bytes);
  b_->service();
  c.receive(b_->address, b_->take_sent().front().bytes);
  c.service();
  ASSERT_EQ(c.opened.size(), 1u);
  c.take_sent();
  b_->advance(b_->now + 11 * kSecond);
  b_->take_sent();
  c.advance(c.now + 11 * kSecond);
  c.take_sent();
  ping(c, *c.opened[0]);
  advance_both(c, *b_, c.now + 10 * kSecond);
  ASSERT_EQ(c.closed.size(), 1u);
  EXPECT_FALSE(c.closed[0].timed_out);
}

TEST_F(Reset, ForgedPacketsChangeNothing) {
  SimRandom random(6, 6);
  const size_t memory = b_->memory.in_use();
  const transport::SessionCounters before = b_->opened[0]->counters();
  const Time due = b_->runtime->next_timeout();
  for (int i = 0; i < 10'000; i++) {
    Bytes bytes(30 + random.next() % 1'200);
    random.fill(bytes.data(), bytes.size());
    bytes[0] = static_cast<uint8_t>(0x80 | (bytes[0] & 0x0f));
    std::copy_n(b_->opened[0]->local_id().bytes, 8, bytes.begin() + 1);
    b_->receive(a_->address, bytes);
    if (i % 100 == 0) b_->service();
  }
  const transport::SessionCounters after = b_->opened[0]->counters();
  EXPECT_EQ(std::memcmp(&before, &after, sizeof before), 0);
  EXPECT_EQ(b_->memory.in_use(), memory);
  EXPECT_EQ(b_->runtime->next_timeout(), due);
  EXPECT_TRUE(b_->sent.empty());
  const transport::EndpointCounters counters = b_->endpoint->counters();
  EXPECT_EQ(counters.unauthenticated + counters.duplicates, 10'000u);
  ping(*a_, *session_);
  exchange(*a_, *b_);
  EXPECT_GT(b_->opened[0]->counters().packets_received, before.packets_received);
}

}  // namespace
}  // namespace hawser::sim
