// What somebody can make an endpoint do who has not proven to be there.

#include <cstdlib>
#include <map>

#include "test/unit/secure_support.h"

namespace hawser::sim {
namespace {

wire::PacketType type_of(const Bytes& bytes) {
  wire::PacketType type{};
  EXPECT_TRUE(wire::classify(bytes.data(), bytes.size(), type));
  return type;
}

TEST(Unproven, HalfOpenSaysNothingButResponseAndOnlyWhenItIsAsked) {
  LoneOptions options;
  options.index = 2;
  Lone b(options);
  HandMade peer(7, b.id());
  const Bytes init = peer.init();
  const PathAddress from = address_of(9);
  b.receive(from, init);
  b.service();
  ASSERT_EQ(b.sent.size(), 1u);
  const Bytes response = b.take_sent().front().bytes;
  EXPECT_EQ(type_of(response), wire::PacketType::kResponse);
  EXPECT_LE(response.size(), wire::kMaxResponseBytes);
  // Nobody asks: nothing comes, however long.
  b.advance(b.now + 9 * kSecond);
  EXPECT_TRUE(b.sent.empty());
  EXPECT_EQ(b.endpoint->half_open_count(), 1u);
  for (int i = 0; i < 5; i++) {
    b.receive(from, init);
    b.service();
    ASSERT_EQ(b.sent.size(), 1u);
    EXPECT_EQ(b.take_sent().front().bytes, response);
  }
  // Ten seconds from the last one, because whoever is answered then may take as long as others.
  b.advance(b.now + 9 * kSecond);
  EXPECT_EQ(b.endpoint->half_open_count(), 1u);
  b.advance(b.now + 2 * kSecond);
  EXPECT_EQ(b.endpoint->half_open_count(), 0u);
  EXPECT_EQ(b.endpoint->session_count(), 0u);
  EXPECT_TRUE(b.opened.empty());
  EXPECT_TRUE(b.closed.empty());
}

TEST(Unproven, WhatDoesNotOpenProvesNothing) {
  LoneOptions options;
  options.index = 2;
  Lone a(LoneOptions{});
  Lone b(options);
  a.connect(b);
  a.service();
  b.receive(a.address, a.take_sent().front().bytes);
  b.service();
  a.receive(b.address, b.take_sent().front().bytes);
  a.service();
  ASSERT_FALSE(a.sent.empty());
  const Bytes proof = a.take_sent().front().bytes;
  ASSERT_EQ(type_of(proof), wire::PacketType::kData);
  for (size_t i = 0; i < proof.size(); i++) {
    for (const uint8_t bit : {0x01, 0x10}) {
      Bytes changed = proof;
      changed[i] ^= bit;
      b.receive(a.address, changed);
      b.service();
      ASSERT_TRUE(b.opened.empty()) << i;
      ASSERT_TRUE(b.sent.empty()) << i;
    }
  }
  b.receive(address_of(1, 2), proof);  // from another port
  b.service();
  EXPECT_TRUE(b.opened.empty());
  b.receive(a.address, proof);
  b.service();
  EXPECT_EQ(b.opened.size(), 1u);
}

TEST(Unproven, AppSaysNothingBeforeThePeerIsProven) {
  // The responder's application cannot: it does not know of the session. The dialler's messages
  // wait for the answer.
  LoneOptions options;
  options.index = 2;
  Lone a(LoneOptions{});
  Lone b(options);
  Session* session = a.connect(b);
  const uint8_t service[] = {'t'};
  transport::Channel* channel =
      session->open_channel(a.now, transport::ChannelConfig{}, service, 1, nullptr, 0);
  ASSERT_NE(channel, nullptr);
  const Bytes body(500, 1);
  (void)channel->push_locked(body.data(), body.size());
  channel->flush(a.now);
  a.service();
  for (const Lone::Sent& one : a.sent) EXPECT_EQ(type_of(one.bytes), wire::PacketType::kInit);
  b.receive(a.address, a.take_sent().front().bytes);
  b.service();
  EXPECT_EQ(b.endpoint->find(a.id()), nullptr);
  EXPECT_FALSE(b.runtime->has_events());
}

// A stranger at one address does all that it can think of.
class Stranger {
 public:
  explicit Stranger(Lone& victim, uint64_t luck) : victim_(victim), random_(luck, 0x5742) {}

  Bytes next() {
    switch (random_.next() % 12) {
      case 0:
        return fresh_init();
      case 1:
      case 2:
      case 3:
        return kept(inits_);
      case 4: {
        // With a cookie, if there was one.
        Bytes init = kept(inits_);
        if (have_cookie_) transport::InitGuard::sign_mac2(cookie_.cookie, init.data());
        return init;
      }
      case 5: {
        Bytes init = kept(inits_);
        init[random_.next() % init.size()] ^= 1;
        return init;
      }
      case 6:
        return kept(heard_);
      case 7: {
        Bytes bytes = kept(heard_);
        bytes[random_.next() % bytes.size()] ^= 1;
        return bytes;
      }
      case 8: {  // for nobody, or for a session that is gone
        const auto number = static_cast<uint32_t>(random_.next());
        const wire::ConnectionId id = random_.next() % 2 == 0
                                          ? forgotten_id(victim_, number)
                                          : wire::ConnectionId::from_u64(random_.next());
        return data_for(id, 30 + random_.next() % 40);
      }
      case 9: {
        Bytes bytes(1 + random_.next() % 60);
        random_.fill(bytes.data(), bytes.size());
        return bytes;
      }
      case 10: {
        Bytes init = kept(inits_);
        init.resize(random_.next() % 1400 + 1);
        return init;
      }
      default: {
        // A packet for a session of ours, if its id was seen somewhere.
        Bytes bytes = kept(heard_);
        bytes[0] = static_cast<uint8_t>(0x80 | random_.next() % 16);
        return bytes;
      }
    }
  }

  void hear(const Bytes& bytes) {
    wire::Cookie cookie{};
    if (wire::read_cookie(bytes.data(), bytes.size(), cookie)) {
      cookie_ = cookie;
      have_cookie_ = true;
    }
    if (heard_.size() < 64) {
      heard_.push_back(bytes);
    } else {
      heard_[random_.next() % 64] = bytes;
    }
  }

 private:
  Bytes fresh_init() {
    HandMade peer(100 + static_cast<uint32_t>(random_.next() % 5), victim_.id());
    peer.header.source = wire::ConnectionId::from_u64(random_.next());
    if (inits_.size() == 256) inits_.erase(inits_.begin());
    inits_.push_back(peer.init());
    return inits_.back();
  }
  Bytes kept(const std::vector<Bytes>& all) {
    return all.empty() ? fresh_init() : all[random_.next() % all.size()];
  }

  Lone& victim_;
  SimRandom random_;
  std::vector<Bytes> inits_;
  std::vector<Bytes> heard_;
  wire::Cookie cookie_{};
  bool have_cookie_ = false;
};

// HAWSER_UNPROVEN: so many thousands of datagrams, 100 if it is not set.
TEST(Unproven, NoStrangerMakesMoreTrafficThanItSends) {
  const char* const wanted = std::getenv("HAWSER_UNPROVEN");
  const uint64_t rounds = wanted == nullptr ? 10 : std::strtoull(wanted, nullptr, 10) / 10;
  uint64_t datagrams = 0;
  uint64_t in = 0;
  uint64_t out = 0;
  std::map<wire::PacketType, uint64_t> answers;
  for (uint64_t luck = 1; luck <= rounds; luck++) {
    LoneOptions options;
    options.index = 2;
    options.luck = luck;
    options.config.cookies_above = luck % 3 == 0 ? 0 : static_cast<uint32_t>(4 * luck);
    options.config.handshake_rate = luck % 2 == 0 ? 5 : 100;
    Lone b(options);
    Stranger stranger(b, luck);
    SimRandom random(luck, 9);
    const PathAddress from = address_of(9);
    for (int i = 0; i < 10'000; i++) {
      b.receive(from, stranger.next());
      datagrams++;
      if (random.next() % 4 != 0) continue;
      b.advance(b.now + static_cast<Duration>(random.next() % (100 * kMillisecond)));
      for (const Lone::Sent& one : b.take_sent()) {
        ASSERT_TRUE(one.to == from);
        answers[type_of(one.bytes)]++;
        stranger.hear(one.bytes);
      }
      // At every moment, not only in the end.
      ASSERT_LE(b.out, b.in);
    }
    b.advance(b.now + 20 * kSecond);
    ASSERT_LE(b.out, b.in);
    EXPECT_EQ(b.endpoint->session_count(), 0u);
    EXPECT_EQ(b.endpoint->half_open_count(), 0u);
    EXPECT_EQ(b.endpoint->counters().sessions_opened, 0u);
    in += b.in;
    out += b.out;
  }
  EXPECT_EQ(datagrams, rounds * 10'000);
  EXPECT_GT(answers[wire::PacketType::kResponse], 1000u);
  EXPECT_GT(answers[wire::PacketType::kCookie], 1000u);
  EXPECT_GT(answers[wire::PacketType::kData], 100u);
  std::printf(
      "%llu datagrams in, %llu bytes; %llu bytes out: %llu RESPONSE, %llu COOKIE, %llu reset\n",
      static_cast<unsigned long long>(datagrams), static_cast<unsigned long long>(in),
      static_cast<unsigned long long>(out),
      static_cast<unsigned long long>(answers[wire::PacketType::kResponse]),
      static_cast<unsigned long long>(answers[wire::PacketType::kCookie]),
      static_cast<unsigned long long>(answers[wire::PacketType::kData]));
}

}  // namespace
}  // namespace hawser::sim
