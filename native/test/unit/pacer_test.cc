#include "transport/pacer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

constexpr uint64_t kPacket = 1200;
constexpr uint64_t kMegabyte = 1'000'000;

TEST(Pacer, UnpacedNeverHolds) {
  Pacer pacer;
  EXPECT_EQ(pacer.budget(0), UINT64_MAX);
  pacer.on_sent(0, 1 << 30);
  EXPECT_EQ(pacer.budget(0), UINT64_MAX);
  EXPECT_EQ(pacer.next_release(5), 5);
  pacer.set_rate(kMegabyte, kPacket);
  pacer.set_rate(0, kPacket);
  EXPECT_EQ(pacer.budget(0), UINT64_MAX);
}

TEST(Pacer, QuantumIsAMillisecondWithinItsLimits) {
  Pacer pacer;
  pacer.set_rate(10 * kMegabyte, kPacket);
  EXPECT_EQ(pacer.quantum(), 10'000U);
  pacer.set_rate(kMegabyte, kPacket);
  EXPECT_EQ(pacer.quantum(), 2 * kPacket);
  pacer.set_rate(1000 * kMegabyte, kPacket);
  EXPECT_EQ(pacer.quantum(), 64U * 1024);
  // Two of the largest packets win over 64 KiB.
  pacer.set_rate(kMegabyte, 60'000);
  EXPECT_EQ(pacer.quantum(), 120'000U);
}

TEST(Pacer, StartsWithABurstOfTenPackets) {
  Pacer pacer;
  pacer.set_rate(kMegabyte, kPacket);
  EXPECT_EQ(pacer.budget(1000), 10 * kPacket);
  pacer.on_sent(1000, 10 * kPacket);
  EXPECT_EQ(pacer.budget(1000), 0U);
}

TEST(Pacer, ReleasesAQuantumAtATime) {
  Pacer pacer;
  pacer.set_rate(kMegabyte, kPacket);  // 1 byte a microsecond, quantum 2,400
  EXPECT_EQ(pacer.next_release(0), 0);
  pacer.on_sent(0, 10 * kPacket);
  EXPECT_EQ(pacer.budget(0), 0U);
  EXPECT_EQ(pacer.next_release(0), 2400 * kMicrosecond);
  EXPECT_EQ(pacer.budget(600 * kMicrosecond), 600U);
  EXPECT_EQ(pacer.next_release(600 * kMicrosecond), 2400 * kMicrosecond);
  // With a packet's worth there is nothing to wait for.
  EXPECT_EQ(pacer.next_release(1200 * kMicrosecond), 1200 * kMicrosecond);
  EXPECT_EQ(pacer.budget(2400 * kMicrosecond), 2400U);
}

TEST(Pacer, OwesWhatWasSentBeyondTheBudget) {
  Pacer pacer;
  pacer.set_rate(kMegabyte, kPacket);
  pacer.on_sent(0, 12 * kPacket);
  EXPECT_EQ(pacer.budget(0), 0U);
  EXPECT_EQ(pacer.next_release(0), 4800 * kMicrosecond);
  EXPECT_EQ(pacer.budget(2400 * kMicrosecond), 0U);
  EXPECT_EQ(pacer.budget(4800 * kMicrosecond), 2400U);
}

TEST(Pacer, IdlenessEarnsNoMoreThanABurst) {
  Pacer pacer;
  pacer.set_rate(100 * kMegabyte, kPacket);  // quantum 64 KiB
  pacer.on_sent(0, pacer.budget(0));
  // Not waiting: nothing was asked for in vain.
  EXPECT_EQ(pacer.budget(10 * kMillisecond), 65'536U);
  EXPECT_EQ(pacer.budget(10 * kSecond), 65'536U);
  // Waiting, but then silent for too long to have been waiting.
  pacer.on_sent(10 * kSecond, 65'536);
  EXPECT_EQ(pacer.budget(10 * kSecond), 0U);
  EXPECT_EQ(pacer.budget(20 * kSecond), 65'536U);
}

TEST(Pacer, ALateWakeUpLosesNoRate) {
  Pacer pacer;
  pacer.set_rate(1000 * kMegabyte, kPacket);  // a millisecond is 1 MB, fifteen quanta
  pacer.on_sent(0, pacer.budget(0));
  EXPECT_EQ(pacer.budget(0), 0U);
  EXPECT_EQ(pacer.budget(2 * kMillisecond), 2 * kMegabyte);
  pacer.on_sent(2 * kMillisecond, 2 * kMegabyte);
  EXPECT_EQ(pacer.budget(2 * kMillisecond), 0U);
  // But no more than kCatchUp is worth.
  EXPECT_EQ(pacer.budget(20 * kMillisecond), 4 * kMegabyte);
  // What a pause leaves of it is cut to the burst.
  pacer.on_sent(20 * kMillisecond, 1000);
  EXPECT_EQ(pacer.budget(30 * kMillisecond), 65'536U);
}

TEST(Pacer, TimeThatGoesBackChangesNothing) {
  Pacer pacer;
  pacer.set_rate(kMegabyte, kPacket);
  pacer.on_sent(kSecond, 10 * kPacket);
  EXPECT_EQ(pacer.budget(kSecond - 500), 0U);
  EXPECT_EQ(pacer.budget(kSecond), 0U);
  EXPECT_EQ(pacer.next_release(0), kSecond + 2400 * kMicrosecond);
  EXPECT_EQ(pacer.budget(kSecond + kMillisecond), 1000U);
}

TEST(Pacer, ANewRateKeepsTheBudget) {
  Pacer pacer;
  pacer.set_rate(kMegabyte, kPacket);
  pacer.on_sent(0, 9 * kPacket);
  pacer.set_rate(2 * kMegabyte, kPacket);
  EXPECT_EQ(pacer.budget(0), kPacket);
  EXPECT_EQ(pacer.budget(600 * kMicrosecond), 2 * kPacket);
}

TEST(Pacer, ExtremesStayFinite) {
  Pacer pacer;
  pacer.set_rate(UINT64_MAX, UINT64_MAX);
  EXPECT_GT(pacer.budget(0), 0U);
  pacer.on_sent(0, UINT64_MAX);
  EXPECT_EQ(pacer.budget(0), 0U);
  const Time release = pacer.next_release(0);
  EXPECT_GT(release, 0);
  EXPECT_GE(pacer.budget(release), pacer.quantum());
  pacer.set_rate(1, 1);
  pacer.on_sent(release, 1000);
  EXPECT_GE(pacer.budget(pacer.next_release(release)), pacer.quantum());
  EXPECT_GT(pacer.budget(INT64_MAX - 1), 0U);
}

TEST(Pacer, ABurstOfLongPacketsIsNoLongerThanOne) {
  Pacer pacer;
  pacer.set_rate(kMegabyte, 16'376);
  EXPECT_EQ(pacer.budget(0), 2 * 16'376U);  // not ten of them
  Pacer usual;
  usual.set_rate(kMegabyte, 1'472);
  EXPECT_EQ(usual.budget(0), 14'720U);
}

TEST(Pacer, TakesBackWhatNeverLeft) {
  Pacer pacer;
  pacer.set_rate(kMegabyte, kPacket);
  pacer.on_sent(0, 9 * kPacket);
  pacer.give_back(4 * kPacket);
  EXPECT_EQ(pacer.budget(0), 5 * kPacket);
  pacer.give_back(UINT64_MAX);
  EXPECT_EQ(pacer.budget(0), 10 * kPacket);
}

// Whatever the rate, the packet size and the times of looking: waking at next_release() always
// gives a quantum, and over a long run of a sender that always has data the rate is kept.
TEST(Pacer, ABusySenderGetsTheRate) {
  for (const uint64_t seed : test::test_seeds(60)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    Pacer pacer;
    const uint64_t rate = random.between(10'000, 1'000'000) * random.between(1, 1000);
    const uint64_t packet = random.between(200, 32'768);
    pacer.set_rate(rate, packet);
    Time now = static_cast<Time>(random.below(1'000'000'000));
    const Time start = now;
    const uint64_t burst = pacer.budget(now);
    uint64_t sent = 0;
    for (int round = 0; round < 2000; round++) {
      while (pacer.budget(now) >= packet) {
        const uint64_t bytes = random.between(1, packet);
        pacer.on_sent(now, bytes);
        sent += bytes;
      }
      const Time release = pacer.next_release(now);
      ASSERT_GT(release, now);
      if (random.chance(70)) {
        now = release;
        ASSERT_GE(pacer.budget(now), pacer.quantum());
      } else if (random.chance(50)) {
        // Late, but not by more than is caught up with.
        now = release + static_cast<Time>(random.below(kMillisecond));
      } else {
        now += static_cast<Time>(random.below(static_cast<uint64_t>(release - now)));
      }
      // Never faster than the rate plus the burst.
      const double allowed = static_cast<double>(rate) * static_cast<double>(now - start) / kSecond;
      ASSERT_LE(static_cast<double>(sent), allowed + static_cast<double>(burst + packet) + 1);
      // Never slower, but for what the bucket holds.
      const double held = static_cast<double>(std::max(pacer.quantum(), 10 * packet)) +
                          static_cast<double>(rate) * Pacer::kCatchUp / kSecond;
      ASSERT_GE(static_cast<double>(sent), allowed - held - 1);
    }
  }
}

}  // namespace
}  // namespace hawser::transport
