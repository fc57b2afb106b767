#include "test/unit/sim_support.h"

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
  a_->connect(1, 2 * kSecond);
  network_.run_for(5 * kSecond);
  EXPECT_EQ(b_->endpoint().session_count(), 1u);
  network_.run_for(10 * kSecond);
  EXPECT_EQ(b_->endpoint().session_count(), 0u);
  // Its owner was never told of it.
  EXPECT_TRUE(app_.opened.empty());
  EXPECT_EQ(app_.sessions_closed.size(), 1u);
  b_->runtime().run_timers(network_.now());
  EXPECT_EQ(b_->memory().in_use(), 0u);
}

TEST_F(Handshake, HalfOpenSessionsAreLimited) {
  EndpointConfig config;
  config.max_half_open = 3;
  add_peers(config);
  std::vector<std::unique_ptr<RawPeer>> raws;
  int answered = 0;
  for (int i = 0; i < 5; i++) {
    raws.push_back(std::make_unique<RawPeer>(network_));
    answered += raws.back()->start_connecting(1) ? 1 : 0;
  }
  EXPECT_EQ(answered, 3);
  EXPECT_EQ(b_->endpoint().counters().refused, 2u);
  network_.run_for(11 * kSecond);
  EXPECT_TRUE(raws[4]->connect(1));
}

TEST_F(Handshake, NobodyAnswersAStrangeInit) {
  add_peers();
  RawPeer raw(network_);
  ASSERT_TRUE(raw.start_connecting(1));  // tells it whom to send to
  raw.clear();
  wire::Init init;
  init.source = wire::ConnectionId::from_u64(99);
  init.initiator = raw.id();
  init.responder = SimPeer::id_of(1);
  std::vector<uint8_t> good(wire::kInitBytes);
  ASSERT_EQ(wire::write_init(good.data(), good.size(), init), good.size());

  std::vector<std::vector<uint8_t>> bad;
  bad.push_back({good.begin(), good.end() - 1});  // too short
  init.responder = SimPeer::id_of(7);
  bad.emplace_back(good.size());
  wire::write_init(bad.back().data(), good.size(), init);
  init.responder = SimPeer::id_of(1);
  init.initiator = SimPeer::id_of(1);  // from itself
  bad.emplace_back(good.size());
  wire::write_init(bad.back().data(), good.size(), init);
  bad.push_back(good);
  bad.back()[4] = 1;  // another version
  bad.push_back(good);
  bad.back()[0] |= 1;  // a flag
  for (const auto& bytes : bad) {
    raw.send_datagram(bytes);
    raw.settle();
    EXPECT_TRUE(raw.received().empty());
  }
  const transport::EndpointCounters counters = b_->endpoint().counters();
  EXPECT_EQ(counters.foreign + counters.malformed + counters.not_for_us, bad.size());
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
  wire::Response response;
  response.destination = session->local_id();
  response.source = wire::ConnectionId::from_u64(1);
  std::vector<uint8_t> bytes(wire::kMaxResponseBytes);
  bytes.resize(wire::write_response(bytes.data(), bytes.size(), response));
  transport::PathAddress stranger;
  stranger.bytes[0] = 0x77;
  network_.inject(network_.now(), stranger, 0, bytes.data(), bytes.size());
  network_.run_for(kMillisecond);
  EXPECT_FALSE(session->open());
  network_.set_up(0, 1, true);
  EXPECT_TRUE(network_.run_until([&] { return session->open(); }, 5 * kSecond));
  EXPECT_FALSE(session->remote_id() == response.source);
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

TEST_F(Handshake, BothMayConnectAtOnce) {
  add_peers();
  Session* from_a = a_->connect(1, 10 * kSecond);
  Session* from_b = b_->connect(0, 10 * kSecond);
  EXPECT_TRUE(network_.run_until([&] { return app_.opened.size() == 4; }, kSecond));
  EXPECT_TRUE(from_a->open());
  EXPECT_TRUE(from_b->open());
  EXPECT_NE(a_->endpoint().find(SimPeer::id_of(1)), nullptr);
}

}  // namespace
}  // namespace hawser::sim
