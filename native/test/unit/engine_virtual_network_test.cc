// An engine on a network of its own: nothing of the system, everything seen, everything repeatable.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/virtual_network.h"
#include "test/unit/engine_support.h"
#include "transport/session.h"

namespace hawser::engine {
namespace {

using transport::Channel;
using transport::kMillisecond;
using transport::Session;
using transport::Time;

class Virtual : public testing::Test {
 protected:
  static constexpr transport::Duration kDelay = 5 * kMillisecond;

  explicit Virtual(uint64_t seed = 1)
      : network_(seed), engine_(network_.now(), 0, Surroundings{&network_, &network_}) {
    engine_.runtime().set_tap(&network_);
    EXPECT_EQ(engine_.open(), 0);
    a_ = add(1);
    b_ = add(2);
    b_->endpoint().set_accepting(true);
  }
  ~Virtual() override {
    for (Channel* channel : channels_) channel->release(network_.now());
    for (Session* session : sessions_) session->release();
    engine_.destroy_host(a_);
    engine_.destroy_host(b_);
  }

  Host* add(uint8_t number) {
    const net::Address at = address(number);
    HostOptions options;
    const auto seed = test::identity_seed(number);
    options.identity_seed = seed.data();
    options.addresses = &at;
    options.address_count = 1;
    HostError error;
    Host* host = engine_.create_host(options, &error);
    EXPECT_NE(host, nullptr);
    return host;
  }
  static net::Address address(uint8_t number) {
    const uint8_t bytes[4] = {10, 0, 0, number};
    return net::Address::from_ipv4_bytes(bytes, 9000);
  }

  Session* connect() {
    const Time now = network_.now();
    const transport::PathAddress to = to_path_address(address(2), 0);
    Session* session =
        a_->endpoint().connect(now, test::peer_id(2), &to, 1, now + 10 * transport::kSecond);
    EXPECT_NE(session, nullptr);
    sessions_.push_back(session);
    return session;
  }
  Channel* open(Session* session) {
    static constexpr uint8_t kName[] = "test";
    Channel* channel =
        session->open_channel(network_.now(), transport::ChannelConfig{}, kName, 4, nullptr, 0);
    channels_.push_back(channel);
    return channel;
  }

  // One moment: timers, what is sent, and what arrives of it `kDelay` later. Returns the datagrams.
  size_t step() {
    engine_.run_timers(network_.now());
    engine_.transmit(network_.now());
    take_events();
    const std::vector<VirtualNetwork::Sent> sent = network_.sent();
    std::vector<std::vector<uint8_t>> datagrams;
    for (const VirtualNetwork::Sent& one : sent) {
      const uint8_t* bytes = network_.bytes() + one.offset;
      datagrams.emplace_back(bytes, bytes + one.length);
      seen_.push_back(datagrams.back());
      check_tap(one, datagrams.back());
    }
    network_.clear_sent();
    network_.set_now(network_.now() + kDelay);
    for (size_t i = 0; i < sent.size(); i++) {
      Host* to = network_.address(sent[i].to) == address(1) ? a_ : b_;
      engine_.receive_datagram(network_.now(), to, 0, sent[i].from->local_address(),
                               datagrams[i].data(), datagrams[i].size());
    }
    take_events();
    return sent.size();
  }
  void run(int steps) {
    for (int i = 0; i < steps; i++) step();
  }

  // What is shown fits between header and tag of the packet that left, can be read, and is not what
  // leaves. `CarriesASessionAndShowsItsPackets` looks at what it says.
  void check_tap(const VirtualNetwork::Sent& sent, const std::vector<uint8_t>& datagram) {
    ASSERT_EQ(sent.has_frames, datagram[0] < 0x90);
    const auto* const clear = reinterpret_cast<const char*>(network_.bytes()) + sent.frames_offset;
    said_.push_back(std::to_string(sent.to) + ' ' + std::to_string(sent.length) + ' ' +
                    std::to_string(sent.number) + ' ' +
                    (sent.has_frames ? std::string(clear, sent.frames_length) : ""));
    if (!sent.has_frames) return;
    ASSERT_EQ(sent.frames_length + wire::kPacketOverhead, sent.length);
    const uint8_t* const frames = network_.bytes() + sent.frames_offset;
    tapped_++;
    wire::FrameReader reader(frames, sent.frames_length);
    wire::Frame frame;
    while (reader.next(frame) == wire::FrameReader::Next::kFrame) {
      if (frame.type() != wire::FrameType::kMessage) continue;
      const wire::Message& message = frame.message;
      shown_.emplace_back(reinterpret_cast<const char*>(message.data), message.length);
      EXPECT_NE(std::memcmp(frames, datagram.data() + wire::kHeaderBytes, sent.frames_length), 0);
    }
    EXPECT_EQ(reader.error(), nullptr);
    // The numbers of one direction rise; each host here has one session.
    uint64_t& last = last_number_[sent.from == &a_->socket(0) ? 0 : 1];
    EXPECT_GT(sent.number, last);
    last = sent.number;
  }

  void take_events() {
    while (Session* session = engine_.runtime().next_session()) {
      const uint32_t what = session->take_events();
      if ((what & transport::kSessionOpen) != 0) opened_++;
      if ((what & transport::kSessionClosed) != 0) closed_++;
      if (&session->endpoint() == &b_->endpoint() && (what & transport::kSessionOpen) != 0) {
        sessions_.push_back(session);
        incoming_ = session;
      }
    }
    while (Channel* channel = engine_.runtime().next_channel()) {
      if ((channel->take_events() & transport::kChannelIncoming) != 0) {
        channels_.push_back(channel);
        channel->accept(network_.now(), transport::ChannelConfig{});
      }
    }
  }

  VirtualNetwork network_;
  Engine engine_;
  Host* a_ = nullptr;
  Host* b_ = nullptr;
  std::vector<Session*> sessions_;
  std::vector<Channel*> channels_;
  Session* incoming_ = nullptr;
  std::vector<std::vector<uint8_t>> seen_;
  int opened_ = 0;
  int closed_ = 0;
  size_t tapped_ = 0;
  uint64_t last_number_[2] = {};
  // What MESSAGE frames held.
  std::vector<std::string> shown_;
  // Each datagram: where it went, how long it was, its number and its frames.
  std::vector<std::string> said_;
};

TEST_F(Virtual, CarriesASessionAndShowsItsPackets) {
  Session* session = connect();
  Channel* channel = open(session);
  run(10);
  EXPECT_TRUE(session->open());
  EXPECT_EQ(opened_, 2);
  const std::string text = "through the air";
  channel->push_locked(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  channel->flush(network_.now());
  run(20);
  EXPECT_EQ(channel->unacknowledged(), 0u);
  EXPECT_GT(tapped_, 3u);
  // Once, as a block; and nowhere in what went over the network.
  ASSERT_EQ(shown_.size(), 1u);
  EXPECT_EQ(shown_[0], static_cast<char>(text.size()) + text);
  for (const std::vector<uint8_t>& datagram : seen_) {
    EXPECT_EQ(std::search(datagram.begin(), datagram.end(), text.begin(), text.end()),
              datagram.end());
  }
  const net::SocketCounters a = a_->counters();
  const net::SocketCounters b = b_->counters();
  EXPECT_EQ(a.datagrams_out + b.datagrams_out, seen_.size());
  EXPECT_EQ(a.datagrams_out, b.datagrams_in);
  EXPECT_EQ(a.bytes_out, b.bytes_in);
  EXPECT_EQ(a.syscalls_out + b.syscalls_in, 0u);
}

class VirtualAgain : public Virtual {
 public:
  explicit VirtualAgain(uint64_t seed) : Virtual(seed) {}
  void talk() {
    open(connect());
    run(30);
  }
  // All that was sent, and what was said in it.
  const std::vector<std::vector<uint8_t>>& bytes() const { return seen_; }
  const std::vector<std::string>& said() const { return said_; }
  void TestBody() override {}
};

// But for the keys, which are never the same: they do not come from the seed.
TEST(VirtualSeeds, TheSameSeedGivesTheSameConversation) {
  VirtualAgain first(7);
  VirtualAgain second(7);
  VirtualAgain other(8);
  for (VirtualAgain* one : {&first, &second, &other}) one->talk();
  EXPECT_FALSE(first.said().empty());
  EXPECT_EQ(first.said(), second.said());
  EXPECT_NE(first.said(), other.said());
  EXPECT_NE(first.bytes(), second.bytes());
}

TEST_F(Virtual, RestsWhenOnlyKeepAliveIsLeft) {
  EXPECT_TRUE(engine_.resting());
  Channel* channel = open(connect());
  EXPECT_FALSE(engine_.resting());
  run(60);
  EXPECT_TRUE(engine_.resting());
  EXPECT_NE(engine_.next_timeout(), transport::kNever);
  channel->push_locked(reinterpret_cast<const uint8_t*>("x"), 1);
  channel->flush(network_.now());
  EXPECT_FALSE(engine_.resting());
  step();
  EXPECT_FALSE(engine_.resting());
  run(60);
  EXPECT_TRUE(engine_.resting());
}

TEST_F(Virtual, AForeignPacketIsTakenAndAcknowledged) {
  Session* session = connect();
  open(session);
  run(60);
  const uint64_t received = incoming_->counters().packets_received;
  const uint64_t acknowledged = session->counters().packets_acknowledged;
  static constexpr uint8_t kPing[] = {0x01};
  for (int i = 0; i < 5; i++) {
    ASSERT_TRUE(engine_.transmit_foreign(network_.now(), *session, kPing, sizeof kPing));
  }
  run(60);
  EXPECT_TRUE(session->open());
  EXPECT_EQ(incoming_->counters().packets_received, received + 5);
  EXPECT_EQ(session->counters().packets_acknowledged, acknowledged + 5);
  EXPECT_EQ(session->counters().bytes_in_flight, 0u);
  EXPECT_TRUE(engine_.resting());
}

TEST_F(Virtual, AForeignPacketThatIsLostIsNotMissed) {
  Session* session = connect();
  open(session);
  run(60);
  static constexpr uint8_t kPing[] = {0x01};
  ASSERT_TRUE(engine_.transmit_foreign(network_.now(), *session, kPing, sizeof kPing));
  network_.clear_sent();
  EXPECT_TRUE(engine_.resting());
  run(60);
  EXPECT_EQ(session->counters().packets_lost, 0u);
  EXPECT_EQ(session->counters().probes_sent, 0u);
}

TEST_F(Virtual, AForeignPacketNeedsAnOpenSessionAndHasToFit) {
  Session* session = connect();
  static constexpr uint8_t kPing[] = {0x01};
  EXPECT_FALSE(engine_.transmit_foreign(network_.now(), *session, kPing, sizeof kPing));
  run(10);
  ASSERT_TRUE(session->open());
  EXPECT_FALSE(engine_.transmit_foreign(network_.now(), *session, kPing, 0));
  const std::vector<uint8_t> large(70'000, 0);
  EXPECT_FALSE(engine_.transmit_foreign(network_.now(), *session, large.data(), large.size()));
  EXPECT_TRUE(engine_.transmit_foreign(network_.now(), *session, kPing, sizeof kPing));
}

TEST_F(Virtual, AMovedSocketSendsFromItsNewAddress) {
  open(connect());
  run(30);
  a_->move_socket(0, address(9));
  a_->move_socket(7, address(9));  // there is none: nothing happens
  EXPECT_EQ(a_->socket(0).local_address(), address(9));
  channels_[0]->push_locked(reinterpret_cast<const uint8_t*>("x"), 1);
  channels_[0]->flush(network_.now());
  engine_.transmit(network_.now());
  ASSERT_FALSE(network_.sent().empty());
  EXPECT_EQ(network_.sent()[0].from->local_address(), address(9));
}

TEST_F(Virtual, AClosedSocketSendsAndReceivesNothing) {
  Session* session = connect();
  open(session);
  run(30);
  const uint64_t before = a_->counters().datagrams_in;
  engine_.close_host(a_, network_.now(), wire::Code::kNoError, nullptr, 0);
  run(400);  // two seconds: the linger is one
  EXPECT_FALSE(a_->socket(0).is_open());
  uint8_t junk[40] = {0x80};
  const uint64_t closed = a_->counters().datagrams_in;
  engine_.receive_datagram(network_.now(), a_, 0, address(2), junk, sizeof junk);
  engine_.receive_datagram(network_.now(), a_, 3, address(2), junk, sizeof junk);
  EXPECT_EQ(a_->counters().datagrams_in, closed);
  EXPECT_GE(closed, before);
}

TEST(VirtualNetworkNumbers, AddressesKeepTheirNumbers) {
  VirtualNetwork network(1);
  const uint8_t one[4] = {10, 0, 0, 1};
  const net::Address a = net::Address::from_ipv4_bytes(one, 1);
  const net::Address b = net::Address::from_ipv4_bytes(one, 2);
  EXPECT_EQ(network.number_of(a), network.number_of(a));
  EXPECT_NE(network.number_of(a), network.number_of(b));
  EXPECT_EQ(network.address(network.number_of(b)), b);
  EXPECT_EQ(network.address_count(), 2u);
}

TEST(VirtualNetworkNumbers, TimeNeverGoesBack) {
  VirtualNetwork network(1);
  const Time start = network.now();
  EXPECT_GT(start, 0);
  network.set_now(start + 5);
  network.set_now(start + 2);
  EXPECT_EQ(network.now(), start + 5);
}

}  // namespace
}  // namespace hawser::engine
