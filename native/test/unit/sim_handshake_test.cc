#include <functional>

#include "sim/clear_security.h"
#include "test/unit/sim_support.h"
#include "transport/init_guard.h"

namespace hawser::sim {
namespace {

class Handshake : public TwoPeers {
 protected:
  std::vector<Time> times_of(int from, wire::PacketType type) {
    std::vector<Time> times;
    for (const Captured& captured : network_.capture()) {
      if (captured.from == from && captured.view().type == type) times.push_back(captured.time);
    }
    return times;
  }
  static void sign(const wire::PeerIdBytes& responder, std::vector<uint8_t>& init) {
    uint8_t key[crypto::SipHash::kKeyBytes];
    ClearSecurity::key_of(responder, key);
    transport::InitGuard::sign_mac1(key, init.data());
  }
};

TEST_F(Handshake, OpensBothSidesInOneRoundTripAndAHalf) {
  add_peers();
  const Time began = network_.now();
  Session* session = connect();
  EXPECT_TRUE(session->open());
  EXPECT_EQ(network_.now() - began, 30 * kMillisecond);
  EXPECT_EQ(app_.opened[1]->remote(), SimPeer::id_of(0));
  EXPECT_EQ(session->remote(), SimPeer::id_of(1));
  EXPECT_EQ(app_.opened[1]->remote_id(), session->local_id());
}

TEST_F(Handshake, InitIsRepeatedWithDoubledPausesUpToFourSeconds) {
  add_peers();
  network_.set_up(0, 1, false);
  a_->connect(1, 20 * kSecond);
  network_.run_for(20 * kSecond);
  const std::vector<Time> times = times_of(0, wire::PacketType::kInit);
  ASSERT_GE(times.size(), 8u);
  const std::vector<Duration> pauses = {250, 500, 1000, 2000, 4000, 4000};
  for (size_t i = 0; i < pauses.size(); i++) {
    EXPECT_EQ(times[i + 1] - times[i], pauses[i] * kMillisecond) << i;
  }
  ASSERT_EQ(app_.sessions_closed.size(), 1u);
  EXPECT_TRUE(app_.sessions_closed[0].timed_out);
  EXPECT_EQ(app_.sessions_closed_at[0], kSecond + 20 * kSecond);
  EXPECT_EQ(a_->endpoint().session_count(), 0u);
}

TEST_F(Handshake, SurvivesALostInitAndALostResponse) {
  add_peers();
  DropRule rule;
  rule.packet = wire::PacketType::kInit;
  rule.count = 1;
  network_.add_drop_rule(rule);
  rule.packet = wire::PacketType::kResponse;
  network_.add_drop_rule(rule);
  connect();
  EXPECT_EQ(times_of(0, wire::PacketType::kInit).size(), 3u);
  // The same answer to the same question.
  std::vector<std::vector<uint8_t>> responses;
  for (const Captured& captured : network_.capture()) {
    if (captured.view().type == wire::PacketType::kResponse) responses.push_back(captured.bytes);
  }
  ASSERT_EQ(responses.size(), 2u);
  EXPECT_EQ(responses[0], responses[1]);
}

TEST_F(Handshake, SurvivesTheLossOfTheFirstDataPacket) {
  add_peers();
  DropRule rule;
  rule.packet = wire::PacketType::kData;
  rule.from = 0;
  rule.count = 1;
  network_.add_drop_rule(rule);
  connect();
  EXPECT_EQ(app_.opened.size(), 2u);
}

// The first DATA that arrives was sent long after the RESPONSE: not a round trip.
TEST_F(Handshake, LostDataDoesNotPassForALongRoundTrip) {
  add_peers();
  DropRule rule;
  rule.packet = wire::PacketType::kData;
  rule.from = 0;
  rule.count = 5;
  network_.add_drop_rule(rule);
  connect();
  Session* responder = app_.opened[1];
  EXPECT_LE(responder->counters().smoothed_rtt, 400 * kMillisecond);
  open(*a_->endpoint().find(SimPeer::id_of(1)));
  push(*b_, *other(), 1, 10);
  network_.run_for(kSecond);
  EXPECT_LE(responder->counters().smoothed_rtt, 100 * kMillisecond);
}

TEST_F(Handshake, HalfOpenSessionsAreForgottenAfterTenSeconds) {
  add_peers();
  DropRule rule;
  rule.from = 1;  // no RESPONSE arrives
  rule.any_packet = true;
  network_.add_drop_rule(rule);
  // What the endpoint itself needs, and keeps from its first handshake on.
  size_t in_use = 0;
  for (size_t attempt = 1; attempt <= 3; attempt++) {
    a_->connect(1, 2 * kSecond);
    network_.run_for(5 * kSecond);
    EXPECT_EQ(b_->endpoint().session_count(), 1u);
    EXPECT_EQ(b_->endpoint().half_open_count(), 1u);
    network_.run_for(10 * kSecond);
    EXPECT_EQ(b_->endpoint().session_count(), 0u);
    EXPECT_EQ(b_->endpoint().half_open_count(), 0u);
    // Its owner was never told of it.
    EXPECT_TRUE(app_.opened.empty());
    EXPECT_EQ(app_.sessions_closed.size(), attempt);
    b_->runtime().run_timers(network_.now());
    if (attempt == 1) in_use = b_->memory().in_use();
    EXPECT_EQ(b_->memory().in_use(), in_use);
  }
  EXPECT_LT(in_use, 32u << 10);
}

// To whoever shows no cookie: half of those that there may be.
TEST_F(Handshake, HalfOpenSessionsAreLimited) {
  EndpointConfig config;
  config.max_half_open = 6;
  add_peers(config);
  std::vector<std::unique_ptr<RawPeer>> raws;
  int answered = 0;
  for (int i = 0; i < 5; i++) {
    raws.push_back(std::make_unique<RawPeer>(network_));
    answered += raws.back()->start_connecting(1) ? 1 : 0;
  }
  EXPECT_EQ(answered, 3);
  EXPECT_EQ(b_->endpoint().half_open_count(), 3u);
  EXPECT_EQ(b_->endpoint().counters().cookies_sent, 2u);
  network_.run_for(11 * kSecond);
  EXPECT_TRUE(raws[4]->connect(1));
}

TEST_F(Handshake, NobodyAnswersAStrangeInit) {
  add_peers();
  RawPeer raw(network_);
  ASSERT_TRUE(raw.start_connecting(1));  // tells it whom to send to
  raw.clear();
  const wire::PeerIdBytes victim = SimPeer::id_of(1);
  // Another INIT than the one that was answered.
  const auto make = [&](const wire::PeerIdBytes& responder, const wire::PeerIdBytes& initiator,
                        const std::function<void(std::vector<uint8_t>&)>& change) {
    std::vector<uint8_t> bytes = raw.make_init(responder, initiator);
    bytes[6] ^= 0xff;  // the source
    if (change) change(bytes);
    sign(responder, bytes);
    return bytes;
  };
  const std::vector<uint8_t> good = make(victim, raw.id(), nullptr);

  std::vector<std::vector<uint8_t>> bad;
  // Which costs no more than a look at it.
  bad.push_back({good.begin(), good.end() - 1});  // too short
  bad.push_back(good);
  bad.back().push_back(0);                                    // too long
  bad.push_back(make(SimPeer::id_of(7), raw.id(), nullptr));  // for somebody else
  bad.push_back(good);
  *(wire::init_mac1(bad.back().data()) + 7) ^= 1;  // for nobody
  bad.push_back(good);
  *wire::init_message(bad.back().data()) ^= 1;  // changed on its way
  for (const auto& change : std::vector<std::function<void(std::vector<uint8_t>&)>>{
           [](auto& bytes) { bytes[4] = 0; },                                     // another version
           [](auto& bytes) { bytes[4] = 2; }, [](auto& bytes) { bytes[5] = 0; },  // no suite
           [](auto& bytes) { bytes[5] = 3; }, [](auto& bytes) { bytes[0] |= 1; }}) {  // a flag
    bad.push_back(make(victim, raw.id(), change));
  }
  const size_t cheap = bad.size();
  // Which has to be computed before it shows.
  bad.push_back(make(victim, victim, nullptr));  // from itself
  for (const auto& change : std::vector<std::function<void(std::vector<uint8_t>&)>>{
           // Bytes behind the parameters.
           [](auto& bytes) { wire::init_message(bytes.data())[wire::kInitPayloadBytes - 1] = 1; },
           // What the length of the parameters says.
           [](auto& bytes) { wire::init_message(bytes.data())[48] = 1; },
           // The tag.
           [](auto& bytes) {
             wire::init_message(bytes.data())[wire::kInitMessageBytes - 1] = 1;
           }}) {
    bad.push_back(make(victim, raw.id(), change));
  }
  const uint64_t answered = b_->endpoint().counters().handshakes_answered;
  for (const auto& bytes : bad) {
    raw.send_datagram(bytes);
    raw.settle();
    EXPECT_TRUE(raw.received().empty());
  }
  const transport::EndpointCounters counters = b_->endpoint().counters();
  EXPECT_EQ(counters.foreign, 1u);
  EXPECT_EQ(counters.malformed, 6u + 2u);
  EXPECT_EQ(counters.not_for_us, 3u + 1u);
  EXPECT_EQ(counters.unauthenticated, 1u);
  EXPECT_EQ(counters.handshakes_answered - answered, bad.size() - cheap);
  EXPECT_EQ(b_->endpoint().half_open_count(), 1u);
  raw.send_datagram(good);
  raw.settle();
  EXPECT_EQ(raw.received().size(), 1u);
}

TEST_F(Handshake, AnEndpointThatDoesNotAcceptIsSilent) {
  add_peers();
  b_->endpoint().set_accepting(false);
  a_->connect(1, 3 * kSecond);
  network_.run_for(4 * kSecond);
  EXPECT_EQ(times_of(1, wire::PacketType::kResponse).size(), 0u);
  ASSERT_EQ(app_.sessions_closed.size(), 1u);
  EXPECT_TRUE(app_.sessions_closed[0].timed_out);
}

TEST_F(Handshake, TriesEveryAddress) {
  add_peers();
  const transport::PathAddress addresses[] = {SimPeer::address_of(50), SimPeer::address_of(51),
                                              SimPeer::address_of(1)};
  Session* session = a_->endpoint().connect(network_.now(), SimPeer::id_of(1), addresses, 3,
                                            network_.now() + 5 * kSecond);
  ASSERT_NE(session, nullptr);
  network_.oracle().on_connect(session->local_id().as_u64(), 0, 1);
  EXPECT_TRUE(network_.run_until([&] { return session->open(); }, kSecond));
  EXPECT_TRUE(session->path() == addresses[2]);
}

TEST_F(Handshake, AResponseFromElsewhereIsIgnored) {
  add_peers();
  network_.set_up(0, 1, false);
  Session* session = a_->connect(1, 5 * kSecond);
  network_.run_for(kMillisecond);
  // As the right one would be.
  wire::ResponseHeader header;
  header.destination = session->local_id();
  wire::ResponsePayload payload{};
  payload.source = wire::ConnectionId::from_u64(1);
  std::vector<uint8_t> bytes(wire::kMaxResponseBytes);
  uint8_t* const message = wire::write_response_header(bytes.data(), header);
  bytes.resize(wire::kResponseHeaderBytes + wire::kSecondMessageOverhead +
               wire::write_response_payload(message, wire::kMaxResponsePayload, payload));
  transport::PathAddress stranger;
  stranger.bytes[0] = 0x77;
  network_.inject(network_.now(), stranger, 0, bytes.data(), bytes.size());
  network_.run_for(kMillisecond);
  EXPECT_FALSE(session->open());
  network_.set_up(0, 1, true);
  EXPECT_TRUE(network_.run_until([&] { return session->open(); }, 5 * kSecond));
  EXPECT_FALSE(session->remote_id() == payload.source);
}

TEST_F(Handshake, ClosingBeforeItIsOpenEndsItAtOnce) {
  add_peers();
  Session* session = a_->connect(1, 10 * kSecond);
  network_.run_for(kMillisecond);
  session->close(network_.now(), wire::Code::kNoError, "enough", 6);
  network_.run_for(30 * kSecond);
  ASSERT_EQ(app_.sessions_closed.size(), 1u);
  EXPECT_EQ(app_.sessions_closed[0].by, ClosedBy::kLocal);
  EXPECT_EQ(a_->endpoint().session_count(), 0u);
  EXPECT_EQ(b_->endpoint().session_count(), 0u);
}

TEST_F(Handshake, ChannelsMayBeOpenedWhileConnecting) {
  add_peers();
  Session* session = a_->connect(1, 10 * kSecond);
  Channel* first = open_channel(*a_, *session);
  Channel* second = open_channel(*a_, *session);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(first->id(), 1u);
  EXPECT_EQ(second->id(), 3u);
  EXPECT_EQ(first->push(nullptr, 0), Channel::Push::kClosed);
  EXPECT_TRUE(network_.run_until([&] { return first->accepted() && second->accepted(); }, kSecond));
}

// One session comes of it, on which both go on with what they had begun.
TEST_F(Handshake, BothMayConnectAtOnce) {
  add_peers();
  Session* from_a = a_->connect(1, 10 * kSecond);
  Session* from_b = b_->connect(0, 10 * kSecond);
  EXPECT_TRUE(network_.run_until([&] { return app_.opened.size() == 2; }, kSecond));
  EXPECT_TRUE(from_a->open());
  EXPECT_TRUE(from_b->open());
  EXPECT_EQ(a_->endpoint().find(SimPeer::id_of(1)), from_a);
  EXPECT_EQ(b_->endpoint().find(SimPeer::id_of(0)), from_b);
  EXPECT_EQ(from_a->remote_id(), from_b->local_id());
  EXPECT_EQ(from_b->remote_id(), from_a->local_id());
  EXPECT_NE(from_a->initiator(), from_b->initiator());
  network_.run_for(20 * kSecond);
  EXPECT_EQ(app_.opened.size(), 2u);
  EXPECT_TRUE(app_.sessions_closed.empty());
  EXPECT_EQ(a_->endpoint().session_count(), 1u);
  EXPECT_EQ(b_->endpoint().session_count(), 1u);
}

}  // namespace
}  // namespace hawser::sim
