#include "transport/path.h"

#include <gtest/gtest.h>

#include "test/support/failing_memory.h"
#include "test/support/loss_detector_fixture.h"
#include "transport/path_answers.h"
#include "transport/path_trial.h"
#include "transport/path_validation.h"

namespace hawser::transport {
namespace {

constexpr uint8_t kData[wire::kPathDataBytes] = {1, 2, 3, 4, 5, 6, 7, 8};
constexpr uint8_t kOther[wire::kPathDataBytes] = {1, 2, 3, 4, 5, 6, 7, 9};
constexpr Duration kPto = 200 * kMillisecond;
constexpr Time kStart = 10 * kSecond;
constexpr size_t kPacket = PathValidation::kPacketBytes;

// --- PathValidation.

PathValidation begun(bool proven) {
  PathValidation validation;
  validation.begin(kStart, kPto, 1 * kSecond, proven, kData);
  return validation;
}

TEST(PathValidation, ANewAddressIsChallengedOnlyForWhatComesFromIt) {
  PathValidation validation = begun(false);
  EXPECT_FALSE(validation.due(kStart));
  EXPECT_EQ(validation.deadline(), kStart + 3 * kSecond);
  // Too short to be answered by as much.
  validation.on_received(kPacket - 1);
  EXPECT_FALSE(validation.due(kStart));
  validation.on_received(kPacket);
  EXPECT_TRUE(validation.due(kStart));
  validation.on_challenge_sent(kStart);
  EXPECT_FALSE(validation.due(kStart + kPto));  // nothing came since
  validation.on_received(kPacket);
  EXPECT_EQ(validation.deadline(), kStart + kPto);
  EXPECT_FALSE(validation.due(kStart + kPto - 1));
  EXPECT_TRUE(validation.due(kStart + kPto));
  EXPECT_LE(validation.bytes_sent(), validation.bytes_received());
}

TEST(PathValidation, ChallengesEndAfterAFewWithGrowingPauses) {
  PathValidation validation = begun(false);
  Time last = 0;
  Duration pause = 0;
  unsigned sent = 0;
  for (Time now = kStart; now < kStart + 10 * kSecond; now += kMillisecond) {
    validation.on_received(1'200);
    if (!validation.due(now)) continue;
    if (sent >= 2) {
      EXPECT_GE(now - last, 2 * pause);
    }
    if (sent != 0) pause = now - last;
    last = now;
    sent++;
    validation.on_challenge_sent(now);
  }
  EXPECT_GE(sent, 3u);
  EXPECT_LE(sent, PathValidation::kMaxChallenges);
  EXPECT_LT(last, validation.give_up_at());
}

TEST(PathValidation, OnlyTheRightBytesValidate) {
  PathValidation validation = begun(false);
  validation.on_received(1'200);
  // Not before it was asked.
  EXPECT_FALSE(validation.on_response(kStart, kData));
  validation.on_challenge_sent(kStart);
  EXPECT_FALSE(validation.on_response(kStart + kMillisecond, kOther));
  EXPECT_FALSE(validation.validated());
  EXPECT_TRUE(validation.on_response(kStart + 30 * kMillisecond, kData));
  EXPECT_TRUE(validation.validated());
  EXPECT_EQ(validation.round_trip(), 30 * kMillisecond);
  EXPECT_FALSE(validation.on_response(kStart + 40 * kMillisecond, kData));
  validation.on_received(1'200);
  EXPECT_FALSE(validation.due(kStart + kSecond));
}

TEST(PathValidation, AnAnswerToOneOfSeveralGivesNoRoundTrip) {
  PathValidation validation = begun(true);
  validation.on_challenge_sent(kStart);
  validation.on_challenge_sent(kStart + kPto);
  EXPECT_TRUE(validation.on_response(kStart + kPto + kMillisecond, kData));
  EXPECT_EQ(validation.round_trip(), 0);
}

TEST(PathValidation, AProvenAddressNeedsNothingToCome) {
  PathValidation validation = begun(true);
  EXPECT_TRUE(validation.due(kStart));
  validation.on_challenge_sent(kStart);
  EXPECT_EQ(validation.deadline(), kStart + kPto);
  EXPECT_TRUE(validation.due(kStart + kPto));
  EXPECT_TRUE(validation.spend(5'000));
}

TEST(PathValidation, WhatElseGoesThereCounts) {
  PathValidation validation = begun(false);
  validation.on_received(kPacket);
  EXPECT_TRUE(validation.spend(kPacket));
  EXPECT_FALSE(validation.due(kStart));
  EXPECT_FALSE(validation.spend(1));
  validation.on_received(kPacket);
  EXPECT_TRUE(validation.due(kStart));
}

TEST(PathValidation, PatienceIsNeverShort) {
  PathValidation validation;
  validation.begin(kStart, 10 * kMicrosecond, 20 * kMicrosecond, true, kData);
  EXPECT_EQ(validation.give_up_at(), kStart + PathValidation::kShortest);
  unsigned sent = 0;
  for (Time now = kStart; now < validation.give_up_at(); now += kMicrosecond) {
    if (!validation.due(now)) continue;
    validation.on_challenge_sent(now);
    sent++;
  }
  EXPECT_LE(sent, 2u);
}

// --- PathAnswers and Path.

TEST(PathAnswers, ForgetTheOldest) {
  PathAnswers answers;
  EXPECT_TRUE(answers.empty());
  for (uint8_t i = 0; i < 10; i++) {
    const uint8_t data[wire::kPathDataBytes] = {i};
    PathAddress to;
    to.bytes[0] = i;
    answers.push(to, data);
    EXPECT_LE(answers.size(), PathAnswers::kMost);
  }
  for (uint8_t i = 10 - PathAnswers::kMost; i < 10; i++) {
    EXPECT_EQ(answers.front().data[0], i);
    EXPECT_EQ(answers.front().to.bytes[0], i);
    answers.pop();
  }
  EXPECT_TRUE(answers.empty());
}

TEST(PathState, IsInheritedFromTheSameHost) {
  test::FailingMemory memory;
  PathAddress address;
  address.bytes[3] = 7;
  constexpr auto kAlgorithm = CongestionAlgorithm::kCubic;  // one loss tells in its window
  Path one(memory, address, 1, 1'200, 0, kAlgorithm);
  address.bytes[PathAddress::kSourceBytes] = 9;
  Path two(memory, address, 2, 1'200, 0, kAlgorithm);
  EXPECT_TRUE(two.same_host(one));
  address.bytes[PathAddress::kSourceBytes - 1] = 1;
  EXPECT_FALSE(Path(memory, address, 3, 1'200, 0).same_host(one));

  one.rtt.on_sample(30 * kMillisecond, 0, 0, true);
  LossEvent loss;
  loss.now = kStart;
  loss.largest_lost_sent_time = kStart - 1;
  one.congestion.on_loss(loss);
  EXPECT_LT(one.congestion.window(), two.congestion.window());
  two.inherit(one);
  EXPECT_EQ(two.congestion.window(), one.congestion.window());
  EXPECT_EQ(two.rtt.smoothed(), 30 * kMillisecond);
  EXPECT_EQ(two.number, 2u);
}

TEST(PathState, ChangesPlacesWithAllThatBelongsToIt) {
  test::FailingMemory memory;
  {
    Path one(memory, PathAddress{}, 1, 1'200, 0, CongestionAlgorithm::kCubic);
    PathTrial trial(memory, PathAddress{}, 2, 1'200, 0, CongestionAlgorithm::kCubic);
    LossEvent loss;
    loss.now = kStart;
    loss.largest_lost_sent_time = kStart - 1;
    one.congestion.on_loss(loss);
    const uint64_t less = one.congestion.window();
    const uint64_t whole = trial.path.congestion.window();
    ASSERT_LT(less, whole);
    std::swap(one, trial.path);
    EXPECT_EQ(one.number, 2u);
    EXPECT_EQ(one.congestion.window(), whole);
    EXPECT_EQ(trial.path.congestion.window(), less);
  }
  EXPECT_EQ(memory.in_use(), 0u);
}

TEST(PathState, SaysThatThereWasNoMemoryForIt) {
  test::FailingMemory memory;
  for (const CongestionAlgorithm algorithm :
       {CongestionAlgorithm::kCubic, CongestionAlgorithm::kBbr}) {
    EXPECT_TRUE(Path(memory, PathAddress{}, 1, 1'200, 0, algorithm).congestion.ready());
    memory.fail_after(0);
    EXPECT_FALSE(Path(memory, PathAddress{}, 1, 1'200, 0, algorithm).congestion.ready());
    memory.heal();
  }
  EXPECT_EQ(memory.in_use(), 0u);
}

// --- LossDetector with several paths.

using loss_test::kBytes;
using loss_test::Numbers;
using loss_test::packet_of;
using loss_test::sorted;

class PathLoss : public loss_test::LossDetectorTest {
 protected:
  uint64_t send_on(uint32_t path, bool eliciting = true) {
    const uint64_t number = detector_.next_number();
    SentPacket packet = packet_of(number, now_, eliciting);
    packet.path = path;
    EXPECT_TRUE(detector_.on_sent(packet));
    return number;
  }
  void send_many_on(uint32_t path, unsigned count) {
    for (unsigned i = 0; i < count; i++) send_on(path);
  }
  void change(uint32_t path, Duration grace = 500 * kMillisecond) {
    recorder_.clear();
    detector_.change_path(now_, path, now_ + grace, recorder_);
    rtt_ = RttEstimator{};
  }
};

TEST_F(PathLoss, TheNewPathStartsEmpty) {
  warm_up(40 * kMillisecond);
  send_many(5);
  EXPECT_EQ(detector_.bytes_in_flight(), 5u * kBytes);
  change(1);
  EXPECT_EQ(detector_.path(), 1u);
  EXPECT_EQ(detector_.bytes_in_flight(), 0u);
  EXPECT_EQ(detector_.left_in_flight(), 5u);
  EXPECT_FALSE(detector_.any_acked());
  EXPECT_FALSE(detector_.probe_pending());
  EXPECT_TRUE(recorder_.lost.empty());
  EXPECT_EQ(detector_.oldest_in_flight(), nullptr);
  send_on(1);
  EXPECT_EQ(detector_.bytes_in_flight(), 1u * kBytes);
}

TEST_F(PathLoss, AcksOfNewPacketsConvictNoOldOnes) {
  warm_up(40 * kMillisecond);
  send_many(5);  // 1 to 5
  change(1);
  send_many_on(1, 10);  // 6 to 15
  now_ += 100 * kMillisecond;
  const auto result = ack({{6, 16}});
  EXPECT_EQ(result.acked_bytes, 10u * kBytes);
  EXPECT_EQ(result.prior_in_flight, 10u * kBytes);
  EXPECT_EQ(result.lost_packets, 0u);
  EXPECT_TRUE(recorder_.lost.empty());
  EXPECT_EQ(detector_.left_in_flight(), 5u);
}

TEST_F(PathLoss, AcksOfOldPacketsSayNothingAboutNewOnes) {
  warm_up(40 * kMillisecond);
  send_many(5);  // 1 to 5
  change(1);
  send_on(1);  // 6
  now_ += kMillisecond;
  change(0);
  send_many(5);  // 7 to 11, after the one on path 1
  change(1);     // 6 comes back
  EXPECT_EQ(detector_.bytes_in_flight(), 1u * kBytes);
  now_ += 10 * kMillisecond;
  const auto result = ack({{7, 12}});
  EXPECT_TRUE(result.valid);
  EXPECT_TRUE(result.any_new);
  EXPECT_FALSE(result.any_on_path);
  EXPECT_FALSE(result.rtt_sampled);
  EXPECT_EQ(result.acked_bytes, 0u);
  EXPECT_EQ(result.acked_packets, 5u);
  EXPECT_EQ(result.lost_packets, 0u);
  EXPECT_FALSE(detector_.any_acked());
  EXPECT_FALSE(rtt_.has_sample());
  EXPECT_EQ(detector_.bytes_in_flight(), 1u * kBytes);
  // No loss timer for 6, only the probe timeout once 1 to 5 are given up.
  now_ = deadline();
  EXPECT_EQ(timeout().probes, 0u);
  EXPECT_EQ(recorder_.lost.size(), 5u);
  now_ = deadline();
  EXPECT_EQ(timeout().probes, LossDetector::kProbes);
}

TEST_F(PathLoss, OnlyPacketsOfThePathGiveSamples) {
  warm_up(40 * kMillisecond);
  send_on(0);
  change(1);
  const uint64_t number = send_on(1);
  send_on(SentPacket::kNoPath, false);  // a challenge elsewhere
  now_ += 70 * kMillisecond;
  EXPECT_FALSE(ack({{number + 1, number + 2}}).rtt_sampled);
  EXPECT_TRUE(detector_.oldest_in_flight() != nullptr);
  EXPECT_TRUE(ack({{number - 1, number}}).any_new);
  EXPECT_FALSE(rtt_.has_sample());
  EXPECT_TRUE(ack({{number, number + 1}}).rtt_sampled);
  EXPECT_EQ(rtt_.latest(), 70 * kMillisecond);
}

TEST_F(PathLoss, WhatIsLeftIsGivenUpAfterTheGraceAndIsNoCongestion) {
  warm_up(40 * kMillisecond);
  send_many(3);  // 1 to 3
  change(1, 300 * kMillisecond);
  const Time due = now_ + 300 * kMillisecond;
  EXPECT_EQ(deadline(), due);
  now_ += 10 * kMillisecond;
  send_on(1);
  now_ += 60 * kMillisecond;
  EXPECT_TRUE(ack({{2, 3}}).any_new);
  EXPECT_EQ(recorder_.acked, (Numbers{2}));
  ack({{4, 5}});
  EXPECT_EQ(deadline(), due);
  now_ = due - 1;
  EXPECT_FALSE(timeout().loss);
  EXPECT_TRUE(recorder_.lost.empty());
  now_ = due;
  const auto result = timeout();
  EXPECT_FALSE(result.loss);
  EXPECT_EQ(result.lost_bytes, 0u);
  EXPECT_EQ(result.probes, 0u);
  EXPECT_EQ(sorted(recorder_.lost), (Numbers{1, 3}));
  EXPECT_EQ(detector_.left_in_flight(), 0u);
  EXPECT_EQ(deadline(), kNever);
  // A late acknowledgement is passed on and widens nothing.
  const auto late = ack({{1, 2}});
  EXPECT_EQ(recorder_.spurious, (Numbers{1}));
  EXPECT_FALSE(late.loss_undone);
  EXPECT_EQ(detector_.reordering_threshold(), LossDetector::kInitialReorderingThreshold);
}

TEST_F(PathLoss, WhatWasLeftIsRememberedThoughLittleIsInFlight) {
  warm_up(40 * kMillisecond);
  constexpr unsigned kMany = 3 * LossDetector::kKeptRecords;
  send_many(kMany);  // from 1 on
  change(1, 100 * kMillisecond);
  now_ += 100 * kMillisecond;
  timeout();
  EXPECT_EQ(recorder_.lost.size(), kMany);
  send_on(1);
  recorder_.clear();
  // All of it had arrived, and only the acknowledgement was on its way for long.
  ack({{1, kMany + 1}});
  EXPECT_EQ(recorder_.spurious.size(), kMany);
}

TEST_F(PathLoss, WhatWasLeftLongAgoMakesNoRoomForMore) {
  warm_up(40 * kMillisecond);
  send_many(2 * LossDetector::kKeptRecords);
  change(1, 100 * kMillisecond);
  now_ += 100 * kMillisecond;
  timeout();
  now_ += 10 * kSecond;
  send_on(1);
  EXPECT_LE(detector_.tracked(), 1u);
  // What is lost now is kept as if there had never been another path.
  send_many_on(1, 2 * LossDetector::kKeptRecords);
  const uint64_t last = send_on(1);
  now_ += kMillisecond;
  ack({{last, last + 1}});
  EXPECT_LE(detector_.tracked(), LossDetector::kKeptRecords + 4 * detector_.packets_in_flight());
}

TEST_F(PathLoss, WhatWasLeftBeforeIsLostWithTheNextChange) {
  warm_up(40 * kMillisecond);
  send_many(2);  // 1, 2
  change(1);
  send_many_on(1, 2);  // 3, 4
  change(2);
  EXPECT_EQ(sorted(recorder_.lost), (Numbers{1, 2}));
  EXPECT_EQ(detector_.left_in_flight(), 2u);
  EXPECT_EQ(detector_.bytes_in_flight(), 0u);
}

TEST_F(PathLoss, ComingBackCountsWhatWasInFlight) {
  warm_up(40 * kMillisecond);
  const RttEstimator before = rtt_;
  send_many(4);  // 1 to 4
  change(1);
  send_many_on(1, 2);  // 5, 6
  now_ += 10 * kMillisecond;
  change(0);
  rtt_ = before;
  EXPECT_TRUE(recorder_.lost.empty());
  EXPECT_EQ(detector_.bytes_in_flight(), 4u * kBytes);
  EXPECT_EQ(detector_.left_in_flight(), 2u);
  // They convict each other as if nothing had been between.
  send_on(0);  // 7
  const auto result = ack({{7, 8}, {3, 5}});
  EXPECT_EQ(sorted(recorder_.lost), (Numbers{1, 2}));
  EXPECT_EQ(result.lost_bytes, 2u * kBytes);
  EXPECT_EQ(detector_.bytes_in_flight(), 0u);
  EXPECT_EQ(detector_.left_in_flight(), 2u);
}

TEST_F(PathLoss, AChannelsTimeoutReachesWhatIsLeft) {
  struct All final : LossDetector::Picker {
    bool picks(const SentPacket&) override { return true; }
  } all;
  warm_up(40 * kMillisecond);
  send_many(2);  // 1, 2
  change(1);
  send_on(1);  // 3
  recorder_.clear();
  const auto result = detector_.give_up(now_, all, recorder_);
  EXPECT_EQ(sorted(recorder_.lost), (Numbers{1, 2, 3}));
  EXPECT_EQ(result.lost_bytes, 1u * kBytes);
  EXPECT_EQ(detector_.left_in_flight(), 0u);
  EXPECT_EQ(detector_.bytes_in_flight(), 0u);
}

TEST_F(PathLoss, WithoutMemoryNothingInFlightIsForgotten) {
  warm_up(40 * kMillisecond);
  send_many(3);
  change(1);
  memory_.fail_after(0);
  // Until the ring is full.
  while (detector_.reserve_one(now_)) send_on(1);
  memory_.heal();
  recorder_.clear();
  ack({{1, 4}});
  EXPECT_EQ(sorted(recorder_.acked), (Numbers{1, 2, 3}));
}

TEST_F(PathLoss, WhatIsForgottenIsNotCounted) {
  warm_up(40 * kMillisecond);
  send_many(6);  // 1 to 6
  change(1);
  send_many_on(1, 6);
  // The front goes, and its slots are used again.
  ack({{1, 6}});
  EXPECT_EQ(detector_.oldest()->number, 6u);
  for (int i = 0; i < 500; i++) {
    const uint64_t number = send_on(1);
    ack({{number, number + 1}});
  }
  EXPECT_EQ(detector_.left_in_flight(), 1u);
  now_ += kSecond;
  timeout();
  EXPECT_EQ(detector_.left_in_flight(), 0u);
  EXPECT_EQ(recorder_.lost.front(), 6u);
}

TEST(Rival, EveryPacketHasTheSameChance) {
  uint64_t won[4] = {};
  uint64_t luck = 1;
  for (int turn = 0; turn < 4'000; turn++) {
    Rival rival;
    for (uint8_t i = 0; i < 4; i++) {
      PathAddress from;
      from.bytes[0] = i;
      luck = luck * 6364136223846793005u + 1442695040888963407u;
      rival.offer(from, i, 100u + i, luck >> 33);
    }
    EXPECT_EQ(rival.bytes, 100u + rival.address.bytes[0]);
    EXPECT_EQ(rival.number, rival.address.bytes[0]);
    won[rival.address.bytes[0]]++;
  }
  for (const uint64_t count : won) EXPECT_NEAR(static_cast<double>(count), 1'000.0, 150.0);
}

TEST_F(PathLoss, TheBackOffEndsWithTheChange) {
  warm_up(40 * kMillisecond);
  send();
  for (int i = 0; i < 4; i++) {
    now_ = deadline();
    timeout();
  }
  EXPECT_EQ(detector_.pto_count(), 4u);
  change(1);
  EXPECT_EQ(detector_.pto_count(), 0u);
}

}  // namespace
}  // namespace hawser::transport
