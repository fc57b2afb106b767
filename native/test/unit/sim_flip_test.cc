// Handshakes of which not every byte arrives as it was sent.

#include "test/unit/secure_support.h"

namespace hawser::sim {
namespace {

LoneOptions options_of(uint32_t index, crypto::AeadSuite suite = crypto::AeadSuite::kAes256Gcm) {
  LoneOptions options;
  options.index = index;
  options.suite = suite;
  options.config.handshake_rate = 1'000'000;
  options.config.unproven_rate = 1'000'000;
  options.config.cookies_above = 1'000'000;
  return options;
}

constexpr crypto::AeadSuite kSuites[] = {crypto::AeadSuite::kAes256Gcm,
                                         crypto::AeadSuite::kChaCha20Poly1305};

void sign_for(const Lone& responder, Bytes& init) { HandMade(99, responder.id()).sign(init); }

// A dial of a's whose INIT is still with us.
struct Dial {
  explicit Dial(crypto::AeadSuite suite) : a(options_of(1, suite)), b(options_of(2)) {
    session = a.connect(b);
    a.service();
    EXPECT_EQ(a.sent.size(), 1u);
    init = a.take_sent().front().bytes;
    EXPECT_EQ(init.size(), wire::kInitBytes);
  }
  // b's answer to the INIT as it is.
  Bytes answer() {
    b.receive(a.address, init);
    b.service();
    EXPECT_EQ(b.sent.size(), 1u);
    return b.sent.empty() ? Bytes() : b.take_sent().front().bytes;
  }
  void expect_honest_one_opens() {
    b.receive(a.address, init);
    exchange(a, b);
    ASSERT_EQ(a.opened.size(), 1u);
    ASSERT_EQ(b.opened.size(), 1u);
  }

  Lone a;
  Lone b;
  Session* session = nullptr;
  Bytes init;
};

TEST(Flip, ThePrologueBindsVersionSuiteAndSource) {
  // A middleman who knows the responder's id can sign mac1 anew.
  for (const crypto::AeadSuite suite : kSuites) {
    Dial dial(suite);
    for (size_t i = 0; i < wire::kInitHeaderBytes; i++) {
      for (int bit = 0; bit < 8; bit++) {
        Bytes changed = dial.init;
        changed[i] ^= static_cast<uint8_t>(1 << bit);
        sign_for(dial.b, changed);
        dial.b.receive(dial.a.address, changed);
        dial.b.service();
        for (const Lone::Sent& one : dial.b.take_sent()) {
          // A stateless reset for what reads as DATA.
          EXPECT_EQ(one.bytes[0] & 0xf0, 0x80) << i << " " << bit;
        }
        EXPECT_EQ(dial.b.endpoint->half_open_count(), 0u) << i << " " << bit;
      }
    }
    // The other suite and other ids are read, and the message does not check.
    const transport::EndpointCounters counters = dial.b.endpoint->counters();
    EXPECT_EQ(counters.handshakes_answered, 64u);
    EXPECT_EQ(counters.unauthenticated, 64u);
    dial.expect_honest_one_opens();
  }
}

TEST(Flip, TheOtherSuiteIsNotTaken) {
  for (const crypto::AeadSuite suite : kSuites) {
    Dial dial(suite);
    Bytes changed = dial.init;
    changed[5] ^= 3;  // 1 to 2, 2 to 1
    sign_for(dial.b, changed);
    dial.b.receive(dial.a.address, changed);
    dial.b.service();
    EXPECT_EQ(dial.b.endpoint->counters().handshakes_answered, 1u);
    EXPECT_EQ(dial.b.endpoint->counters().unauthenticated, 1u);
    EXPECT_TRUE(dial.b.sent.empty());
    dial.expect_honest_one_opens();
  }
}

TEST(Flip, NoByteOfAnInitMayChange) {
  Dial dial(kSuites[0]);
  const auto mac2 = static_cast<size_t>(wire::init_mac2(dial.init.data()) - dial.init.data());
  for (const bool sign : {false, true}) {
    for (size_t i = wire::kInitHeaderBytes; i < mac2; i++) {
      Bytes changed = dial.init;
      changed[i] ^= static_cast<uint8_t>(1 << (i % 8));
      const size_t mac1 = mac2 - wire::kHandshakeMacBytes;
      if (sign && i >= mac1) break;
      if (sign) sign_for(dial.b, changed);
      dial.b.receive(dial.a.address, changed);
      dial.b.service();
      ASSERT_TRUE(dial.b.sent.empty()) << i;
      ASSERT_EQ(dial.b.endpoint->half_open_count(), 0u) << i;
    }
  }
  EXPECT_EQ(dial.b.endpoint->counters().handshakes_answered, wire::kInitMessageBytes);
  EXPECT_EQ(dial.b.endpoint->counters().unauthenticated, wire::kInitMessageBytes);
  dial.expect_honest_one_opens();
}

TEST(Flip, NoByteOfAResponseMayChange) {
  // Each costs one of the tries that an INIT allows.
  constexpr size_t kAtOnce = 15;
  for (const crypto::AeadSuite suite : kSuites) {
    size_t length = kAtOnce;
    for (size_t begin = 0; begin < length; begin += kAtOnce) {
      Dial dial(suite);
      const Bytes answer = dial.answer();
      length = answer.size();
      for (size_t i = begin; i < std::min(begin + kAtOnce, length); i++) {
        Bytes changed = answer;
        changed[i] ^= static_cast<uint8_t>(1 << (i % 8));
        dial.a.receive(dial.b.address, changed);
        dial.a.service();
        ASSERT_TRUE(dial.a.opened.empty()) << i;
        // To what reads as DATA a stateless reset is due.
        for (const Lone::Sent& one : dial.a.take_sent()) ASSERT_EQ(one.bytes[0] & 0xf0, 0x80) << i;
      }
      dial.a.receive(dial.b.address, answer);
      exchange(dial.a, dial.b);
      ASSERT_EQ(dial.a.opened.size(), 1u);
      ASSERT_EQ(dial.b.opened.size(), 1u);
    }
  }
}

TEST(Flip, ResponsesMadeUpDoNotPreventTheRightOne) {
  for (uint64_t luck = 0; luck < 40; luck++) {
    Dial dial(kSuites[luck % 2]);
    const Bytes answer = dial.answer();
    SimRandom random(luck, 3);
    const uint64_t forged = luck % 16;
    for (uint64_t i = 0; i < forged; i++) {
      Bytes bad(wire::kResponseHeaderBytes + 73 + random.next() % 170);
      random.fill(bad.data(), bad.size());
      wire::ResponseHeader header;
      header.destination = dial.session->local_id();
      wire::write_response_header(bad.data(), header);
      // Some carry the right ephemeral key.
      if (i % 3 == 0) std::copy_n(answer.begin() + 13, 32, bad.begin() + 13);
      dial.a.receive(dial.b.address, bad);
      dial.a.service();
    }
    EXPECT_EQ(dial.a.endpoint->counters().unauthenticated, forged);
    EXPECT_TRUE(dial.a.opened.empty());
    dial.a.receive(dial.b.address, answer);
    exchange(dial.a, dial.b);
    EXPECT_EQ(dial.a.opened.size(), 1u);
    EXPECT_EQ(dial.b.opened.size(), 1u);
  }
}

TEST(Flip, MadeUpResponsesCostNoMoreThanTheTriesOfAnInit) {
  Dial dial(kSuites[0]);
  const Bytes answer = dial.answer();
  for (int i = 0; i < 1000; i++) {
    Bytes bad = answer;
    bad[20] ^= static_cast<uint8_t>(1 + i % 255);
    dial.a.receive(dial.b.address, bad);
    dial.a.service();
  }
  EXPECT_EQ(dial.a.endpoint->counters().unauthenticated, 16u);
  // The right one comes after the next INIT.
  advance_both(dial.a, dial.b, dial.a.now + kSecond);
  EXPECT_EQ(dial.a.opened.size(), 1u);
  EXPECT_EQ(dial.b.opened.size(), 1u);
}

TEST(Flip, MadeUpResponsesInComputationDoNotKeepTheRightOneOut) {
  // The one behind them is looked at, as long as it is one of the first sixteen.
  for (const size_t before : {1, 2, 15, 16}) {
    Dial dial(kSuites[before % 2]);
    const Bytes answer = dial.answer();
    const uint64_t inits = dial.session->counters().handshakes_sent;
    dial.a.held = true;
    for (size_t i = 0; i < before; i++) {
      Bytes bad = answer;
      bad[20 + i] ^= 1;
      dial.a.receive(dial.b.address, bad);
    }
    dial.a.receive(dial.b.address, answer);
    dial.a.service();
    dial.a.held = false;
    dial.a.service();
    EXPECT_EQ(dial.a.endpoint->counters().unauthenticated, before);
    EXPECT_EQ(dial.a.opened.size(), before < 16 ? 1u : 0u) << before;
    EXPECT_EQ(dial.session->counters().handshakes_sent, inits);
    // Else the next INIT brings another one.
    advance_both(dial.a, dial.b, dial.a.now + kSecond);
    EXPECT_EQ(dial.a.opened.size(), 1u);
    EXPECT_EQ(dial.b.opened.size(), 1u);
  }
}

TEST(Flip, ResponsesThatWaitTakeLittleMemoryAndGiveItBack) {
  Dial dial(kSuites[0]);
  const Bytes answer = dial.answer();
  const size_t idle = dial.a.memory.in_use();
  dial.a.held = true;
  for (int i = 0; i < 1'000; i++) {
    Bytes bad = answer;
    bad[20] ^= static_cast<uint8_t>(1 + i % 255);
    dial.a.receive(dial.b.address, bad);
  }
  EXPECT_GT(dial.a.memory.in_use(), idle);
  EXPECT_LE(dial.a.memory.in_use(), idle + 5'000);
  dial.a.held = false;
  // They are done with when the session is open, and when it is given up.
  if (Session* session = dial.session; session != nullptr) {
    session->close(dial.a.now, wire::Code::kNoError, "enough", 6);
  }
  dial.a.service();
  EXPECT_EQ(dial.a.endpoint->session_count(), 0u);
  EXPECT_LT(dial.a.memory.in_use(), idle);
}

TEST(Flip, WithoutMemoryForAResponseThatWaitsItComesAgain) {
  Dial dial(kSuites[0]);
  const Bytes answer = dial.answer();
  Bytes bad = answer;
  bad.back() ^= 1;
  dial.a.held = true;
  dial.a.receive(dial.b.address, bad);
  dial.a.memory.fail_after(0, 1);
  dial.a.receive(dial.b.address, answer);
  dial.a.held = false;
  dial.a.service();
  EXPECT_TRUE(dial.a.opened.empty());
  advance_both(dial.a, dial.b, dial.a.now + kSecond);
  EXPECT_EQ(dial.a.opened.size(), 1u);
}

TEST(Flip, ARecordedResponseIsNoAnswerToAnotherInit) {
  Dial first(kSuites[0]);
  const Bytes recorded = first.answer();
  first.a.destroy();
  LoneOptions options = options_of(1);
  options.luck = 2;
  Lone again(options);
  Session* session = again.connect(first.b);
  again.service();
  again.take_sent();
  Bytes forged = recorded;
  wire::ResponseHeader header;
  header.destination = session->local_id();
  wire::write_response_header(forged.data(), header);
  again.receive(first.b.address, forged);
  again.service();
  EXPECT_TRUE(again.opened.empty());
  EXPECT_EQ(again.endpoint->counters().unauthenticated, 1u);
}

TEST(Flip, AResponseFromElsewhereIsNotTaken) {
  Dial dial(kSuites[0]);
  const Bytes answer = dial.answer();
  dial.a.receive(address_of(2, 2), answer);
  dial.a.service();
  EXPECT_TRUE(dial.a.opened.empty());
  dial.a.receive(dial.b.address, answer);
  exchange(dial.a, dial.b);
  EXPECT_EQ(dial.a.opened.size(), 1u);
}

TEST(Flip, ARecordedInitMakesNothingButAHalfOpenSession) {
  Dial dial(kSuites[0]);
  dial.expect_honest_one_opens();
  // From elsewhere, and from the same place.
  dial.b.receive(address_of(9), dial.init);
  dial.b.service();
  ASSERT_EQ(dial.b.sent.size(), 1u);
  EXPECT_TRUE(dial.b.take_sent().front().to == address_of(9));
  EXPECT_EQ(dial.b.endpoint->half_open_count(), 1u);
  dial.b.receive(dial.a.address, dial.init);
  dial.b.service();
  EXPECT_TRUE(dial.b.sent.empty());
  EXPECT_EQ(dial.b.opened.size(), 1u);
  EXPECT_TRUE(dial.b.opened[0]->open());
  advance_both(dial.a, dial.b, dial.b.now + 11 * kSecond);
  EXPECT_EQ(dial.b.endpoint->half_open_count(), 0u);
  EXPECT_EQ(dial.b.opened.size(), 1u);
}

}  // namespace
}  // namespace hawser::sim
