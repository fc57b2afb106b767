#include "transport/noise_security.h"

#include <functional>

#include "test/unit/secure_support.h"

namespace hawser::sim {
namespace {

constexpr crypto::AeadSuite kSuites[] = {crypto::AeadSuite::kAes256Gcm,
                                         crypto::AeadSuite::kChaCha20Poly1305};

LoneOptions options_of(uint32_t index, const uint8_t* network_key = nullptr,
                       crypto::AeadSuite suite = crypto::AeadSuite::kAes256Gcm) {
  LoneOptions options;
  options.index = index;
  options.network_key = network_key;
  options.suite = suite;
  options.config.unproven_rate = 1'000'000;
  return options;
}

const Bytes kNetwork(32, 0x77);
const Bytes kOtherNetwork(32, 0x78);

void expect_open(const Lone& a, const Lone& b) {
  ASSERT_EQ(a.opened.size(), 1u);
  ASSERT_EQ(b.opened.size(), 1u);
  EXPECT_EQ(a.opened[0]->remote(), b.id());
  EXPECT_EQ(b.opened[0]->remote(), a.id());
  EXPECT_EQ(a.opened[0]->remote_id(), b.opened[0]->local_id());
  EXPECT_EQ(b.opened[0]->remote_id(), a.opened[0]->local_id());
}

TEST(NoiseSecurity, OpensWithEitherSuiteInOpenAndClosedNetworks) {
  for (const crypto::AeadSuite suite : kSuites) {
    for (const uint8_t* key : {static_cast<const uint8_t*>(nullptr), kNetwork.data()}) {
      Lone a(options_of(1, key, suite));
      Lone b(options_of(2, key, kSuites[0]));  // takes what comes, whatever it would choose
      ASSERT_NE(a.connect(b), nullptr);
      exchange(a, b);
      expect_open(a, b);
    }
  }
}

TEST(NoiseSecurity, NetworksThatDifferDoNotMeetInEitherDirection) {
  const uint8_t* keys[] = {nullptr, kNetwork.data(), kOtherNetwork.data()};
  for (const uint8_t* ours : keys) {
    for (const uint8_t* theirs : keys) {
      if (ours == theirs) continue;
      Lone a(options_of(1, ours));
      Lone b(options_of(2, theirs));
      a.connect(b, 2 * kSecond);
      advance_both(a, b, a.now + 3 * kSecond);
      EXPECT_TRUE(b.opened.empty());
      ASSERT_EQ(a.closed.size(), 1u);
      EXPECT_TRUE(a.closed[0].timed_out);
      // Not even a computation.
      EXPECT_EQ(b.endpoint->counters().handshakes_answered, 0u);
      EXPECT_EQ(b.endpoint->counters().not_for_us, 4u);
      EXPECT_EQ(b.out, 0u);
    }
  }
}

TEST(NoiseSecurity, MembersOfANetworkWhoForgeMac1DoNotGetBeyondTheHandshake) {
  // Who knows the network's key may leave; who knows mac1's alone, or the pattern, cannot.
  Lone b(options_of(2, kNetwork.data()));
  HandMade open_one(7, b.id());
  HandMade member(7, b.id(), kNetwork.data());
  Bytes init = open_one.init();
  member.sign(init);
  b.receive(address_of(9), init);
  b.service();
  // IK and IKpsk2 part at the first message, by the names of their protocols.
  EXPECT_EQ(b.endpoint->counters().handshakes_answered, 1u);
  EXPECT_EQ(b.endpoint->counters().unauthenticated, 1u);
  EXPECT_TRUE(b.sent.empty());
  EXPECT_EQ(b.endpoint->half_open_count(), 0u);

  Lone c(options_of(3));
  HandMade stranger(7, c.id(), kNetwork.data());
  HandMade local(7, c.id());
  init = stranger.init();
  local.sign(init);
  c.receive(address_of(9), init);
  c.service();
  EXPECT_EQ(c.endpoint->counters().unauthenticated, 1u);
  EXPECT_TRUE(c.sent.empty());
}

TEST(NoiseSecurity, TheWrongResponderCannotAnswer) {
  // It gets the INIT of another, signed for itself.
  Lone b(options_of(2));
  HandMade to_another(7, Lone(options_of(3)).id());
  Bytes init = to_another.init();
  HandMade(7, b.id()).sign(init);
  b.receive(address_of(9), init);
  b.service();
  EXPECT_EQ(b.endpoint->counters().unauthenticated, 1u);
  EXPECT_TRUE(b.sent.empty());
}

TEST(NoiseSecurity, SomebodyElseAtTheAddressIsNotTakenForThePeer) {
  Lone a(options_of(1));
  Lone b(options_of(2));
  Lone wrong(options_of(3));
  const wire::PeerIdBytes id = b.id();
  a.endpoint->connect(a.now, id, &wrong.address, 1, a.now + 2 * kSecond);
  advance_both(a, wrong, a.now + 3 * kSecond);
  EXPECT_TRUE(a.opened.empty());
  EXPECT_EQ(wrong.endpoint->session_count(), 0u);
  EXPECT_EQ(wrong.endpoint->counters().not_for_us, 4u);
}

TEST(NoiseSecurity, AClaimedIdHasToBeThatOfTheProvenKey) {
  Lone b(options_of(2));
  HandMade peer(7, b.id());
  uint32_t source = 100;
  const auto refused = [&](const wire::PeerIdBytes& claimed) {
    HandMade liar(7, b.id());
    liar.header.source = wire::ConnectionId::from_u64(source);
    liar.payload.initiator = claimed;
    const uint64_t before = b.endpoint->counters().unauthenticated;
    b.receive(address_of(source++), liar.init());
    b.service();
    return b.sent.empty() && b.endpoint->counters().unauthenticated == before + 1;
  };
  EXPECT_TRUE(refused(HandMade(8, b.id()).id));
  EXPECT_TRUE(refused(b.id()));
  EXPECT_TRUE(refused(wire::PeerIdBytes{}));
  for (size_t i = 0; i < sizeof peer.id.bytes * 8; i++) {
    if (i == 255) continue;  // the sign: see below
    wire::PeerIdBytes near = peer.id;
    near.bytes[i / 8] ^= static_cast<uint8_t>(1u << (i % 8));
    EXPECT_TRUE(refused(near)) << i;
  }
  EXPECT_FALSE(refused(peer.id));
}

TEST(NoiseSecurity, TheNegationOfAnIdIsAnotherNameOfTheSameKeyAndOfNoOther) {
  // The X25519 form of a key has no sign: whoever compares peers leaves it out.
  Lone b(options_of(2));
  HandMade peer(7, b.id());
  peer.payload.initiator.bytes[31] ^= 0x80;
  b.receive(address_of(9), peer.init());
  b.service();
  EXPECT_EQ(b.endpoint->half_open_count(), 1u);
  // To dial it is vain: mac1 is made with the id as it is.
  Lone a(options_of(1));
  wire::PeerIdBytes negated = b.id();
  negated.bytes[31] ^= 0x80;
  a.endpoint->connect(a.now, negated, &b.address, 1, a.now + 2 * kSecond);
  advance_both(a, b, a.now + 3 * kSecond);
  EXPECT_TRUE(a.opened.empty());
  ASSERT_EQ(a.closed.size(), 1u);
  EXPECT_TRUE(a.closed[0].timed_out);
}

TEST(NoiseSecurity, IdsThatAreNoKeysFailWithAReason) {
  // y of the points of small order, values from p on, and what is on no curve.
  std::vector<wire::PeerIdBytes> bad(8);
  bad[1].bytes[0] = 1;
  std::memset(bad[2].bytes, 0xff, 32);
  std::memset(bad[3].bytes, 0xff, 32);
  bad[3].bytes[0] = 0xec;
  bad[3].bytes[31] = 0x7f;  // -1
  bad[4] = bad[3];
  bad[4].bytes[0] = 0xed;  // p
  bad[5] = bad[3];
  bad[5].bytes[0] = 0xee;  // p + 1
  bad[6].bytes[0] = 2;
  bad[7].bytes[0] = 1;
  bad[7].bytes[31] = 0x80;
  for (const wire::PeerIdBytes& id : bad) {
    Lone a(options_of(1));
    const PathAddress somewhere = address_of(9);
    ASSERT_NE(a.endpoint->connect(a.now, id, &somewhere, 1, a.now + kSecond), nullptr);
    a.service();
    ASSERT_EQ(a.closed.size(), 1u);
    EXPECT_EQ(a.closed[0].by, ClosedBy::kFailure);
    EXPECT_FALSE(a.closed[0].timed_out);
    EXPECT_EQ(text_of(a.closed[0]), "the id is not that of a peer");
    EXPECT_TRUE(a.sent.empty());
    EXPECT_EQ(a.endpoint->session_count(), 0u);
  }
}

TEST(NoiseSecurity, NobodyDialsItself) {
  Lone a(options_of(1));
  a.endpoint->connect(a.now, a.id(), &a.address, 1, a.now + 2 * kSecond);
  for (int i = 0; i < 30; i++) {
    a.advance(a.now + 100 * kMillisecond);
    for (Lone::Sent& one : a.take_sent()) a.receive(a.address, std::move(one.bytes));
  }
  EXPECT_TRUE(a.opened.empty());
  ASSERT_EQ(a.closed.size(), 1u);
  EXPECT_TRUE(a.closed[0].timed_out);
  EXPECT_EQ(a.endpoint->counters().not_for_us, 4u);
}

// --- Hostile, and authenticated.

// What an endpoint says to a payload made by hand.
struct Verdict {
  bool answered;
  uint64_t malformed;
};

Verdict judge(const std::function<void(Bytes&)>& change) {
  Lone b(options_of(2));
  HandMade peer(7, b.id());
  Bytes text = peer.text();
  change(text);
  b.receive(address_of(9), peer.init(text));
  b.service();
  EXPECT_EQ(b.endpoint->counters().handshakes_answered, 1u);
  EXPECT_EQ(b.endpoint->half_open_count(), b.sent.size());
  return {!b.sent.empty(), b.endpoint->counters().malformed};
}

constexpr size_t kParametersAt = wire::kPeerIdBytes + wire::kResetTokenBytes;

TEST(NoiseSecurity, PaddingHasToBeZeros) {
  const Verdict honest = judge([](Bytes&) {});
  EXPECT_TRUE(honest.answered);
  for (const size_t from_end : {1, 2, 500, 950}) {
    const Verdict verdict = judge([=](Bytes& text) { text[text.size() - from_end] = 1; });
    EXPECT_FALSE(verdict.answered);
    EXPECT_EQ(verdict.malformed, 1u);
  }
}

TEST(NoiseSecurity, ParametersOutOfRangeAreRefused) {
  const auto with = [](std::initializer_list<uint8_t> block) {
    return judge([&](Bytes& text) {
      std::fill(text.begin() + kParametersAt, text.end(), uint8_t{0});
      std::copy(block.begin(), block.end(), text.begin() + kParametersAt);
    });
  };
  EXPECT_TRUE(with({0}).answered);
  EXPECT_TRUE(with({4, 2, 2, 0x44, 0xb0}).answered);            // largest datagram 1,200
  EXPECT_FALSE(with({4, 2, 2, 0x44, 0xaf}).answered);           // 1,199
  EXPECT_FALSE(with({6, 5, 4, 0x80, 0, 0x0f, 0xff}).answered);  // credit 4,095
  EXPECT_FALSE(with({4, 5, 2, 0x4f, 0xff}).answered);           // the same, well encoded
  EXPECT_TRUE(with({4, 5, 2, 0x50, 0x00}).answered);            // 4,096
  EXPECT_FALSE(with({6, 3, 4, 0x81, 0, 0, 0}).answered);        // delay 2^24
  EXPECT_FALSE(with({3, 1, 2, 5}).answered);                    // does not fill its block
  EXPECT_FALSE(with({6, 1, 1, 5, 1, 1, 5}).answered);           // twice
  EXPECT_FALSE(with({2, 1, 1}).answered);                       // cut off
  EXPECT_FALSE(with({0x7f, 0xff}).answered);                    // longer than the payload
  EXPECT_TRUE(with({5, 0x3f, 3, 1, 2, 3}).answered);            // unknown
  const Verdict bad = with({4, 2, 2, 0x44, 0xaf});
  EXPECT_EQ(bad.malformed, 1u);
}

TEST(NoiseSecurity, RandomPayloadsOfAuthenticatedPeersDoNoHarm) {
  SimRandom random(5, 5);
  int answered = 0;
  for (int i = 0; i < 300; i++) {
    answered += judge([&](Bytes& text) {
                  const uint64_t bytes = 1 + random.next() % 24;
                  random.fill(text.data() + kParametersAt, static_cast<size_t>(bytes));
                }).answered;
  }
  EXPECT_LT(answered, 100);
}

TEST(NoiseSecurity, APeerKnowsItsOwnConnectionIdsAgain) {
  const uint8_t key[32] = {5};
  Lone open(options_of(1));
  Lone closed(options_of(1, key));
  for (const uint8_t* network : {static_cast<const uint8_t*>(nullptr), key}) {
    Lone peer(options_of(1, network));
    Lone again(options_of(1, network));
    Lone other(options_of(2, network));
    // Four bytes are at random, and the other four have to be right.
    wire::ConnectionId id = wire::ConnectionId::from_u64(0x0102'0304'0000'0000);
    EXPECT_FALSE(peer.endpoint->security().marked(id));
    ASSERT_TRUE(peer.endpoint->security().mark(&id));
    EXPECT_EQ(id.as_u64() >> 32, 0x0102'0304u);
    EXPECT_TRUE(peer.endpoint->security().marked(id));
    EXPECT_TRUE(again.endpoint->security().marked(id));
    EXPECT_FALSE(other.endpoint->security().marked(id));
    // Nor does the same identity know them in another network.
    EXPECT_EQ(open.endpoint->security().marked(id), network == nullptr);
    EXPECT_EQ(closed.endpoint->security().marked(id), network != nullptr);
    for (int bit = 0; bit < 64; bit++) {
      const uint64_t changed = id.as_u64() ^ (uint64_t{1} << bit);
      EXPECT_FALSE(peer.endpoint->security().marked(wire::ConnectionId::from_u64(changed)));
    }
  }
  const wire::ConnectionId id = wire::ConnectionId::from_u64(0x0102'0304'0000'0000);
  wire::ResetToken in_network{};
  wire::ResetToken outside{};
  ASSERT_TRUE(closed.endpoint->security().reset_token(id, &in_network));
  ASSERT_TRUE(open.endpoint->security().reset_token(id, &outside));
  EXPECT_FALSE(in_network == outside);
}

}  // namespace
}  // namespace hawser::sim
