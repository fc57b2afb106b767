#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "net/impairment.h"

namespace hawser::net {
namespace {

constexpr int64_t kMs = 1'000'000;

// Feeds `count` datagrams, `gap` apart.
std::vector<ImpairmentDecision> run(Impairment* impairment, int count, size_t size = 1200,
                                    int64_t gap = 1000) {
  std::vector<ImpairmentDecision> decisions;
  decisions.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) decisions.push_back(impairment->decide(i * gap, size));
  return decisions;
}

// True when `hits` of `count` lie within five standard deviations of `probability`.
bool plausible(uint64_t hits, int count, double probability) {
  const double mean = count * probability;
  const double deviation = std::sqrt(count * probability * (1 - probability));
  return std::abs(static_cast<double>(hits) - mean) <= 5 * deviation + 1e-9;
}

// First outputs of the published reference programs: splitmix64.c for seed 1234567, xoshiro256**
// for the state 1, 2, 3, 4.
TEST(NetPrng, MatchesTheReferencePrograms) {
  SplitMix64 spread(1234567);
  EXPECT_EQ(spread.next(), 6457827717110365317U);
  EXPECT_EQ(spread.next(), 3203168211198807973U);
  EXPECT_EQ(spread.next(), 9817491932198370423U);
  Prng prng = Prng::from_state(1, 2, 3, 4);
  EXPECT_EQ(prng.next(), 11520U);
  EXPECT_EQ(prng.next(), 0U);
  EXPECT_EQ(prng.next(), 1509978240U);
  EXPECT_EQ(prng.next(), 1215971899390074240U);
}

TEST(NetPrng, SeedsAndStreamsDiffer) {
  EXPECT_EQ(Prng(1, 2).next(), Prng(1, 2).next());
  EXPECT_NE(Prng(1, 2).next(), Prng(1, 3).next());
  EXPECT_NE(Prng(1, 2).next(), Prng(2, 2).next());
  EXPECT_NE(Prng(1, 2).next(), Prng(2, 1).next());
}

TEST(NetPrng, ChanceIsExactAtItsEnds) {
  Prng prng(1);
  for (int64_t i = 0; i < 1000; ++i) {
    EXPECT_FALSE(Chance(0).happens(&prng));
    EXPECT_TRUE(Chance(1).happens(&prng));
    EXPECT_FALSE(Chance().happens(&prng));
  }
  int hits = 0;
  const Chance almost(std::nextafter(1.0, 0.0));
  for (int64_t i = 0; i < 1000; ++i) hits += almost.happens(&prng) ? 1 : 0;
  EXPECT_EQ(hits, 1000);
}

TEST(NetImpairment, WithoutOptionsItLetsEverythingThrough) {
  Impairment impairment;
  EXPECT_FALSE(impairment.options().active());
  for (int64_t i = 0; i < 1000; ++i) {
    const ImpairmentDecision decision = impairment.decide(i, 1200);
    ASSERT_EQ(decision.copies, 1);
    ASSERT_EQ(decision.copy[0].release_time, i);
    ASSERT_EQ(decision.copy[0].corrupt_bit, -1);
  }
}

TEST(NetImpairment, ValidatesEveryOption) {
  EXPECT_EQ(ImpairmentOptions().first_invalid(), nullptr);
  struct Probability {
    double ImpairmentOptions::*field;
    const char* name;
  };
  for (const Probability& p : {Probability{&ImpairmentOptions::loss, "loss"},
                               Probability{&ImpairmentOptions::duplicate, "duplicate"},
                               Probability{&ImpairmentOptions::reorder, "reorder"},
                               Probability{&ImpairmentOptions::corrupt, "corrupt"},
                               Probability{&ImpairmentOptions::burst_enter, "burst_enter"},
                               Probability{&ImpairmentOptions::burst_leave, "burst_leave"},
                               Probability{&ImpairmentOptions::burst_loss, "burst_loss"}}) {
    for (double bad : {-0.001, 1.001, std::numeric_limits<double>::quiet_NaN(),
                       std::numeric_limits<double>::infinity()}) {
      ImpairmentOptions options;
      options.*p.field = bad;
      ASSERT_NE(options.first_invalid(), nullptr) << p.name;
      EXPECT_STREQ(options.first_invalid(), p.name);
    }
    ImpairmentOptions options;
    options.*p.field = 1;
    EXPECT_EQ(options.first_invalid(), nullptr) << p.name;
  }
  ImpairmentOptions options;
  options.delay_ns = -1;
  EXPECT_STREQ(options.first_invalid(), "delay_ns");
  options.delay_ns = ImpairmentOptions::kMaxDelayNs;
  options.jitter_ns = ImpairmentOptions::kMaxDelayNs + 1;
  EXPECT_STREQ(options.first_invalid(), "jitter_ns");
  options.jitter_ns = 0;
  options.rate_bytes_per_second = ImpairmentOptions::kMaxRate + 1;
  EXPECT_STREQ(options.first_invalid(), "rate_bytes_per_second");
  options.rate_bytes_per_second = ImpairmentOptions::kMaxRate;
  options.queue_bytes = ImpairmentOptions::kMaxQueueBytes + 1;
  EXPECT_STREQ(options.first_invalid(), "queue_bytes");
}

TEST(NetImpairment, LosesAsOftenAsAsked) {
  for (double loss : {0.01, 0.05, 0.5, 0.99}) {
    ImpairmentOptions options;
    options.loss = loss;
    options.seed = 7;
    Impairment impairment(options);
    constexpr int kCount = 100'000;
    uint64_t lost = 0;
    for (const ImpairmentDecision& decision : run(&impairment, kCount)) {
      lost += decision.copies == 0 ? 1 : 0;
    }
    EXPECT_EQ(lost, impairment.counters().lost);
    EXPECT_TRUE(plausible(lost, kCount, loss)) << lost << " at " << loss;
  }
  ImpairmentOptions options;
  options.loss = 1;
  Impairment impairment(options);
  for (const ImpairmentDecision& decision : run(&impairment, 1000)) {
    ASSERT_EQ(decision.copies, 0);
  }
}

TEST(NetImpairment, LosesInBursts) {
  ImpairmentOptions options;
  options.burst_enter = 0.01;
  options.burst_leave = 0.25;
  options.seed = 3;
  Impairment impairment(options);
  constexpr int kCount = 400'000;
  uint64_t lost = 0;
  uint64_t bursts = 0;
  bool before = false;
  for (const ImpairmentDecision& decision : run(&impairment, kCount)) {
    const bool now = decision.copies == 0;
    lost += now ? 1 : 0;
    bursts += now && !before ? 1 : 0;
    before = now;
  }
  // Stationary loss p / (p + r) = 3.85 %, mean burst 1 / r = 4.
  const double share = static_cast<double>(lost) / kCount;
  const double mean_burst = static_cast<double>(lost) / static_cast<double>(bursts);
  EXPECT_NEAR(share, 0.01 / 0.26, 0.002);
  EXPECT_NEAR(mean_burst, 4.0, 0.2);
}

TEST(NetImpairment, SameSeedSameRun) {
  ImpairmentOptions options;
  options.loss = 0.05;
  options.duplicate = 0.05;
  options.reorder = 0.05;
  options.corrupt = 0.05;
  options.burst_enter = 0.001;
  options.burst_leave = 0.1;
  options.delay_ns = 20 * kMs;
  options.jitter_ns = 5 * kMs;
  options.rate_bytes_per_second = 1'000'000;
  options.queue_bytes = 50'000;
  options.seed = 99;
  Impairment a(options);
  Impairment b(options);
  options.seed = 100;
  Impairment c(options);
  bool differs = false;
  for (int64_t i = 0; i < 20'000; ++i) {
    const ImpairmentDecision x = a.decide(i * 1000, 1200);
    const ImpairmentDecision y = b.decide(i * 1000, 1200);
    const ImpairmentDecision z = c.decide(i * 1000, 1200);
    ASSERT_EQ(x.copies, y.copies);
    for (int k = 0; k < x.copies; ++k) {
      ASSERT_EQ(x.copy[k].release_time, y.copy[k].release_time);
      ASSERT_EQ(x.copy[k].corrupt_bit, y.copy[k].corrupt_bit);
    }
    differs = differs || x.copies != z.copies;
  }
  EXPECT_TRUE(differs);
}

// A change here would silently change every recorded simulation: the runs of a seed are kept.
TEST(NetImpairment, TheRunOfASeedStaysTheSame) {
  ImpairmentOptions options;
  options.loss = 0.1;
  options.duplicate = 0.1;
  options.reorder = 0.1;
  options.corrupt = 0.1;
  options.delay_ns = 10 * kMs;
  options.jitter_ns = 2 * kMs;
  options.seed = 1;
  Impairment impairment(options);
  uint64_t digest = 14695981039346656037U;  // FNV-1a over 64-bit words
  const auto mix = [&digest](int64_t value) {
    digest = (digest ^ static_cast<uint64_t>(value)) * 1099511628211U;
  };
  for (const ImpairmentDecision& decision : run(&impairment, 10'000)) {
    mix(decision.copies);
    for (int k = 0; k < decision.copies; ++k) {
      mix(decision.copy[k].release_time);
      mix(decision.copy[k].corrupt_bit);
    }
  }
  EXPECT_EQ(digest, 13476038079759156618U);
}

TEST(NetImpairment, OneEffectDoesNotChangeAnother) {
  ImpairmentOptions options;
  options.loss = 0.1;
  options.reorder = 0.1;
  options.delay_ns = 10 * kMs;
  options.seed = 5;
  Impairment plain(options);
  options.jitter_ns = 3 * kMs;
  options.duplicate = 0.3;
  options.corrupt = 0.3;
  Impairment busy(options);
  int compared = 0;
  for (int64_t i = 0; i < 10'000; ++i) {
    const int64_t now = i * 1000;
    const ImpairmentDecision x = plain.decide(now, 1200);
    const ImpairmentDecision y = busy.decide(now, 1200);
    ASSERT_EQ(x.copies == 0, y.copies == 0);
    if (x.copies == 0) continue;
    // Reordered datagrams are the ones without delay.
    ASSERT_EQ(x.copy[0].release_time == now, y.copy[0].release_time == now);
    ++compared;
  }
  EXPECT_GT(compared, 8000);
  EXPECT_EQ(plain.counters().lost, busy.counters().lost);
}

TEST(NetImpairment, DelayIsConstantWithoutJitter) {
  ImpairmentOptions options;
  options.delay_ns = 25 * kMs;
  Impairment impairment(options);
  for (int64_t i = 0; i < 100; ++i) {
    ASSERT_EQ(impairment.decide(i * 77, 1200).copy[0].release_time, i * 77 + 25 * kMs);
  }
}

TEST(NetImpairment, JitterStaysInItsBoundsAndKeepsOrder) {
  ImpairmentOptions options;
  options.delay_ns = 20 * kMs;
  options.jitter_ns = 5 * kMs;
  options.seed = 11;
  // Far apart: the drawn delays themselves.
  Impairment sparse(options);
  int64_t smallest = INT64_MAX;
  int64_t largest = 0;
  double sum = 0;
  constexpr int kCount = 20'000;
  for (int64_t i = 0; i < kCount; ++i) {
    const int64_t now = i * 20 * kMs;
    const int64_t delay = sparse.decide(now, 1200).copy[0].release_time - now;
    ASSERT_GE(delay, 15 * kMs);
    ASSERT_LE(delay, 25 * kMs);
    smallest = std::min(smallest, delay);
    largest = std::max(largest, delay);
    sum += static_cast<double>(delay);
  }
  EXPECT_LT(smallest, 15 * kMs + kMs / 100);
  EXPECT_GT(largest, 25 * kMs - kMs / 100);
  EXPECT_NEAR(sum / kCount, 20.0 * kMs, 0.1 * kMs);

  // Close together: the order holds.
  Impairment dense(options);
  int64_t last = 0;
  for (int64_t i = 0; i < kCount; ++i) {
    const int64_t now = i * 10'000;
    const int64_t release = dense.decide(now, 1200).copy[0].release_time;
    ASSERT_GE(release, last);
    ASSERT_LE(release - now, 25 * kMs);
    last = release;
  }
}

TEST(NetImpairment, JitterAboveTheDelayNeverReleasesBeforeTheSend) {
  ImpairmentOptions options;
  options.delay_ns = 1 * kMs;
  options.jitter_ns = 10 * kMs;
  Impairment impairment(options);
  for (int64_t i = 0; i < 10'000; ++i) {
    const int64_t now = i * 30 * kMs;
    ASSERT_GE(impairment.decide(now, 100).copy[0].release_time, now);
  }
}

TEST(NetImpairment, ReorderedDatagramsSkipTheDelay) {
  ImpairmentOptions options;
  options.delay_ns = 20 * kMs;
  options.reorder = 0.1;
  options.seed = 2;
  Impairment impairment(options);
  constexpr int kCount = 20'000;
  uint64_t early = 0;
  for (int64_t i = 0; i < kCount; ++i) {
    const int64_t now = i * 10'000;
    const int64_t delay = impairment.decide(now, 1200).copy[0].release_time - now;
    ASSERT_TRUE(delay == 0 || delay == 20 * kMs) << delay;
    early += delay == 0 ? 1 : 0;
  }
  EXPECT_EQ(early, impairment.counters().reordered);
  EXPECT_TRUE(plausible(early, kCount, 0.1)) << early;
}

TEST(NetImpairment, WithoutDelayReorderedDatagramsAreHeldBack) {
  for (int64_t jitter : {int64_t{0}, 3 * kMs}) {
    ImpairmentOptions options;
    options.reorder = 0.1;
    options.jitter_ns = jitter;
    options.seed = 2;
    Impairment impairment(options);
    const int64_t hold = jitter > 0 ? jitter : kMs;
    uint64_t overtaken = 0;
    int64_t latest = 0;
    for (int64_t i = 0; i < 5000; ++i) {
      const int64_t now = i * 1000;
      const int64_t release = impairment.decide(now, 1200).copy[0].release_time;
      ASSERT_LE(release - now, hold);
      if (release < latest) ++overtaken;
      latest = std::max(latest, release);
    }
    EXPECT_GT(overtaken, 1000U);
    EXPECT_TRUE(plausible(impairment.counters().reordered, 5000, 0.1));
  }
}

TEST(NetImpairment, DuplicatesAsOftenAsAsked) {
  ImpairmentOptions options;
  options.duplicate = 0.05;
  options.delay_ns = 10 * kMs;
  options.jitter_ns = 2 * kMs;
  options.seed = 4;
  Impairment impairment(options);
  constexpr int kCount = 50'000;
  uint64_t twice = 0;
  for (const ImpairmentDecision& decision : run(&impairment, kCount)) {
    ASSERT_GE(decision.copies, 1);
    if (decision.copies == 2) {
      ++twice;
      ASSERT_GE(decision.copy[1].release_time, decision.copy[0].release_time);
    }
  }
  EXPECT_EQ(twice, impairment.counters().duplicated);
  EXPECT_TRUE(plausible(twice, kCount, 0.05)) << twice;
}

TEST(NetImpairment, CorruptsOneBitInsideTheDatagram) {
  ImpairmentOptions options;
  options.corrupt = 0.2;
  options.seed = 8;
  Impairment impairment(options);
  constexpr int kCount = 50'000;
  constexpr int64_t kBits = 800;
  uint64_t corrupted = 0;
  int64_t largest = -1;
  int64_t smallest = INT64_MAX;
  for (const ImpairmentDecision& decision : run(&impairment, kCount, 100)) {
    const int64_t bit = decision.copy[0].corrupt_bit;
    if (bit < 0) continue;
    ++corrupted;
    largest = std::max(largest, bit);
    smallest = std::min(smallest, bit);
  }
  EXPECT_TRUE(plausible(corrupted, kCount, 0.2));
  EXPECT_EQ(corrupted, impairment.counters().corrupted);
  EXPECT_EQ(smallest, 0);
  EXPECT_EQ(largest, kBits - 1);
  EXPECT_EQ(impairment.decide(0, 0).copy[0].corrupt_bit, -1);
}

TEST(NetImpairment, TheLinkSerialises) {
  ImpairmentOptions options;
  options.rate_bytes_per_second = 1'000'000;  // 1200 bytes: 1.2 ms
  options.delay_ns = 10 * kMs;
  Impairment impairment(options);
  for (int64_t i = 1; i <= 10; ++i) {
    EXPECT_EQ(impairment.decide(0, 1200).copy[0].release_time, i * 1'200'000 + 10 * kMs);
  }
  // Idle again: from the new now.
  EXPECT_EQ(impairment.decide(100 * kMs, 1000).copy[0].release_time, 100 * kMs + kMs + 10 * kMs);
}

TEST(NetImpairment, TheLinkDoesNotGainByRounding) {
  ImpairmentOptions options;
  options.rate_bytes_per_second = 7'000'000'000;  // 64 bytes: 9.142857 ns
  Impairment impairment(options);
  int64_t last = 0;
  for (int64_t i = 0; i < 7'000; ++i) last = impairment.decide(0, 64).copy[0].release_time;
  EXPECT_EQ(last, 64'000);
}

TEST(NetImpairment, TheQueueDropsAtItsTail) {
  ImpairmentOptions options;
  options.rate_bytes_per_second = 1'000'000;
  options.queue_bytes = 12'000;
  Impairment impairment(options);
  int taken = 0;
  for (int64_t i = 0; i < 100; ++i) taken += impairment.decide(0, 1200).copies;
  // The first one goes straight to the link; what still has to leave is bounded by the queue.
  EXPECT_EQ(taken, 10);
  EXPECT_EQ(impairment.counters().overflowed, 90U);
  // 1.2 ms later one has left.
  EXPECT_EQ(impairment.decide(1'200'000, 1200).copies, 1);
  EXPECT_EQ(impairment.decide(1'200'000, 1200).copies, 0);
}

TEST(NetImpairment, AQueueSmallerThanADatagramStillCarriesOneAtATime) {
  ImpairmentOptions options;
  options.rate_bytes_per_second = 1'000'000;
  options.queue_bytes = 1;
  Impairment impairment(options);
  EXPECT_EQ(impairment.decide(0, 1200).copies, 1);
  EXPECT_EQ(impairment.decide(1, 1200).copies, 0);
  EXPECT_EQ(impairment.decide(1'200'000, 1200).copies, 1);
}

TEST(NetImpairment, ExtremeOptionsDoNotOverflow) {
  ImpairmentOptions options;
  options.rate_bytes_per_second = 1;
  options.delay_ns = ImpairmentOptions::kMaxDelayNs;
  options.jitter_ns = ImpairmentOptions::kMaxDelayNs;
  options.duplicate = 1;
  ASSERT_EQ(options.first_invalid(), nullptr);
  Impairment slow(options);
  for (int64_t i = 0; i < 10'000; ++i) {
    const ImpairmentDecision decision = slow.decide(0, 65507);
    for (int k = 0; k < decision.copies; ++k) ASSERT_GE(decision.copy[k].release_time, 0);
  }
  EXPECT_GT(slow.counters().overflowed, 0U);

  options.rate_bytes_per_second = ImpairmentOptions::kMaxRate;
  options.queue_bytes = ImpairmentOptions::kMaxQueueBytes;
  Impairment fast(options);
  for (int64_t i = 0; i < 10'000; ++i) ASSERT_EQ(fast.decide(0, 65507).copies, 2);
}

}  // namespace
}  // namespace hawser::net
