#include "transport/window_controller.h"

#include <gtest/gtest.h>

#include "test/support/test_random.h"
#include "wire/limits.h"

namespace hawser::transport {
namespace {

constexpr Duration kRound = 10 * kMillisecond;

class WindowControllerTest : public testing::Test {
 protected:
  void configure(uint32_t window = 0, uint32_t ack_every = 0, uint32_t minimum = 0,
                 uint32_t maximum = 0) {
    controller_.configure(window, ack_every, minimum, maximum);
    (void)controller_.update(now_, {kRound, sent_, resent_, 1, false});  // the first round begins
  }
  // A round trip in which 1,000 messages went, and `lost` of them again.
  bool round(double lost, bool limited = false, uint64_t congestion_messages = 2) {
    now_ += kRound;
    const auto resent = static_cast<uint64_t>(1'000 * lost);
    sent_ += 1'000 - resent;
    resent_ += resent;
    return controller_.update(now_, {kRound, sent_, resent_, congestion_messages, limited});
  }
  void rounds(int count, double lost, bool limited = false, uint64_t congestion_messages = 2) {
    for (int i = 0; i < count; i++) round(lost, limited, congestion_messages);
  }

  WindowController controller_;
  Time now_ = kSecond;
  uint64_t sent_ = 0;
  uint64_t resent_ = 0;
};

TEST_F(WindowControllerTest, BeginsWithItsFirstWindowAndHalfOfIt) {
  configure();
  EXPECT_EQ(controller_.window(), WindowController::kFirstWindow);
  EXPECT_EQ(controller_.ack_every(), WindowController::kFirstWindow / 2);
  EXPECT_EQ(controller_.cause(), WindowCause::kStart);
}

TEST_F(WindowControllerTest, AGivenWindowHoldsWhateverHappens) {
  configure(7, 3);
  rounds(10, 0.5, true, 1'000);
  rounds(30, 0, true, 1'000);
  controller_.on_advice(0.5, 2, 1);
  rounds(10, 0, true, 1'000);
  EXPECT_EQ(controller_.window(), 7u);
  EXPECT_EQ(controller_.ack_every(), 3u);
  EXPECT_EQ(controller_.cause(), WindowCause::kFixed);
}

TEST_F(WindowControllerTest, WithAGivenWindowMIsHalfOfIt) {
  configure(10);
  rounds(10, 0.5, true);
  EXPECT_EQ(controller_.ack_every(), 5u);
  configure(2);
  EXPECT_EQ(controller_.ack_every(), 1u);
}

TEST_F(WindowControllerTest, AGivenMIsNeverAboveN) {
  configure(0, 1'000);
  EXPECT_EQ(controller_.ack_every(), WindowController::kFirstWindow);
  configure(0, 100);
  rounds(20, 0.3);
  EXPECT_LT(controller_.window(), 100u);
  EXPECT_EQ(controller_.ack_every(), controller_.window());
}

TEST_F(WindowControllerTest, FallsWithLossToTheFloorAndMToAQuarter) {
  configure();
  uint32_t before = controller_.window();
  rounds(2, 0.1, false, 10);
  EXPECT_LT(controller_.window(), before);
  EXPECT_EQ(controller_.cause(), WindowCause::kLoss);
  EXPECT_EQ(controller_.ack_every(), controller_.window() / 4);
  rounds(50, 0.1, false, 10);
  EXPECT_EQ(controller_.window(), 4 * 10u);
  before = controller_.window();
  // Not below, and loss never raises it.
  rounds(50, 0.1, false, 1'000);
  EXPECT_EQ(controller_.window(), before);
  rounds(50, 0.1, false, 0);
  EXPECT_EQ(controller_.window(), WindowController::kSmallestWindow);
}

TEST_F(WindowControllerTest, IsRaisedToTheFloorWhenNIsTheLimit) {
  configure();
  rounds(1, 0, false, 1'000);
  EXPECT_EQ(controller_.window(), 256u);
  rounds(1, 0, true, 1'000);
  EXPECT_EQ(controller_.window(), 4'000u);
  EXPECT_EQ(controller_.cause(), WindowCause::kFloor);
  // Also over a path that loses, or the window would be the bottleneck.
  rounds(1, 0.1, true, 2'000);
  EXPECT_EQ(controller_.window(), 8'000u);
}

// The congestion window can double several times within a round trip.
TEST_F(WindowControllerTest, WhatHasToDoubleDoesNotWaitForARoundTrip) {
  configure();
  const auto soon = [&](uint64_t congestion_messages, bool limited) {
    now_ += kRound / 10;
    return controller_.update(now_, {kRound, sent_ += 10, resent_, congestion_messages, limited});
  };
  EXPECT_FALSE(soon(128, false));
  EXPECT_FALSE(soon(127, true));  // less than twice
  EXPECT_TRUE(soon(128, true));
  EXPECT_EQ(controller_.window(), 512u);
  EXPECT_EQ(controller_.cause(), WindowCause::kFloor);
  EXPECT_TRUE(soon(300, true));
  EXPECT_EQ(controller_.window(), 1'200u);
  configure(100);
  EXPECT_FALSE(soon(1'000, true));
  EXPECT_EQ(controller_.window(), 100u);
}

TEST_F(WindowControllerTest, GrowsOnlyOnACleanPathAndWhenItIsTheLimit) {
  configure();
  rounds(20, 0, false);
  EXPECT_EQ(controller_.window(), 256u);
  rounds(20, 0.01, true);
  EXPECT_EQ(controller_.window(), 256u);
  rounds(40, 0, true);
  EXPECT_GT(controller_.window(), 256u);
  EXPECT_EQ(controller_.cause(), WindowCause::kGrowth);
}

TEST_F(WindowControllerTest, MIsHalfAgainWhenThePathIsCleanForSomeRounds) {
  configure();
  rounds(1, 0.1, false, 1);
  const uint32_t window = controller_.window();
  ASSERT_EQ(controller_.ack_every(), window / 4);
  int needed = 0;
  while (controller_.ack_every() != controller_.window() / 2 && needed < 100) {
    round(0, false, 1);
    needed++;
    ASSERT_LE(controller_.window(), window);
  }
  EXPECT_GE(needed, WindowController::kCleanRounds);
  EXPECT_LT(needed, 100);
}

TEST_F(WindowControllerTest, StaysWithinTheApplicationsBounds) {
  configure(0, 0, 100, 500);
  rounds(50, 0.3);
  EXPECT_EQ(controller_.window(), 100u);
  rounds(200, 0, true, 10'000);
  EXPECT_EQ(controller_.window(), 500u);
  configure(0, 0, 0, 64);
  EXPECT_EQ(controller_.window(), 64u);
  configure(0, 0, 1'000, 0);
  EXPECT_EQ(controller_.window(), 1'000u);
}

TEST_F(WindowControllerTest, AdviceHoldsBackGrowthAndIsTakenBack) {
  configure();
  controller_.on_advice(0, 300, 100);
  rounds(50, 0, true, 10);
  EXPECT_EQ(controller_.window(), 300u);
  EXPECT_EQ(controller_.cause(), WindowCause::kAdvice);
  controller_.on_advice(0, 0, 0);
  rounds(10, 0, true, 10);
  EXPECT_GT(controller_.window(), 300u);
}

TEST_F(WindowControllerTest, AdviceNeverTakesWhatThePathNeeds) {
  configure();
  controller_.on_advice(0, 20, 5);
  rounds(10, 0, true, 10);
  EXPECT_EQ(controller_.window(), WindowController::kFirstWindow);
  rounds(1, 0, true, 100);
  EXPECT_EQ(controller_.window(), 400u);
  EXPECT_EQ(controller_.ack_every(), 200u);
}

TEST_F(WindowControllerTest, AdviceForMIsTakenInBadTimesOnly) {
  configure();
  controller_.on_advice(0, 20, 5);
  rounds(1, 0);
  EXPECT_EQ(controller_.ack_every(), WindowController::kFirstWindow / 2);
  controller_.on_advice(0.1, 20, 3);
  rounds(2, 0, false, 5);
  EXPECT_LT(controller_.window(), WindowController::kFirstWindow);
  EXPECT_EQ(controller_.ack_every(), 3u);
}

TEST_F(WindowControllerTest, AdviceNeverLeavesTheApplicationsMinimum) {
  configure(0, 0, 100, 500);
  controller_.on_advice(0.5, 2, 1);
  rounds(20, 0.5, true);
  EXPECT_EQ(controller_.window(), 100u);
}

TEST_F(WindowControllerTest, LossThatTheReceiverSaysCountsLikeLossThatWasSeen) {
  configure();
  controller_.on_advice(0.1, 0, 0);
  rounds(20, 0, false, 1);
  EXPECT_EQ(controller_.window(), WindowController::kSmallestWindow);
  EXPECT_DOUBLE_EQ(controller_.advised_loss(), 0.1);
  EXPECT_DOUBLE_EQ(controller_.loss(), 0);
}

TEST_F(WindowControllerTest, DecidesAtMostOnceARoundTrip) {
  configure();
  round(0.5);
  const uint32_t window = controller_.window();
  for (int i = 0; i < 9; i++) {
    now_ += kMillisecond;
    sent_ += 100;
    resent_ += 100;
    EXPECT_FALSE(controller_.update(now_, {kRound, sent_, resent_, 1, true}));
  }
  EXPECT_EQ(controller_.window(), window);
}

TEST_F(WindowControllerTest, ATrickleIsJudgedInTheEnd) {
  configure();
  EXPECT_FALSE(controller_.update(now_ + 2 * kRound, {kRound, 2, 2, 1, false}));
  EXPECT_TRUE(controller_.update(now_ + 9 * kRound, {kRound, 2, 2, 1, false}));
  EXPECT_DOUBLE_EQ(controller_.loss(), 0.5);
}

// Whatever it is told: even, within its bounds, and M within N.
TEST(WindowController, KeepsItsBoundsWhateverItIsTold) {
  for (const uint64_t seed : test::test_seeds(300)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    WindowController controller;
    const uint32_t minimum =
        random.chance(50) ? 2 * static_cast<uint32_t>(random.between(1, 500)) : 0;
    const uint32_t maximum =
        random.chance(50) ? std::max(minimum, 2u) + 2 * static_cast<uint32_t>(random.below(2'000))
                          : 0;
    controller.configure(0, 0, minimum, maximum);
    Time now = kSecond;
    WindowController::Path path{};
    for (int i = 0; i < 300; i++) {
      now += static_cast<Duration>(random.below(30)) * kMillisecond;
      path.round_trip = static_cast<Duration>(random.below(20)) * kMillisecond;
      path.sent += random.below(300);
      path.resent += random.chance(30) ? random.below(100) : 0;
      path.congestion_messages = random.below(random.chance(10) ? uint64_t{1} << 50 : 500);
      path.limited = random.chance(50);
      if (random.chance(10)) {
        const auto window =
            static_cast<uint32_t>(random.chance(20) ? 0 : random.between(2, 65'536));
        controller.on_advice(static_cast<double>(random.below(65'537)) / 65'536, window,
                             static_cast<uint32_t>(random.below(window + 1)));
      }
      (void)controller.update(now, path);
      const uint32_t n = controller.window();
      ASSERT_GE(n, std::max(minimum, wire::kMinWindow));
      ASSERT_LE(n, maximum != 0 ? maximum : wire::kMaxWindow);
      ASSERT_EQ(n % 2, 0u);
      ASSERT_GE(controller.ack_every(), 1u);
      ASSERT_LE(controller.ack_every(), n / 2 + (n == 2 ? 1 : 0));
    }
  }
}

}  // namespace
}  // namespace hawser::transport
