// Packets of counted channels: acknowledged when their receiver counts, so that no probe timeout
// covers them and their acknowledgements say little about the round trip.
#include <gtest/gtest.h>

#include "test/support/loss_detector_fixture.h"

namespace hawser::transport {
namespace {

using namespace loss_test;

class LossDetectorDeferred : public LossDetectorTest {
 protected:
  uint64_t send_deferred() {
    const uint64_t number = detector_.next_number();
    SentPacket packet = packet_of(number, now_);
    packet.deferred = true;
    EXPECT_TRUE(detector_.on_sent(packet));
    return number;
  }
  struct Chosen final : LossDetector::Picker {
    Numbers numbers;
    bool picks(const SentPacket& packet) override {
      return std::find(numbers.begin(), numbers.end(), packet.number) != numbers.end();
    }
  };
  LossDetector::TimeoutResult give_up(const Numbers& numbers) {
    Chosen chosen;
    chosen.numbers = numbers;
    recorder_.clear();
    return detector_.give_up(now_, chosen, recorder_);
  }
};

TEST_F(LossDetectorDeferred, HaveNoProbeTimeout) {
  warm_up(10 * kMillisecond);
  send_deferred();
  EXPECT_TRUE(detector_.anything_ack_eliciting_in_flight());
  EXPECT_FALSE(detector_.probe_pending());
  EXPECT_EQ(deadline(), kNever);
  now_ += 60 * kSecond;
  EXPECT_EQ(timeout().probes, 0u);
  EXPECT_EQ(detector_.oldest_to_probe(), nullptr);
}

TEST_F(LossDetectorDeferred, TheProbeTimeoutIsThatOfTheOthers) {
  warm_up(10 * kMillisecond);
  send_deferred();
  now_ += kMillisecond;
  const uint64_t prompt = send();
  const Time due = deadline();
  ASSERT_NE(due, kNever);
  now_ += kMillisecond;
  send_deferred();  // does not put it off
  EXPECT_EQ(deadline(), due);
  ASSERT_NE(detector_.oldest_to_probe(), nullptr);
  EXPECT_EQ(detector_.oldest_to_probe()->number, prompt);
  now_ = due;
  EXPECT_EQ(timeout().probes, LossDetector::kProbes);
  ASSERT_TRUE(ack({{prompt, prompt + 1}}).valid);
  EXPECT_FALSE(detector_.probe_pending());
}

TEST_F(LossDetectorDeferred, AreLostWhenNewerOnesWereAcknowledged) {
  warm_up(10 * kMillisecond);
  const uint64_t first = send_deferred();
  for (int i = 0; i < 3; i++) send_deferred();
  now_ += 10 * kMillisecond;
  const auto result = ack({{first + 1, first + 4}});
  EXPECT_EQ(result.lost_packets, 1u);
  EXPECT_EQ(recorder_.lost, Numbers{first});
  EXPECT_EQ(detector_.bytes_in_flight(), 0u);
}

TEST_F(LossDetectorDeferred, TheTimeUntilTheCountIsNoRoundTrip) {
  warm_up(10 * kMillisecond);
  const Duration before = rtt_.smoothed();
  for (int i = 0; i < 20; i++) {
    const uint64_t number = send_deferred();
    now_ += 510 * kMillisecond;  // T was 500 ms
    EXPECT_TRUE(ack({{number, number + 1}}, 500 * kMillisecond).valid);
  }
  EXPECT_NEAR(static_cast<double>(rtt_.smoothed()), static_cast<double>(before),
              static_cast<double>(kMillisecond));
  EXPECT_EQ(rtt_.minimum(), 10 * kMillisecond);
}

// A peer that claims more delay than there was does not make the path faster than it ever was.
TEST_F(LossDetectorDeferred, AnExaggeratedDelayDoesNotShortenTheRoundTrip) {
  warm_up(10 * kMillisecond);
  for (int i = 0; i < 20; i++) {
    const uint64_t number = send_deferred();
    now_ += 20 * kMillisecond;
    EXPECT_TRUE(ack({{number, number + 1}}, 16 * kSecond).valid);
  }
  EXPECT_EQ(rtt_.minimum(), 10 * kMillisecond);
  EXPECT_GE(rtt_.smoothed(), 10 * kMillisecond);
}

TEST_F(LossDetectorDeferred, GiveUpLosesWhatIsPickedAndNothingElse) {
  warm_up(10 * kMillisecond);
  const uint64_t a = send_deferred();
  const uint64_t b = send_deferred();
  const uint64_t c = send();
  const uint64_t flight = detector_.bytes_in_flight();
  const auto result = give_up({a});
  EXPECT_TRUE(result.loss);
  EXPECT_EQ(result.lost_bytes, kBytes);
  EXPECT_EQ(result.prior_in_flight, flight);
  EXPECT_EQ(recorder_.lost, Numbers{a});
  EXPECT_EQ(detector_.bytes_in_flight(), flight - kBytes);
  EXPECT_FALSE(give_up({a}).loss);
  EXPECT_TRUE(recorder_.lost.empty());
  // Acknowledged after all.
  now_ += kMillisecond;
  ASSERT_TRUE(ack({{a, c + 1}}).valid);
  EXPECT_EQ(recorder_.spurious, Numbers{a});
  EXPECT_EQ(sorted(recorder_.acked), (Numbers{b, c}));
  EXPECT_EQ(detector_.bytes_in_flight(), 0u);
  EXPECT_FALSE(detector_.anything_ack_eliciting_in_flight());
}

TEST_F(LossDetectorDeferred, GiveUpOfEverythingLeavesNothingInFlight) {
  warm_up(10 * kMillisecond);
  Numbers all;
  for (int i = 0; i < 10; i++) all.push_back(send_deferred());
  EXPECT_EQ(give_up(all).lost_bytes, 10u * kBytes);
  EXPECT_EQ(recorder_.lost, all);
  EXPECT_EQ(detector_.bytes_in_flight(), 0u);
  EXPECT_EQ(deadline(), kNever);
  EXPECT_EQ(detector_.oldest_in_flight(), nullptr);
}

}  // namespace
}  // namespace hawser::transport
