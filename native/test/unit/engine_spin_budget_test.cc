// When spinning is tried, when it is given up, and when it is tried again; with a clock of its own.

#include <gtest/gtest.h>

#include "engine/spin_budget.h"

namespace hawser::engine {
namespace {

using transport::Duration;
using transport::kMicrosecond;
using transport::kMillisecond;
using transport::kNever;
using transport::kSecond;
using transport::Time;

struct Spinning : testing::Test {
  Spinning() { budget.set_enabled(true); }

  // One spin in which each look takes `look`, and the thing comes after `after`.
  bool spin(Duration after, Duration look = kMicrosecond) {
    const Time comes = after == kNever ? kNever : now + after;
    return budget.spin([this] { return now; },
                       [&] {
                         now += look;
                         return now >= comes;
                       });
  }

  // A datagram came, and before the engine's thread sleeps again it may spin.
  bool expect_another() {
    budget.note_received(1);
    return budget.wants(now);
  }

  // Spins for nothing until it is given up, and answers how often.
  int miss_until_paused() {
    int spins = 0;
    while (expect_another()) {
      EXPECT_FALSE(spin(kNever));
      if (++spins == 1000) break;
    }
    return spins;
  }

  // Answers how long it takes until spinning is tried again.
  Duration pause() {
    const Time began = now;
    while (!expect_another() && now - began < 10 * kSecond) now += kMillisecond;
    return now - began;
  }

  SpinBudget budget;
  Time now = kSecond;
};

TEST_F(Spinning, OffUntilItIsAskedFor) {
  SpinBudget fresh;
  EXPECT_FALSE(fresh.enabled());
  fresh.note_received(1);
  EXPECT_FALSE(fresh.wants(now));
  budget.set_enabled(false);
  EXPECT_FALSE(expect_another());
  budget.set_enabled(true);
  EXPECT_TRUE(expect_another());
}

TEST_F(Spinning, OnceAfterAFewDatagrams) {
  EXPECT_FALSE(budget.wants(now));
  budget.note_received(SpinBudget::kFewDatagrams);
  budget.note_received(0);  // served again, and nothing was there
  EXPECT_TRUE(budget.wants(now));
  EXPECT_FALSE(budget.wants(now));
  budget.note_received(SpinBudget::kFewDatagrams + 1);
  EXPECT_FALSE(budget.wants(now));
}

TEST_F(Spinning, EndsWithWhatComesOrAfterItsTime) {
  const Time began = now;
  EXPECT_TRUE(spin(20 * kMicrosecond));
  EXPECT_EQ(now - began, 20 * kMicrosecond);
  EXPECT_FALSE(spin(kNever));
  EXPECT_EQ(now - began, 20 * kMicrosecond + SpinBudget::kSpin);
  EXPECT_EQ(budget.spins(), 2u);
}

TEST_F(Spinning, CountsDatagramsAndNothingElseAsHits) {
  EXPECT_TRUE(spin(kMicrosecond));
  budget.note_received(1);
  EXPECT_EQ(budget.hits(), 1u);
  // A timer, or a socket of the application.
  EXPECT_TRUE(spin(kMicrosecond));
  budget.note_served();
  budget.note_received(1);
  EXPECT_EQ(budget.hits(), 1u);
  // What comes after a spin that met nothing is not its merit.
  EXPECT_FALSE(spin(kNever));
  budget.note_received(1);
  EXPECT_EQ(budget.hits(), 1u);
}

TEST_F(Spinning, GoesOnAsLongAsItPays) {
  for (int i = 0; i < 10'000; i++) {
    ASSERT_TRUE(expect_another());
    // One of four for nothing, and the time between two of them passes.
    spin(i % 4 == 0 ? kNever : 30 * kMicrosecond);
    now += 20 * kMicrosecond;
  }
  EXPECT_EQ(budget.spins(), 10'000u);
}

TEST_F(Spinning, PausesWhenNothingComesAndLongerEachTime) {
  EXPECT_EQ(miss_until_paused(), 4);
  EXPECT_EQ(pause(), SpinBudget::kFirstPause);
  EXPECT_EQ(miss_until_paused(), 4);
  EXPECT_EQ(pause(), 2 * SpinBudget::kFirstPause);
  for (int i = 0; i < 10; i++) {
    miss_until_paused();
    pause();
  }
  miss_until_paused();
  EXPECT_EQ(pause(), SpinBudget::kLongestPause);
}

TEST_F(Spinning, PausesAreShortAgainOnceItPaid) {
  for (int i = 0; i < 5; i++) {
    miss_until_paused();
    pause();
  }
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(expect_another());
    spin(10 * kMicrosecond);
  }
  budget.note_received(1);
  miss_until_paused();
  EXPECT_EQ(pause(), SpinBudget::kFirstPause);
}

// Other threads want the processor: each time it comes back, milliseconds are over.
TEST_F(Spinning, LosingTheProcessorEndsItThoughDatagramsAreMet) {
  int spins = 0;
  while (expect_another() && spins < 100) {
    EXPECT_TRUE(spin(kMicrosecond, 3 * kMillisecond));
    spins++;
  }
  EXPECT_EQ(spins, 1);
  EXPECT_EQ(pause(), SpinBudget::kFirstPause);
}

// Once in a while it happens to everybody.
TEST_F(Spinning, LosingTheProcessorSeldomIsForgiven) {
  for (int i = 0; i < 10'000; i++) {
    ASSERT_TRUE(expect_another());
    ASSERT_TRUE(spin(kMicrosecond, i % 256 == 255 ? 500 * kMicrosecond : kMicrosecond));
  }
}

}  // namespace
}  // namespace hawser::engine
