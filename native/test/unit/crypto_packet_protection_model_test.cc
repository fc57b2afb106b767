#include <gtest/gtest.h>

#include <deque>

#include "crypto/aead_packet_protection.h"
#include "crypto_protection_support.h"
#include "test/support/test_random.h"

namespace hawser::crypto {
namespace {

using testing::Bytes;
using testing::opened;
using testing::Opened;
using testing::plain_packet;

// A packet under way, or one that came and may come again.
struct Flying {
  uint64_t number;
  uint64_t epoch;
  Bytes bytes;
};

// One side, what flies to it, and what must be true of it.
struct Side {
  AeadPacketProtection protection;
  uint64_t next_number = 0;
  uint64_t mixes = 0;          // of the present epoch
  uint64_t receive_epoch = 0;  // of what it has opened
  bool previous = false;
  std::deque<Flying> incoming;
};

// A session over a path that loses, delays, repeats and changes packets, whose initiator begins
// epochs as fast as it may. What opens is told from the epochs alone, which the model knows.
class Session {
 public:
  Session(AeadSuite suite, uint64_t seed) : random_(seed) {
    const Secret<32> first(Bytes(32, static_cast<uint8_t>(seed)).data());
    const Secret<32> second(Bytes(32, static_cast<uint8_t>(seed + 1)).data());
    EXPECT_TRUE(initiator_.protection.init(suite, true, first, second));
    EXPECT_TRUE(responder_.protection.init(suite, false, second, first));
    initiator_.next_number = random_.below(uint64_t{1} << 31);
    responder_.next_number = random_.below(uint64_t{1} << 31);
  }

  void step() {
    const bool initiator = random_.chance(50);
    Side* const side = initiator ? &initiator_ : &responder_;
    Side* const other = initiator ? &responder_ : &initiator_;
    switch (random_.below(16)) {
      case 0:
        begin_epoch();
        break;
      case 1:
        mix();
        break;
      case 2:
        if (random_.chance(30)) side->protection.park();
        break;
      case 3:
        if (random_.chance(30)) {
          side->protection.forget_previous();
          side->previous = false;
        }
        break;
      case 4:
        forge(side);
        break;
      case 5:
      case 6:
      case 7:
      case 8:
        send(side, other);
        break;
      default:
        deliver(side);
    }
    EXPECT_EQ(responder_.protection.epoch(), responder_.receive_epoch);
    EXPECT_FALSE(responder_.protection.updating());
    EXPECT_EQ(initiator_.protection.updating(),
              initiator_.protection.epoch() != initiator_.receive_epoch);
    EXPECT_EQ(epoch_, initiator_.protection.epoch());
  }

  uint64_t epoch() const { return epoch_; }
  uint64_t opened_packets() const { return opened_; }
  uint64_t refused_packets() const { return refused_; }

 private:
  void begin_epoch() {
    const bool can = !initiator_.protection.updating();
    EXPECT_FALSE(responder_.protection.update());
    // Not before it has mixed what the responder has.
    if (can && initiator_.mixes != responder_.mixes) return;
    EXPECT_EQ(initiator_.protection.update(), can);
    if (!can) return;
    epoch_++;
    initiator_.mixes = 0;
  }

  // The responder first, as at the end of a handshake within the session; both in the same epoch.
  void mix() {
    if (initiator_.protection.epoch() != responder_.protection.epoch()) return;
    Side* const side = responder_.mixes == initiator_.mixes ? &responder_ : &initiator_;
    const Bytes fresh(32, static_cast<uint8_t>(epoch_ * 7 + side->mixes));
    EXPECT_TRUE(side->protection.mix(fresh.data()));
    side->mixes++;
  }

  void send(Side* from, Side* to) {
    const size_t count = random_.chance(5) ? random_.between(1, 70) : random_.between(1, 6);
    const size_t segment = random_.between(wire::kPacketOverhead, 120);
    const size_t last = random_.between(wire::kPacketOverhead, segment);
    Bytes train;
    std::vector<uint64_t> numbers;
    for (size_t i = 0; i < count; i++) {
      numbers.push_back(from->next_number);
      from->next_number += random_.chance(90) ? 1 : random_.between(1, 50);
      const Bytes packet = plain_packet(numbers[i], i + 1 < count ? segment : last);
      train.insert(train.end(), packet.begin(), packet.end());
    }
    ASSERT_TRUE(from->protection.seal(train.data(), train.size(), segment, numbers.data()));
    for (size_t i = 0; i < count; i++) {
      if (random_.chance(20)) continue;  // lost
      const auto begin = train.begin() + static_cast<ptrdiff_t>(i * segment);
      to->incoming.push_back(
          {numbers[i], from->protection.epoch(),
           Bytes(begin, begin + static_cast<ptrdiff_t>(i + 1 < count ? segment : last))});
    }
    while (to->incoming.size() > 60) to->incoming.pop_front();
  }

  // Whatever of what flies, mostly what flies longest.
  size_t pick(const Side& side) {
    const size_t flying = side.incoming.size();
    return random_.below(random_.chance(70) ? std::min<size_t>(flying, 3) : flying);
  }

  void deliver(Side* to) {
    if (to->incoming.empty()) return;
    const size_t at = pick(*to);
    const Flying packet = to->incoming[at];
    const bool again = random_.chance(10);
    if (!again) to->incoming.erase(to->incoming.begin() + static_cast<ptrdiff_t>(at));

    const uint64_t epoch = to->receive_epoch;
    const bool opens = packet.epoch == epoch || packet.epoch == epoch + 1 ||
                       (packet.epoch + 1 == epoch && to->previous);
    SCOPED_TRACE("number " + std::to_string(packet.number) + " of epoch " +
                 std::to_string(packet.epoch) + " in epoch " + std::to_string(epoch));
    EXPECT_EQ(opened(&to->protection, packet.number, packet.bytes),
              opens ? Opened::kYes : Opened::kForged);
    (opens ? opened_ : refused_)++;
    if (packet.epoch == epoch + 1) {
      to->receive_epoch++;
      to->previous = true;
      if (to == &responder_) responder_.mixes = 0;
    }
  }

  // Changed under way, or by someone who has found out the mask.
  void forge(Side* to) {
    if (to->incoming.empty()) return;
    Flying packet = to->incoming[pick(*to)];
    Bytes& bytes = packet.bytes;
    const bool phase = random_.chance(50);
    if (!phase) bytes[random_.below(bytes.size())] ^= static_cast<uint8_t>(random_.between(1, 255));
    ASSERT_TRUE(to->protection.unmask(bytes.data(), bytes.size()));
    if (phase) bytes[0] ^= kKeyPhaseBit;
    const uint64_t number = packet.number + (random_.chance(50) ? 0 : random_.below(100));
    EXPECT_EQ(to->protection.open(number, bytes.data(), bytes.size()), Opened::kForged);
    EXPECT_TRUE(testing::content_gone(bytes));
    refused_++;
  }

  test::TestRandom random_;
  Side initiator_;
  Side responder_;
  uint64_t epoch_ = 0;
  uint64_t opened_ = 0;
  uint64_t refused_ = 0;
};

TEST(CryptoPacketProtectionModel, AgreesOverABadPath) {
  uint64_t opened_packets = 0;
  uint64_t refused_packets = 0;
  uint64_t epochs = 0;
  const std::vector<uint64_t> seeds = test::test_seeds(40);
  for (const uint64_t seed : seeds) {
    for (const AeadSuite suite : testing::kBothSuites) {
      SCOPED_TRACE(test::seed_trace(seed));
      Session session(suite, seed);
      for (int i = 0; i < 1500; i++) {
        session.step();
        if (::testing::Test::HasFailure()) return;
      }
      opened_packets += session.opened_packets();
      refused_packets += session.refused_packets();
      epochs += session.epoch();
    }
  }
  std::printf("%llu packets opened, %llu refused, %llu updates\n",
              static_cast<unsigned long long>(opened_packets),
              static_cast<unsigned long long>(refused_packets),
              static_cast<unsigned long long>(epochs));
  // Or the test tests little.
  EXPECT_GT(opened_packets, 500 * seeds.size());
  EXPECT_GT(refused_packets, 100 * seeds.size());
  EXPECT_GT(epochs, 5 * seeds.size());
}

}  // namespace
}  // namespace hawser::crypto
