// What is counted for libcrypto, which does not say what it takes, against what the heap says.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "crypto/aead_packet_protection.h"
#include "transport/noise_security.h"

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
#include <malloc.h>
#define HAWSER_HEAP_KNOWN 1
#endif

namespace hawser {
namespace {

constexpr size_t kMany = 300;

// Bytes that are in use; 0 where nobody says.
size_t heap_bytes() {
#ifdef HAWSER_HEAP_KNOWN
  return mallinfo2().uordblks + mallinfo2().hblkhd;
#else
  return 0;
#endif
}

// A sanitizer has a heap of its own, of which this one knows nothing.
bool heap_is_known() {
  const size_t before = heap_bytes();
  void* volatile block = std::malloc(100'000);
  const bool seen = heap_bytes() >= before + 100'000;
  std::free(block);
  return seen;
}

class HeapOfLibcrypto : public testing::Test {
 protected:
  void SetUp() override {
    if (!heap_is_known()) GTEST_SKIP() << "this heap does not say what is in use";
  }
};

constexpr crypto::AeadSuite kSuites[] = {crypto::AeadSuite::kAes256Gcm,
                                         crypto::AeadSuite::kChaCha20Poly1305};

struct Ends {
  explicit Ends(crypto::AeadSuite suite) : suite(suite) {
    uint8_t bytes[crypto::kAeadKeyBytes] = {7};
    one.set(bytes);
    bytes[0] = 8;
    other.set(bytes);
  }
  void init() {
    EXPECT_TRUE(initiator.init(suite, true, one, other));
    EXPECT_TRUE(responder.init(suite, false, other, one));
  }
  void send(crypto::PacketProtection& from, crypto::PacketProtection& to, uint64_t number) {
    uint8_t packet[wire::kPacketOverhead + 20] = {0x80};
    packet[0] = static_cast<uint8_t>(0x80 | (from.epoch() & 1));
    ASSERT_TRUE(from.seal(packet, sizeof packet, sizeof packet, &number));
    ASSERT_TRUE(to.unmask(packet, sizeof packet));
    EXPECT_EQ(to.open(number, packet, sizeof packet), crypto::PacketProtection::Opened::kYes);
  }

  crypto::AeadSuite suite;
  crypto::Secret<crypto::kAeadKeyBytes> one;
  crypto::Secret<crypto::kAeadKeyBytes> other;
  crypto::AeadPacketProtection initiator;
  crypto::AeadPacketProtection responder;
};

TEST_F(HeapOfLibcrypto, KeysTakeWhatIsCounted) {
  for (const crypto::AeadSuite suite : kSuites) {
    Ends first(suite);  // what is made once for the process
    first.init();
    first.send(first.initiator, first.responder, 1);
    std::vector<std::unique_ptr<Ends>> all;
    for (size_t i = 0; i < kMany; i++) all.push_back(std::make_unique<Ends>(suite));
    const size_t before = heap_bytes();
    for (const auto& ends : all) {
      ends->init();
      ends->send(ends->initiator, ends->responder, 1);
      ends->send(ends->responder, ends->initiator, 1);
    }
    const size_t settled = (heap_bytes() - before) / (2 * kMany);
    const size_t counted = first.initiator.memory_bytes();
    EXPECT_LE(settled, counted + counted / 10);
    EXPECT_GE(settled, counted - counted / 5);
    // In the middle of an update, with keys of the epochs before and after.
    for (const auto& ends : all) {
      ASSERT_TRUE(ends->initiator.update());
      ends->send(ends->initiator, ends->responder, 2);
      ends->send(ends->responder, ends->initiator, 2);
      EXPECT_LE(ends->initiator.memory_bytes(), ends->initiator.active_bytes());
      EXPECT_LE(ends->responder.memory_bytes(), ends->responder.active_bytes());
    }
    const size_t most = (heap_bytes() - before) / (2 * kMany);
    EXPECT_LE(most, first.initiator.active_bytes());
    for (const auto& ends : all) {
      ends->initiator.park();
      ends->responder.park();
    }
    const size_t parked = heap_bytes() < before ? 0 : (heap_bytes() - before) / (2 * kMany);
    EXPECT_LE(parked, 64u);
    std::printf("libcrypto for a session: %zu bytes, in an update %zu, counted %zu\n", settled,
                most, first.initiator.active_bytes());
  }
}

TEST_F(HeapOfLibcrypto, HandshakesTakeWhatIsCounted) {
  transport::HeapMemory memory;
  auto* security = memory.create<transport::NoiseSecurity>();
  const uint8_t seed[crypto::kEd25519SeedBytes] = {1};
  transport::NoiseSecurityConfig config;
  config.seed = seed;
  ASSERT_TRUE(security->init(config));
  auto* peer = memory.create<transport::NoiseSecurity>();
  const uint8_t other_seed[crypto::kEd25519SeedBytes] = {2};
  config.seed = other_seed;
  ASSERT_TRUE(peer->init(config));
  for (const wire::Suite suite : {wire::Suite::kAes256Gcm, wire::Suite::kChaCha20Poly1305}) {
    wire::InitHeader header;
    header.suite = suite;
    wire::InitPayload payload{};
    payload.initiator = security->id();
    const auto dial = [&] {
      transport::Handshake* made = security->initiate(memory, peer->id(), header, payload);
      made->compute();
      EXPECT_TRUE(made->succeeded());
      return made;
    };
    transport::Handshake* first = dial();
    std::vector<transport::Handshake*> all(kMany);
    const size_t before = heap_bytes();
    for (transport::Handshake*& one : all) one = dial();
    const size_t taken = (heap_bytes() - before) / kMany;
    EXPECT_LE(taken, first->memory_bytes());
    EXPECT_GE(taken, first->memory_bytes() / 2);
    std::printf("a handshake under way: %zu bytes, counted %zu\n", taken, first->memory_bytes());
    for (transport::Handshake* one : all) security->release(memory, one);
    security->release(memory, first);
  }
  security->retire(memory);
  peer->retire(memory);
  EXPECT_EQ(memory.in_use(), 0u);
}

}  // namespace
}  // namespace hawser
