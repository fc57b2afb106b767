// Who only begins sessions, in his own name or in that of others, keeps nobody out.

#include "test/unit/secure_support.h"
#include "test/unit/sim_support.h"
#include "transport/half_open_sessions.h"

namespace hawser::sim {
namespace {

using transport::HalfOpenSessions;

LoneOptions lone(uint32_t index) {
  LoneOptions options;
  options.index = index;
  return options;
}

// Has what `a` and `b` say arrive, and what `b` says to others vanish, until `to`.
void pass(Lone& a, Lone& b, Time to) {
  advance_both(a, b, to);
  b.take_sent();
}

// Somebody who receives at some addresses, begins sessions there as often as he may, repeats every
// INIT for as long as he can, and proves none.
class Attacker {
 public:
  Attacker(Lone& victim, uint32_t addresses) : victim_(victim) {
    for (uint32_t i = 0; i < addresses; i++) {
      places_.push_back({address_of(5'000 + i), wire::Cookie{}});
      victim_.receive(places_[i].address, fresh());
      victim_.service();
      const Bytes answer = victim_.take_sent().back().bytes;
      EXPECT_TRUE(wire::read_cookie(answer.data(), answer.size(), places_[i].cookie));
    }
  }

  // `count` new ones from each address, and all that were sent before once more.
  void send(uint32_t count) {
    for (const auto& [place, init] : sent_) victim_.receive(places_[place].address, init);
    for (size_t place = 0; place < places_.size(); place++) {
      for (uint32_t i = 0; i < count; i++) {
        Bytes init = fresh();
        transport::InitGuard::sign_mac2(places_[place].cookie.cookie, init.data());
        victim_.receive(places_[place].address, init);
        sent_.emplace_back(place, std::move(init));
      }
    }
    victim_.service();
    std::erase_if(victim_.sent,
                  [](const Lone::Sent& one) { return wire::load_u32(one.to.bytes) >= 5'000; });
  }

 private:
  struct Place {
    PathAddress address;
    wire::Cookie cookie;
  };

  // Identities are for nothing.
  Bytes fresh() {
    HandMade peer(10'000 + next_, victim_.id());
    next_++;
    return peer.init();
  }

  Lone& victim_;
  std::vector<Place> places_;
  std::vector<std::pair<size_t, Bytes>> sent_;
  uint32_t next_ = 0;
};

LoneOptions victim(uint32_t half_open) {
  LoneOptions options = lone(2);
  options.config.max_half_open = half_open;
  options.config.cookies_above = 0;
  options.config.handshake_rate = 10;
  return options;
}

TEST(HalfOpen, RepeatingAnInitProlongsNothingForEver) {
  Lone b(lone(2));
  HandMade peer(7, b.id());
  const Bytes init = peer.init();
  const PathAddress from = address_of(9);
  std::vector<Bytes> answers;
  const Time began = b.now;
  for (int i = 0; i < 20; i++) {
    b.receive(from, init);
    b.service();
    ASSERT_EQ(b.sent.size(), 1u) << i;
    const Bytes answer = b.take_sent().front().bytes;
    if (answers.empty() || answers.back() != answer) answers.push_back(answer);
    EXPECT_EQ(b.endpoint->half_open_count(), 1u);
    b.advance(b.now + 4 * kSecond);
  }
  // After 0, 12, 24, 36, 48, 60 and 72 seconds: each began another one, like any other INIT.
  EXPECT_EQ(b.now - began, 80 * kSecond);
  EXPECT_EQ(answers.size(), 7u);
  EXPECT_EQ(b.endpoint->counters().handshakes_answered, 7u);
  b.advance(b.now + 10 * kSecond);
  EXPECT_EQ(b.endpoint->half_open_count(), 0u);
}

TEST(HalfOpen, OneAddressKeepsNobodyOut) {
  Lone b(victim(32));
  Attacker attacker(b, 1);
  for (int i = 0; i < 100; i++) {
    attacker.send(1);
    b.advance(b.now + 100 * kMillisecond);
    ASSERT_LE(b.endpoint->half_open_count(), 16u);
    b.take_sent();
  }
  EXPECT_EQ(b.endpoint->half_open_count(), 16u);
  EXPECT_GT(b.endpoint->counters().displaced, 30u);
  Lone a(lone(1));
  a.now = b.now;
  a.connect(b);
  exchange(a, b);
  EXPECT_EQ(a.opened.size(), 1u);  // at once
  EXPECT_EQ(b.opened.size(), 1u);
}

TEST(HalfOpen, NorDoesAHandfulOfThem) {
  LoneOptions options = victim(64);
  options.config.handshake_rate = 4;
  Lone b(options);
  Attacker attacker(b, 5);
  for (int i = 0; i < 30; i++) {
    attacker.send(1);
    b.advance(b.now + 100 * kMillisecond);
    b.take_sent();
  }
  EXPECT_EQ(b.endpoint->half_open_count(), 64u);
  for (uint32_t index = 1; index < 8; index += 2) {
    Lone a(lone(index));
    a.now = b.now;
    a.connect(b);
    // Its proof takes half a second, in which the attack goes on.
    a.service();
    while (!a.sent.empty() && a.sent.front().bytes.size() == wire::kInitBytes) {
      b.receive(a.address, a.take_sent().front().bytes);
      b.service();
      for (const Lone::Sent& one : b.take_sent()) {
        if (one.to == a.address) a.receive(b.address, one.bytes);
      }
      a.service();
    }
    ASSERT_FALSE(a.sent.empty()) << "no room";
    const std::vector<Lone::Sent> proof = a.take_sent();
    for (int i = 0; i < 5; i++) {
      attacker.send(1);
      b.advance(b.now + 100 * kMillisecond);
      b.take_sent();
    }
    b.receive(a.address, proof.front().bytes);
    b.service();
    EXPECT_EQ(b.opened.size(), (index + 1) / 2);
    b.take_sent();
  }
}

TEST(HalfOpen, YoungOnesAreSparedAndOldOnesGiveWay) {
  LoneOptions options = victim(4);
  Lone b(options);
  Attacker attacker(b, 3);
  attacker.send(2);  // two of each address is its share, and there is room for two addresses
  EXPECT_EQ(b.endpoint->half_open_count(), 4u);
  EXPECT_EQ(b.endpoint->counters().refused_half_open, 2u);
  EXPECT_EQ(b.endpoint->counters().displaced, 0u);
  Lone a(lone(1));
  a.now = b.now;
  a.connect(b);
  pass(a, b, b.now + 1'900 * kMillisecond);
  EXPECT_TRUE(a.opened.empty());
  // The INIT after 3,750 ms.
  pass(a, b, b.now + 2 * kSecond);
  EXPECT_EQ(a.opened.size(), 1u);
  EXPECT_EQ(b.opened.size(), 1u);
  EXPECT_EQ(b.endpoint->counters().displaced, 1u);
}

TEST(HalfOpen, ManyBehindOneAddressGetInAtOnce) {
  Lone b(lone(2));
  std::vector<std::unique_ptr<Lone>> many;
  for (uint32_t i = 0; i < 90; i++) {
    many.push_back(std::make_unique<Lone>(lone(100 + i)));
    many.back()->address = address_of(77, i);
    many.back()->connect(b);
  }
  // All INITs are there before any proof; those above 64 bring a cookie.
  for (int round = 0; round < 4; round++) {
    for (const auto& a : many) {
      a->service();
      for (const Lone::Sent& one : a->take_sent()) b.receive(a->address, one.bytes);
    }
    b.service();
    for (const Lone::Sent& one : b.take_sent()) {
      many[wire::load_u32(one.to.bytes + PathAddress::kSourceBytes)]->receive(b.address, one.bytes);
    }
  }
  EXPECT_EQ(b.opened.size(), 90u);
  EXPECT_EQ(b.endpoint->counters().refused(), 0u);
  EXPECT_EQ(b.endpoint->counters().displaced, 0u);
}

// --- In the name of others.

TEST(HalfOpen, ARecordedInitKeepsItsAuthorIn) {
  Lone b(lone(2));
  Lone a(lone(7));
  a.connect(b, 300 * kMillisecond);
  a.service();
  const Bytes recorded = a.take_sent().front().bytes;
  a.advance(a.now + kSecond);
  a.take_sent();
  b.now = a.now;
  uint32_t port = 100;
  const auto replay = [&](uint32_t count) {
    for (uint32_t i = 0; i < count; i++) b.receive(address_of(9, port++), recorded);
    b.service();
    std::erase_if(b.sent, [&](const Lone::Sent& one) { return !(one.to == a.address); });
  };
  replay(60);
  EXPECT_LE(b.endpoint->half_open_count(), HalfOpenSessions::kMostOfInit);
  a.connect(b);
  a.service();
  b.receive(a.address, a.take_sent().front().bytes);
  b.service();
  // Nor do more of them, until its proof comes, push out what it has begun now.
  replay(30);
  exchange(a, b);
  EXPECT_EQ(a.opened.size(), 1u);
  EXPECT_EQ(b.opened.size(), 1u);
  EXPECT_EQ(b.endpoint->counters().refused_of_peer, 0u);
}

TEST(HalfOpen, ThoseInOneNameAreBoundedWhateverItsSign) {
  Lone b(lone(2));
  HandMade peer(7, b.id());
  for (uint32_t i = 0; i < 20; i++) {
    peer.payload.initiator.bytes[31] ^= 0x80;
    b.receive(address_of(9, i), peer.init());
    b.service();
    EXPECT_EQ(b.endpoint->half_open_count(),
              std::min<size_t>(i + 1, HalfOpenSessions::kMostOfInit));
  }
  EXPECT_EQ(b.endpoint->counters().unauthenticated, 0u);
  b.advance(b.now + 11 * kSecond);
  // With other connection ids there is more room, and an end to it.
  LoneOptions options = lone(3);
  options.config.cookies_above = 1'000;
  Lone c(options);
  HandMade other(7, c.id());
  for (uint32_t i = 0; i < 80; i++) {
    other.header.source = wire::ConnectionId::from_u64(i);
    c.receive(address_of(9, i), other.init());
    c.service();
  }
  EXPECT_EQ(c.endpoint->half_open_count(), HalfOpenSessions::kMostOfPeer);
}

// --- Limits of what is proven.

// Clients whose proofs are on their way: nothing at `b` is open yet.
std::vector<std::unique_ptr<Lone>> nearly_open(Lone& b, uint32_t count, bool one_identity) {
  std::vector<std::unique_ptr<Lone>> clients;
  for (uint32_t i = 0; i < count; i++) {
    LoneOptions options = lone(one_identity ? 7 : 100 + i);
    options.luck = 1 + i;
    clients.push_back(std::make_unique<Lone>(options));
    Lone& a = *clients.back();
    a.address = address_of(100 + i);
    a.now = b.now;
    a.connect(b);
    a.service();
    b.receive(a.address, a.take_sent().front().bytes);
    b.service();
    for (const Lone::Sent& one : b.take_sent()) a.receive(b.address, one.bytes);
    a.service();
    EXPECT_EQ(a.opened.size(), 1u);
  }
  return clients;
}

// Their proofs arrive, and what `b` has to say to that.
uint32_t closed_for_the_limit(std::vector<std::unique_ptr<Lone>>& clients, Lone& b) {
  for (const auto& a : clients) {
    for (const Lone::Sent& one : a->take_sent()) b.receive(a->address, one.bytes);
  }
  b.service();
  for (const Lone::Sent& one : b.take_sent()) {
    for (const auto& a : clients) {
      if (one.to == a->address) a->receive(b.address, one.bytes);
    }
  }
  uint32_t closed = 0;
  for (const auto& a : clients) {
    a->advance(a->now + 5 * kSecond);
    if (a->closed.empty()) continue;
    closed++;
    EXPECT_EQ(a->closed.front().code, wire::Code::kSessionLimit);
    EXPECT_EQ(a->closed.front().by, ClosedBy::kRemote);
  }
  b.advance(b.now + 5 * kSecond);
  b.take_sent();
  return closed;
}

TEST(HalfOpen, NoMoreSessionsThanMayBeHoweverManyProveThemselvesAtOnce) {
  LoneOptions options = lone(2);
  options.config.max_sessions = 3;
  Lone b(options);
  auto clients = nearly_open(b, 5, false);
  EXPECT_EQ(b.endpoint->half_open_count(), 5u);
  EXPECT_EQ(closed_for_the_limit(clients, b), 2u);
  EXPECT_EQ(b.opened.size(), 3u);
  EXPECT_TRUE(b.closed.empty());  // the owner never heard of the others
  EXPECT_EQ(b.endpoint->session_count(), 3u);
  EXPECT_EQ(b.endpoint->counters().refused_sessions, 2u);
  // Who comes now gets no answer.
  HandMade peer(7, b.id());
  b.receive(address_of(9), peer.init());
  b.service();
  EXPECT_TRUE(b.sent.empty());
  EXPECT_EQ(b.endpoint->counters().refused_sessions, 3u);
}

TEST(HalfOpen, OnePeerProvesSoManySessionsAndNoMore) {
  LoneOptions options = lone(2);
  options.config.max_sessions_per_peer = 3;
  Lone b(options);
  auto clients = nearly_open(b, 5, true);
  EXPECT_EQ(closed_for_the_limit(clients, b), 2u);
  EXPECT_EQ(b.opened.size(), 3u);
  EXPECT_EQ(b.endpoint->counters().refused_of_peer, 2u);
  HandMade again(7, b.id());
  b.receive(address_of(9), again.init());
  b.service();
  EXPECT_TRUE(b.sent.empty());
  EXPECT_EQ(b.endpoint->counters().refused_of_peer, 3u);
  // Nor under the other sign.
  again.header.source = wire::ConnectionId::from_u64(1);
  again.payload.initiator.bytes[31] ^= 0x80;
  b.receive(address_of(9), again.init());
  b.service();
  EXPECT_EQ(b.endpoint->counters().refused_of_peer, 4u);
  HandMade somebody(8, b.id());
  b.receive(address_of(9), somebody.init());
  b.service();
  EXPECT_EQ(b.sent.size(), 1u);
}

TEST(HalfOpen, FewSessionsAreForThoseWhoProveThemselves) {
  for (const uint32_t sessions : {1u, 2u, 3u, 20u, 64u}) {
    LoneOptions options = lone(2);
    options.config.max_sessions = sessions;
    Lone b(options);
    // INITs from addresses that are made up, by somebody who hears no answer.
    for (uint32_t i = 0; i < 100; i++) {
      HandMade peer(1'000 + i, b.id());
      b.receive(address_of(6'000 + i), peer.init());
      b.service();
    }
    b.take_sent();
    // They keep neither us from dialling, nor others from dialling us.
    Lone friendly(lone(3));
    friendly.now = b.now;
    ASSERT_NE(b.connect(friendly), nullptr) << sessions;
    exchange(b, friendly);
    EXPECT_EQ(b.opened.size(), 1u) << sessions;
    std::vector<std::unique_ptr<Lone>> clients;
    for (uint32_t i = 1; i < sessions; i++) {
      clients.push_back(std::make_unique<Lone>(lone(100 + i)));
      clients.back()->now = b.now;
      clients.back()->connect(b);
      exchange(*clients.back(), b);
      ASSERT_EQ(b.opened.size(), 1u + i) << sessions;
    }
    EXPECT_EQ(b.connect(friendly), nullptr) << sessions;
    EXPECT_EQ(b.endpoint->counters().refused(), 0u) << sessions;
  }
}

TEST(HalfOpen, OneSessionIsForWhoeverProvesItself) {
  LoneOptions options = lone(2);
  options.config.max_sessions = 1;
  options.config.max_half_open = 1;
  Lone b(options);
  HandMade liar(7, b.id());
  b.receive(address_of(9), liar.init());
  b.service();
  EXPECT_EQ(b.take_sent().size(), 1u);
  Lone a(lone(1));
  a.connect(b);
  pass(a, b, b.now + 4 * kSecond);
  EXPECT_EQ(a.opened.size(), 1u);
  EXPECT_EQ(b.opened.size(), 1u);
}

// --- Over a slow path.

class HalfOpenPath : public TwoPeers {};

TEST_F(HalfOpenPath, ADialWhoseAnswersComeLateSucceedsAllTheSame) {
  for (const int silence : {3, 9, 11, 14, 19, 21, 33}) {
    SimNetwork network(static_cast<uint64_t>(silence));
    RecordingApp app;
    network.set_application(&app);
    network.add_peer(EndpointConfig{});
    network.add_peer(EndpointConfig{});
    network.set_links(0, 1, LinkOptions{});
    DropRule rule;
    rule.from = 1;
    rule.packet = wire::PacketType::kResponse;
    // INITs come after 0, 0.25, 0.75, 1.75, 3.75 and 7.75 s, and then every 4 s.
    rule.count = silence < 8 ? 5 : 6 + (silence - 8) / 4;
    network.add_drop_rule(rule);
    network.peer(0).connect(1, 60 * kSecond);
    EXPECT_TRUE(network.run_until([&] { return app.opened.size() == 2; }, 60 * kSecond)) << silence;
    network.run_for(20 * kSecond);
    EXPECT_TRUE(app.sessions_closed.empty()) << silence;
    EXPECT_EQ(network.peer(1).endpoint().half_open_count(), 0u);
    EXPECT_EQ(network.peer(1).endpoint().session_count(), 1u);
    EXPECT_EQ(network.failure(), "");
    network.peer(0).destroy();
    network.peer(1).destroy();
  }
}

}  // namespace
}  // namespace hawser::sim
