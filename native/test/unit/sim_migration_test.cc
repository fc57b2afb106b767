// Peers whose addresses change, and attackers who make it look so.
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

using transport::CongestionAlgorithm;
using transport::PathAddress;
using transport::PathValidation;

// An address that is nobody's: an attacker's.
PathAddress attacker(uint8_t number) {
  PathAddress address;
  address.bytes[0] = 0x53;
  address.bytes[1] = number;
  return address;
}

bool is_attacker(const PathAddress& address) { return address.bytes[0] == 0x53; }

class Migration : public TwoPeers {
 protected:
  // Two peers with a session, a channel from a to b, and one message that has passed.
  void start(const EndpointConfig& config = {}) {
    app_.keep_bodies = true;
    add_peers(config);
    LinkOptions options;
    options.impairment.delay_ns = 10 * kMillisecond;
    network_.set_links(0, 1, options);
    session_ = connect();
    channel_ = open(*session_);
    far_session_ = app_.opened[0] == session_ ? app_.opened[1] : app_.opened[0];
    send(1);
    ASSERT_TRUE(arrived(10 * kSecond));
  }
  // a sends messages that name themselves.
  void send(uint64_t count, size_t length = 900) {
    for (uint64_t i = 0; i < count; i++) {
      std::vector<uint8_t> body(length, static_cast<uint8_t>(sent_));
      wire::store_u64(body.data(), sent_);
      if (channel_->push(body.data(), length) == Channel::Push::kNoRoom) {
        ASSERT_NE(channel_->push_locked(body.data(), length), Channel::Push::kNoRoom);
      }
      sent_++;
    }
    channel_->flush(network_.now());
  }
  bool arrived(Duration limit) {
    return network_.run_until([&] { return app_.seen[other()].bodies.size() >= sent_; }, limit);
  }
  // Each once, in order.
  void expect_all() {
    const auto& bodies = app_.seen[other()].bodies;
    ASSERT_EQ(bodies.size(), sent_);
    for (uint64_t i = 0; i < sent_; i++) ASSERT_EQ(wire::load_u64(bodies[i].data()), i);
    EXPECT_TRUE(session_->open());
    EXPECT_TRUE(far_session_->open());
  }
  bool a_knows_b() { return session_->path() == b_->address(); }
  bool b_knows_a() { return far_session_->path() == a_->address(); }

  // Copies of what `from` sends, from the attacker's address, `delay` after they were sent.
  void copy(int from, const PathAddress& source, const Datagram& datagram, Duration delay) {
    network_.inject(network_.now() + delay, source, 1 - from, datagram.data, datagram.length,
                    datagram.clear);
    bytes_from_[source.bytes[1]] += datagram.length;
  }
  // Keeps account of what attackers are sent.
  void note_bait(const PathAddress& to, const Datagram& datagram) {
    if (is_attacker(to)) bytes_to_[to.bytes[1]] += datagram.length;
  }

  Session* session_ = nullptr;      // a's
  Session* far_session_ = nullptr;  // b's
  Channel* channel_ = nullptr;
  uint64_t sent_ = 0;
  std::unordered_map<int, uint64_t> bytes_to_;
  std::unordered_map<int, uint64_t> bytes_from_;
};

// --- Addresses that change.

TEST_F(Migration, TheReceiverMovesUnderLoad) {
  start();
  send(2'000);
  for (int i = 0; i < 6; i++) {
    network_.run_for(60 * kMillisecond);
    network_.readdress(1);
    // Its acknowledgements show where it is.
    ASSERT_TRUE(network_.run_until([&] { return a_knows_b(); }, 15 * kSecond)) << i;
  }
  ASSERT_TRUE(arrived(30 * kSecond));
  expect_all();
  EXPECT_EQ(session_->counters().path_changes, 6u);
  EXPECT_EQ(far_session_->counters().path_changes, 0u);
}

TEST_F(Migration, TheSenderMovesUnderLoad) {
  start();
  for (int i = 0; i < 6; i++) {
    send(500);
    network_.run_for(15 * kMillisecond);
    network_.readdress(0);
    // While it waits for credit it has nothing to say.
    ASSERT_TRUE(network_.run_until([&] { return b_knows_a(); }, 15 * kSecond)) << i;
  }
  ASSERT_TRUE(arrived(30 * kSecond));
  expect_all();
  EXPECT_EQ(far_session_->counters().path_changes, 6u);
  EXPECT_EQ(session_->counters().path_changes, 0u);
}

TEST_F(Migration, BothMoveOneAfterTheOther) {
  start();
  send(3'000);
  for (int i = 0; i < 8; i++) {
    network_.run_for(40 * kMillisecond);
    network_.readdress(i % 2);
    ASSERT_TRUE(network_.run_until([&] { return a_knows_b() && b_knows_a(); }, 15 * kSecond)) << i;
  }
  ASSERT_TRUE(arrived(30 * kSecond));
  expect_all();
}

TEST_F(Migration, ASilentPeerIsFoundByItsKeepAlive) {
  start();
  network_.run_for(kSecond);
  network_.readdress(1);
  // Into nothing, until b says something: no acknowledgement is due, and no PTO runs there.
  send(20);
  const Time moved = network_.now();
  ASSERT_TRUE(arrived(29 * kSecond));
  expect_all();
  EXPECT_LE(network_.now() - moved, 11 * kSecond);
  EXPECT_TRUE(a_knows_b());
}

TEST_F(Migration, AMoverWithSomethingToSendIsFoundAtOnce) {
  start();
  network_.run_for(kSecond);
  network_.readdress(0);
  send(20);
  const Time moved = network_.now();
  ASSERT_TRUE(arrived(5 * kSecond));
  ASSERT_TRUE(network_.run_until([&] { return channel_->unacknowledged() == 0; }, 5 * kSecond));
  EXPECT_LE(network_.now() - moved, 300 * kMillisecond);
  expect_all();
}

class MigrationByAlgorithm : public Migration,
                             public testing::WithParamInterface<CongestionAlgorithm> {};

INSTANTIATE_TEST_SUITE_P(Each, MigrationByAlgorithm,
                         testing::Values(CongestionAlgorithm::kCubic, CongestionAlgorithm::kBbr));

TEST_P(MigrationByAlgorithm, AnotherHostStartsAfreshAndAnotherPortDoesNot) {
  EndpointConfig config;
  config.congestion = GetParam();
  start(config);
  send(3'000);
  ASSERT_TRUE(arrived(60 * kSecond));
  const uint64_t grown = session_->counters().congestion_window;
  ASSERT_GT(grown, 60'000u);
  // The first move changes the port.
  network_.readdress(1);
  ASSERT_TRUE(network_.run_until([&] { return a_knows_b(); }, 15 * kSecond));
  // The challenge is acknowledged, so that a model of the path goes on with its phases.
  const bool exact = GetParam() == CongestionAlgorithm::kCubic;
  EXPECT_GE(session_->counters().congestion_window, exact ? grown : grown / 2);
  EXPECT_LE(session_->counters().congestion_window, exact ? grown : grown * 2);
  // The second one the host.
  network_.readdress(1);
  ASSERT_TRUE(network_.run_until([&] { return a_knows_b(); }, 15 * kSecond));
  EXPECT_LE(session_->counters().congestion_window, 15'000u);
  EXPECT_LE(session_->counters().bytes_in_flight, 100u);
  // The challenge has measured the way there.
  EXPECT_GE(session_->counters().smoothed_rtt, 20 * kMillisecond);
  EXPECT_LE(session_->counters().smoothed_rtt, 60 * kMillisecond);
  send(500);
  ASSERT_TRUE(arrived(30 * kSecond));
  expect_all();
}

TEST_F(Migration, WhatWasInFlightIsNoCongestionOfTheNewPath) {
  start();
  send(3'000);
  network_.run_for(60 * kMillisecond);
  network_.readdress(1);
  network_.readdress(1);  // to another host
  ASSERT_TRUE(network_.run_until([&] { return a_knows_b(); }, 15 * kSecond));
  const uint64_t lost = session_->counters().packets_lost;
  ASSERT_TRUE(arrived(60 * kSecond));
  // A flight was lost with the old address, and the new path has grown beyond its start all the
  // same.
  EXPECT_GT(session_->counters().packets_lost, lost);
  EXPECT_GT(session_->counters().congestion_window, 30'000u);
  expect_all();
}

TEST_F(Migration, AnAddressThatFlaps) {
  start();
  send(5'000);
  for (int i = 0; i < 30; i++) {
    network_.run_for(25 * kMillisecond);
    network_.readdress(1, i % 3 != 0);
  }
  ASSERT_TRUE(arrived(60 * kSecond));
  ASSERT_TRUE(network_.run_until([&] { return a_knows_b(); }, 30 * kSecond));
  expect_all();
}

TEST_F(Migration, ItWorksWhileKeysAreRenewedAndPacketsLost) {
  EndpointConfig config;
  config.renew_after = 50 * kMillisecond;
  config.answer_renewals_every = config.renew_after / 60;
  network_.set_protection(Protection::kAes256Gcm, {.update_after = 50});
  start(config);
  net::ImpairmentOptions impairment;
  impairment.delay_ns = 10 * kMillisecond;
  impairment.loss = 0.05;
  set_path(impairment);
  send(3'000);
  for (int i = 0; i < 8; i++) {
    network_.run_for(50 * kMillisecond);
    network_.readdress(i % 2);
    ASSERT_TRUE(network_.run_until([&] { return a_knows_b() && b_knows_a(); }, 25 * kSecond)) << i;
  }
  ASSERT_TRUE(arrived(60 * kSecond));
  expect_all();
  EXPECT_GT(session_->counters().renewals, 3u);
}

TEST_F(Migration, WithoutMemoryItHappensLater) {
  start();
  send(50);
  network_.readdress(1);
  a_->memory().set_failure_chance(1);
  network_.run_for(5 * kSecond);
  EXPECT_FALSE(a_knows_b());
  a_->memory().set_failure_chance(0);
  ASSERT_TRUE(arrived(25 * kSecond));
  EXPECT_TRUE(a_knows_b());
  expect_all();
}

TEST_F(Migration, AClosingSessionStaysWhereItIs) {
  start();
  const PathAddress before = session_->path();
  network_.set_up(0, 1, false);
  session_->close(network_.now(), wire::Code::kNoError, nullptr, 0);
  network_.run_for(kMillisecond);
  network_.set_up(0, 1, true);
  network_.readdress(1);
  push(*b_, *other(), 5, 500);
  network_.run_for(60 * kMillisecond);
  EXPECT_TRUE(session_->path() == before);
  EXPECT_EQ(session_->counters().path_changes, 0u);
  network_.run_for(60 * kSecond);
  EXPECT_EQ(app_.sessions_closed.size(), 2u);
}

// --- Attackers without keys.

TEST_F(Migration, CopiesFromElsewhereMoveNothing) {
  start();
  const PathAddress before = session_->path();
  // Faster than the link, and from both sides; what it is sent it cannot answer.
  network_.set_listener([&](int from, const PathAddress& to, const Datagram& datagram) {
    note_bait(to, datagram);
    if (!is_attacker(to)) copy(from, attacker(static_cast<uint8_t>(from)), datagram, kMillisecond);
  });
  for (int i = 0; i < 50; i++) {
    send(50);
    network_.run_for(100 * kMillisecond);
  }
  ASSERT_TRUE(arrived(60 * kSecond));
  EXPECT_TRUE(session_->path() == before);
  EXPECT_EQ(session_->counters().path_changes, 0u);
  EXPECT_EQ(far_session_->counters().path_changes, 0u);
  EXPECT_GT(bytes_to_[0] + bytes_to_[1], 0u);
  for (const int i : {0, 1}) EXPECT_LE(bytes_to_[i], bytes_from_[i]);
  // A handful of challenges a turn.
  EXPECT_LE(bytes_to_[0] + bytes_to_[1], 100u * PathValidation::kPacketBytes);
  expect_all();
  EXPECT_GT(session_->counters().path_validations_failed +
                far_session_->counters().path_validations_failed,
            0u);
}

TEST_F(Migration, LateCopiesAreNotEvenOpened) {
  start();
  network_.set_listener([&](int from, const PathAddress& to, const Datagram& datagram) {
    note_bait(to, datagram);
    if (!is_attacker(to)) copy(from, attacker(1), datagram, 15 * kMillisecond);
  });
  send(500);
  ASSERT_TRUE(arrived(60 * kSecond));
  EXPECT_EQ(bytes_to_[1], 0u);
  EXPECT_EQ(session_->counters().path_changes, 0u);
  expect_all();
}

TEST_F(Migration, ASprayOfCopiesDoesNotHoldUpAGenuineMove) {
  start();
  unsigned next = 0;
  network_.set_listener([&](int from, const PathAddress& to, const Datagram& datagram) {
    note_bait(to, datagram);
    // Every second packet of b, from 250 addresses one after the other.
    if (from == 0 || ++next % 2 == 0) return;
    copy(from, attacker(static_cast<uint8_t>(next / 2 % 250)), datagram, kMillisecond);
  });
  send(500);
  network_.run_for(30 * kMillisecond);
  network_.readdress(1);
  const Time moved = network_.now();
  push(*b_, *other(), 50, 500);
  ASSERT_TRUE(network_.run_until([&] { return a_knows_b(); }, 25 * kSecond));
  EXPECT_LE(network_.now() - moved, 10 * kSecond);
  send(500);
  ASSERT_TRUE(arrived(60 * kSecond));
  expect_all();
  for (const auto& [address, bytes] : bytes_to_) EXPECT_LE(bytes, bytes_from_[address]);
}

// Relays everything both ways, faster than the real path; the challenges as well.
TEST_F(Migration, ARelayMayHaveTheSessionForAWhile) {
  start();
  bool relaying = true;
  network_.set_listener([&](int from, const PathAddress& to, const Datagram& datagram) {
    if (!relaying) return;
    // Addresses 0 and 1: as which peer it poses.
    network_.inject(network_.now() + kMillisecond, attacker(static_cast<uint8_t>(from)), 1 - from,
                    datagram.data, datagram.length, datagram.clear);
    (void)to;
  });
  send(1'000);
  network_.run_for(300 * kMillisecond);
  EXPECT_TRUE(is_attacker(session_->path()) || is_attacker(far_session_->path()));
  relaying = false;
  send(1'000);
  ASSERT_TRUE(arrived(60 * kSecond));
  ASSERT_TRUE(network_.run_until([&] { return a_knows_b() && b_knows_a(); }, 30 * kSecond));
  expect_all();
}

TEST_F(Migration, TheGenuinePathIsTakenBackWhenItAnswers) {
  start();
  // Only what goes to b is copied faster, and what b's session sends to the relay is passed on.
  uint64_t passed = 0;
  network_.set_listener([&](int from, const PathAddress& to, const Datagram& datagram) {
    if (from == 0 && !is_attacker(to) && passed < 40) {
      passed++;
      network_.inject(network_.now() + kMillisecond, attacker(0), 1, datagram.data, datagram.length,
                      datagram.clear);
    } else if (from == 1 && is_attacker(to)) {
      network_.inject(network_.now() + kMillisecond, b_->address(), 0, datagram.data,
                      datagram.length, datagram.clear);
    }
  });
  send(2'000);
  ASSERT_TRUE(network_.run_until([&] { return is_attacker(far_session_->path()); }, 5 * kSecond));
  passed = 40;
  const Time stopped = network_.now();
  ASSERT_TRUE(network_.run_until([&] { return b_knows_a(); }, 10 * kSecond));
  // The old address was challenged right after the change, and its answer came with new packets.
  EXPECT_LE(network_.now() - stopped, 500 * kMillisecond);
  ASSERT_TRUE(arrived(60 * kSecond));
  expect_all();
  EXPECT_EQ(far_session_->counters().path_changes, 2u);
}

}  // namespace
}  // namespace hawser::sim
