// Many strangers at once, and those who want in meanwhile.

#include "test/unit/secure_support.h"
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

LoneOptions responder_with(uint32_t cookies_above) {
  LoneOptions options;
  options.index = 2;
  options.config.cookies_above = cookies_above;
  return options;
}

// INITs that are all right, from addresses at which nobody is.
struct Flood {
  explicit Flood(Lone& target) : victim(target) {}

  void send(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      peer.header.source = wire::ConnectionId::from_u64(next);
      // Half of them are a real handshake, the rest garbage with a good mac1: both cost the same
      // before they are read.
      Bytes init(wire::kInitBytes, 0x66);
      if (next % 2 == 0) {
        init = peer.init();
      } else {
        wire::write_init_header(init.data(), peer.header);
        peer.sign(init);
      }
      victim.receive(address_of(1'000'000 + next++), init);
      if (next % 32 == 0) victim.service();
    }
    victim.service();
  }

  Lone& victim;
  HandMade peer{7, victim.id()};
  uint32_t next = 0;
};

TEST(Cookies, StrangersFromThousandsOfAddressesTakeLittleMemory) {
  constexpr uint32_t kAbove = 16;
  Lone b(responder_with(kAbove));
  const size_t idle = b.memory.in_use();
  Flood flood(b);
  flood.send(1'000);
  const size_t early = b.memory.in_use();
  b.memory.reset_peak();
  flood.send(9'000);
  EXPECT_EQ(b.memory.in_use(), early);
  EXPECT_EQ(b.memory.peak(), early);
  EXPECT_LE(b.endpoint->half_open_count(), kAbove);
  const transport::EndpointCounters counters = b.endpoint->counters();
  EXPECT_LE(counters.handshakes_answered, 3 * kAbove);
  EXPECT_GE(counters.cookies_sent, 10'000u - 3 * kAbove);
  EXPECT_LE(b.out, b.in / 10);
  std::printf("10,000 strangers: %zu bytes more than idle, %llu computations\n", early - idle,
              static_cast<unsigned long long>(counters.handshakes_answered));
  EXPECT_LT(early - idle, 200'000u);
  // Ten seconds later they are gone. What is left does not grow with them.
  b.take_sent();
  b.advance(b.now + 10 * kSecond);
  EXPECT_EQ(b.endpoint->half_open_count(), 0u);
  EXPECT_EQ(b.endpoint->session_count(), 0u);
  EXPECT_LE(b.memory.in_use() - idle, 80'000u);
  const size_t left = b.memory.in_use();
  for (int i = 0; i < 3; i++) {
    flood.send(1'000);
    b.take_sent();
    b.advance(b.now + 10 * kSecond + kMillisecond);
    EXPECT_EQ(b.endpoint->half_open_count(), 0u);
    EXPECT_EQ(b.memory.in_use(), left);
  }
}

TEST(Cookies, AnHonestDialSucceedsWhileStrangersCome) {
  for (const uint32_t above : {0u, 1u, 16u}) {
    Lone b(responder_with(above));
    LoneOptions options;
    Lone a(options);
    Flood flood(b);
    flood.send(2'000);
    b.take_sent();
    a.connect(b);
    for (int i = 0; i < 20 && a.opened.empty(); i++) {
      flood.send(50);
      std::erase_if(b.sent, [&](const Lone::Sent& one) { return !(one.to == a.address); });
      exchange(a, b);
    }
    EXPECT_EQ(a.opened.size(), 1u) << above;
    EXPECT_EQ(b.opened.size(), 1u) << above;
    EXPECT_EQ(a.now, kSecond);  // no pause, and one more round trip
  }
}

TEST(Cookies, NothingIsComputedWithoutACookieAboveTheLimit) {
  Lone b(responder_with(0));
  Flood flood(b);
  flood.send(500);
  EXPECT_EQ(b.endpoint->counters().handshakes_answered, 0u);
  EXPECT_EQ(b.endpoint->half_open_count(), 0u);
  for (const Lone::Sent& one : b.sent) EXPECT_EQ(one.bytes.size(), wire::kCookiePacketBytes);
}

TEST(Cookies, ACookieIsNoWayAroundTheRate) {
  LoneOptions options = responder_with(0);
  options.config.handshake_rate = 5;
  Lone b(options);
  const PathAddress from = address_of(9);
  HandMade peer(7, b.id());
  b.receive(from, peer.init());
  b.service();
  wire::Cookie cookie{};
  const Bytes packet = b.take_sent().front().bytes;
  ASSERT_TRUE(wire::read_cookie(packet.data(), packet.size(), cookie));
  for (uint64_t i = 0; i < 50; i++) {
    peer.header.source = wire::ConnectionId::from_u64(i);
    Bytes init = peer.init();
    transport::InitGuard::sign_mac2(cookie.cookie, init.data());
    b.receive(from, init);
    b.service();
  }
  EXPECT_EQ(b.endpoint->half_open_count(), 5u);
  EXPECT_EQ(b.endpoint->counters().refused(), 45u);
  // For another address it is worth nothing.
  Bytes init = peer.init();
  transport::InitGuard::sign_mac2(cookie.cookie, init.data());
  b.receive(address_of(10), init);
  b.service();
  EXPECT_EQ(b.endpoint->half_open_count(), 5u);
}

TEST(Cookies, NoMoreThanTheMostHalfOpenOnesWithCookiesToo) {
  LoneOptions options = responder_with(0);
  options.config.max_half_open = 20;
  Lone b(options);
  for (uint32_t i = 0; i < 60; i++) {
    HandMade peer(7, b.id());
    peer.header.source = wire::ConnectionId::from_u64(i);
    const PathAddress from = address_of(100 + i);
    Bytes init = peer.init();
    b.receive(from, init);
    b.service();
    wire::Cookie cookie{};
    const Bytes packet = b.take_sent().front().bytes;
    ASSERT_TRUE(wire::read_cookie(packet.data(), packet.size(), cookie));
    transport::InitGuard::sign_mac2(cookie.cookie, init.data());
    b.receive(from, init);
    b.service();
    b.take_sent();
  }
  EXPECT_EQ(b.endpoint->half_open_count(), 20u);
  EXPECT_EQ(b.endpoint->counters().refused(), 40u);
}

// --- The address of somebody honest.

// INITs that seem to come from where `spoofed` is, from its own port and from others.
struct Spoofer {
  void send(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      peer.header.source = wire::ConnectionId::from_u64(next);
      Bytes init(wire::kInitBytes, 0x66);
      wire::write_init_header(init.data(), peer.header);
      peer.sign(init);
      PathAddress from = spoofed;
      wire::store_u32(from.bytes + PathAddress::kSourceBytes, next % 3);
      victim.receive(from, init);
      if (++next % 32 == 0) victim.service();
    }
    victim.service();
  }

  Lone& victim;
  PathAddress spoofed;
  HandMade peer{7, victim.id()};
  uint32_t next = 0;
};

TEST(Cookies, AnHonestDialSucceedsWhileItsOwnAddressIsSpoofed) {
  // Whether what its address has is used up, or what all have together.
  for (const bool all : {false, true}) {
    LoneOptions options = responder_with(1'000'000);  // it is never the half-open ones
    options.config.max_half_open = 1'000'000;
    options.config.handshake_rate = all ? 1'000'000 : 20;
    options.config.unproven_rate = all ? 20 : 1'000'000;
    Lone b(options);
    const Time begin = b.now;
    uint64_t dials = 0;
    for (const uint32_t index : {1, 3, 5}) {
      LoneOptions honest;
      honest.index = index;
      Lone a(honest);
      Spoofer spoofer{b, a.address};
      // Two thousand a second.
      while (b.now < begin + static_cast<Time>(index) * kSecond) {
        spoofer.send(20);
        b.now += 10 * kMillisecond;
      }
      b.take_sent();
      a.now = b.now;
      a.connect(b);
      for (int i = 0; i < 20 && a.opened.empty(); i++) {
        spoofer.send(50);
        exchange(a, b);
      }
      ASSERT_EQ(a.opened.size(), 1u) << index;
      EXPECT_EQ(b.opened.size(), ++dials);
      EXPECT_EQ(a.now, b.now);  // no pause, and one more round trip
      a.take_sent();
      b.take_sent();
    }
    const transport::EndpointCounters counters = b.endpoint->counters();
    // The rate holds all the same.
    EXPECT_LE(counters.handshakes_answered, 20u * (5 + (all ? 1 : 3)) + dials);
    EXPECT_GE(counters.handshakes_answered, 20u * 5);
    EXPECT_GE(counters.cookies_sent, 9'000u);
    EXPECT_EQ(counters.refused(), 0u);
    EXPECT_LE(b.out, b.in / 10);
  }
}

// --- The dialling side.

TEST(Cookies, ACookieMakesOneInitForEachPauseAtMost) {
  // 37 bytes in must not be 1,200 bytes out as often as somebody likes: where the INIT goes may be
  // an address that the peer has named and is not its own.
  LoneOptions options;
  Lone a(options);
  Lone b(responder_with(0));
  a.connect(b, 60 * kSecond);
  a.service();
  const Bytes init = a.take_sent().front().bytes;
  transport::InitGuard guard(b.memory, b.runtime->random(), 1, 1);
  // Whoever sees the INIT and knows for whom it is can make cookies of its own.
  const auto cookie = [&](uint64_t number) {
    wire::InitHeader header{};
    EXPECT_TRUE(wire::read_init_header(init.data(), init.size(), header));
    Bytes packet(wire::kCookiePacketBytes);
    wire::Cookie made{};
    made.destination = header.source;
    wire::store_u64(made.cookie, number);
    EXPECT_EQ(wire::write_cookie(packet.data(), packet.size(), made), packet.size());
    uint8_t hash[crypto::kSha256Bytes];
    EXPECT_TRUE(
        crypto::sha256({crypto::Part{reinterpret_cast<const uint8_t*>(HandMade::kMacLabel), 11},
                        crypto::Part{b.id().bytes, 32}},
                       hash));
    uint8_t text[wire::kCookiePacketBytes];
    std::memcpy(text, packet.data(), 29);
    std::memcpy(text + 29, wire::init_mac1(init.data()), 8);
    wire::store_u64(packet.data() + 29, crypto::SipHash(hash)(text, sizeof text));
    return packet;
  };
  for (uint64_t i = 0; i < 2'000; i++) {
    a.receive(b.address, cookie(i));
    a.advance(a.now + 5 * kMillisecond);
  }
  // Ten seconds: five INITs by the clock, and one more for each pause.
  EXPECT_LE(a.sent.size(), 12u);
  EXPECT_GE(a.sent.size(), 3u);
}

TEST(Cookies, CookiesOfSomebodyElseChangeNothing) {
  Lone a(LoneOptions{});
  Lone b(responder_with(0));
  a.connect(b, 60 * kSecond);
  a.service();
  const Bytes init = a.take_sent().front().bytes;
  b.receive(a.address, init);
  b.service();
  const Bytes cookie = b.take_sent().front().bytes;
  for (size_t i = 0; i < cookie.size(); i++) {
    Bytes changed = cookie;
    changed[i] ^= 2;
    a.receive(b.address, changed);
    a.service();
    for (const Lone::Sent& one : a.take_sent()) EXPECT_NE(one.bytes[0], 0x90) << i;
    if (i % 10 == 9) {
      a.advance(a.now + 4 * kSecond);
      a.take_sent();
    }
  }
  a.receive(address_of(77), cookie);
  a.service();
  EXPECT_TRUE(a.sent.empty());
  a.receive(b.address, cookie);
  a.service();
  ASSERT_EQ(a.sent.size(), 1u);
  // The same INIT but for mac2.
  const Bytes again = a.take_sent().front().bytes;
  EXPECT_TRUE(std::equal(init.begin(), init.end() - 8, again.begin()));
  EXPECT_FALSE(std::equal(init.end() - 8, init.end(), again.end() - 8));
}

// --- Over a path that loses.

class CookiePath : public TwoPeers {};

TEST_F(CookiePath, DialsSucceedByCookiesOverALossyPath) {
  int opened = 0;
  uint64_t cookies = 0;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    SimNetwork network(seed);
    network.set_protection(seed % 2 == 0 ? Protection::kAes256Gcm : Protection::kChaCha20Poly1305);
    network.set_longest_computation(30 * kMillisecond);
    RecordingApp app;
    network.set_application(&app);
    EndpointConfig config;
    config.cookies_above = 0;
    network.add_peer(config);
    network.add_peer(config);
    LinkOptions options;
    options.impairment.loss = 0.3;
    options.impairment.duplicate = 0.2;
    options.impairment.delay_ns = 20 * kMillisecond;
    options.impairment.jitter_ns = 30 * kMillisecond;
    network.set_links(0, 1, options);
    network.peer(0).connect(1, 60 * kSecond);
    EXPECT_TRUE(network.run_until([&] { return app.opened.size() >= 2; }, 60 * kSecond)) << seed;
    opened += app.opened.size() == 2;
    cookies += network.peer(1).endpoint().counters().cookies_sent;
    EXPECT_EQ(network.failure(), "");
    network.peer(0).destroy();
    network.peer(1).destroy();
    EXPECT_EQ(network.failure(), "");
  }
  EXPECT_EQ(opened, 100);
  EXPECT_GE(cookies, 100u);
}

}  // namespace
}  // namespace hawser::sim
