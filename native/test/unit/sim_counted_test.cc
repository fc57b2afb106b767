// Counted acknowledgements at the receiver, rule by rule (PROTOCOL.md section 6).
#include "test/unit/sim_counted_support.h"

namespace hawser::sim {
namespace {

using wire::FrameType;
using wire::WindowMode;

class Counted : public CountedReceiver {
 protected:
  static constexpr Duration kT = 200 * kMillisecond;

  void open_counted(uint32_t every, Duration timeout = kT) {
    open(WindowMode::kCounted, every, timeout);
  }
};

TEST_F(Counted, ACountNamesAMultipleOfM) {
  open_counted(5);
  send_messages(1, 4);
  EXPECT_EQ(acks(), 0u);
  send_message(5);
  EXPECT_EQ(counts(), Counts{5});
  EXPECT_EQ(acks(), 1u);
  send_messages(6, 9);
  EXPECT_EQ(acks(), 1u);
  send_message(10);
  EXPECT_EQ(counts(), (Counts{5, 10}));
  EXPECT_EQ(acks(), 2u);
}

TEST_F(Counted, ABatchOfMoreThanMIsNamedUpToTheMultiple) {
  open_counted(5);
  for (uint64_t s = 1; s <= 13; s++) raw_.add_messages(1, s, 1, 10).send();
  raw_.settle();
  EXPECT_EQ(counts(), Counts{10});
  // T starts again at once for those that are left.
  const Time counted_at = network_.now();
  network_.run_for(kSecond);
  EXPECT_EQ(counts(), (Counts{10, 13}));
  EXPECT_EQ(times_of(FrameType::kCount)[1], counted_at + kT);
}

TEST_F(Counted, OnlyMessagesInSequenceCount) {
  open_counted(5, 10 * kSecond);
  send_messages(2, 3);
  send_messages(5, 7);
  EXPECT_EQ(counts(), Counts{});
  send_message(4);
  send_message(1);
  EXPECT_EQ(counts(), Counts{5});
}

TEST_F(Counted, TRunsFromTheFirstReceiptAndNamesAll) {
  open_counted(50);
  const Time first = network_.now();
  send_message(1);
  network_.run_for(kT / 2);
  send_messages(2, 3);  // does not put it off
  network_.run_for(kT / 2 - kMillisecond);
  EXPECT_EQ(acks(), 0u);
  network_.run_for(kSecond);
  EXPECT_EQ(counts(), Counts{3});
  ASSERT_EQ(times_of(FrameType::kCount).size(), 1u);
  EXPECT_EQ(times_of(FrameType::kCount)[0], first + kT);
  network_.run_for(5 * kSecond);  // nothing came: nothing is said
  EXPECT_EQ(counts().size(), 1u);
}

TEST_F(Counted, TRunsForWhatIsOutOfSequenceAndNamesNone) {
  open_counted(50);
  send_message(3);
  network_.run_for(kSecond);
  EXPECT_EQ(counts(), Counts{0});
}

TEST_F(Counted, AMessageThatComesAgainStartsT) {
  open_counted(2);
  send_messages(1, 2);
  ASSERT_EQ(counts(), Counts{2});
  network_.run_for(kSecond);
  const Time again = network_.now();
  send_message(1);
  EXPECT_EQ(counts(), Counts{2});
  network_.run_for(kSecond);
  EXPECT_EQ(counts(), (Counts{2, 2}));
  EXPECT_EQ(times_of(FrameType::kCount)[1], again + kT);
}

TEST_F(Counted, ASkipStartsT) {
  open_counted(50);
  raw_.add(wire::Skip{1, 4, 3 * 40}).send();
  raw_.settle();
  network_.run_for(kSecond);
  EXPECT_EQ(counts(), Counts{3});
}

TEST_F(Counted, TStopsWithEachCount) {
  open_counted(5);
  send_message(1);
  network_.run_for(kT / 2);
  send_messages(2, 5);
  ASSERT_EQ(counts(), Counts{5});
  network_.run_for(kT / 2 + kMillisecond);
  EXPECT_EQ(counts(), Counts{5});
  const Time next = network_.now();
  send_message(6);
  network_.run_for(kSecond);
  EXPECT_EQ(counts(), (Counts{5, 6}));
  EXPECT_EQ(times_of(FrameType::kCount)[1], next + kT);
}

TEST_F(Counted, WithoutATItIsTheDelayOfThePolicy) {
  open_counted(50, 0);
  const Time first = network_.now();
  send_message(1);
  network_.run_for(kSecond);
  ASSERT_EQ(counts(), Counts{1});
  EXPECT_EQ(times_of(FrameType::kCount)[0], first + 20 * kMillisecond);
}

TEST_F(Counted, CountNowIsAnsweredAtOnceEvenWithNothingNew) {
  open_counted(50);
  raw_.add(wire::CountNow{1}).send();
  raw_.settle();
  EXPECT_EQ(counts(), Counts{0});
  send_messages(1, 3);
  raw_.add(wire::CountNow{1}).send();
  raw_.settle();
  EXPECT_EQ(counts(), (Counts{0, 3}));
  raw_.add(wire::CountNow{1}).send();
  raw_.settle();
  EXPECT_EQ(counts(), (Counts{0, 3, 3}));
  network_.run_for(kSecond);  // T was stopped
  EXPECT_EQ(counts().size(), 3u);
}

// COUNT_NOW in the middle of a batch in which M is reached: the answer names what it asked for.
TEST_F(Counted, CountNowIsNotUndoneByAMultipleOfM) {
  open_counted(5);
  raw_.add_messages(1, 1, 1, 10).send();
  for (uint64_t s = 2; s <= 7; s++) raw_.add_messages(1, s, 1, 10).send();
  raw_.add(wire::CountNow{1}).send();
  raw_.add_messages(1, 8, 1, 10).send();
  raw_.settle();
  ASSERT_EQ(counts().size(), 1u);
  EXPECT_GE(counts()[0], 7u);
}

TEST_F(Counted, CountNowForAnUnknownChannelIsIgnored) {
  open_counted(50);
  raw_.add(wire::CountNow{77}).send();
  raw_.add(wire::CountNow{2}).send();
  network_.run_for(kSecond);
  EXPECT_EQ(counts(), Counts{});
  EXPECT_EQ(raw_.close_code(), -1);
}

TEST_F(Counted, EverythingUpToTheEndIsCountedAtOnce) {
  open_counted(50, 10 * kSecond);
  send_messages(1, 2);
  raw_.add(wire::End{1, 3}).send();
  raw_.settle();
  EXPECT_EQ(counts(), Counts{});
  send_message(3);
  EXPECT_EQ(counts(), Counts{3});
}

TEST_F(Counted, AnEndThatComesLastIsCountedAtOnce) {
  open_counted(50, 10 * kSecond);
  send_messages(1, 3);
  EXPECT_EQ(counts(), Counts{});
  raw_.add(wire::End{1, 3}).send();
  network_.run_for(kSecond);
  EXPECT_EQ(counts(), Counts{3});
}

TEST_F(Counted, NeitherNumberNorDelayNorGapMakesAnAckDue) {
  open_counted(1'000, 100 * kSecond);
  for (uint64_t s = 1; s <= 100; s++) {
    if (s % 10 != 0) send_message(s);
    raw_.next_number += s % 7 == 0 ? 5 : 0;  // packets that did not come
  }
  network_.run_for(5 * kSecond);
  EXPECT_EQ(acks(), 0u);
  EXPECT_EQ(counts(), Counts{});
}

TEST_F(Counted, WhatElseElicitsIsAcknowledgedWithoutACount) {
  open_counted(50, 100 * kSecond);
  send_messages(1, 3);
  raw_.add(wire::Ping{}).add(wire::AckNow{}).send();
  raw_.settle();
  EXPECT_EQ(acks(), 1u);
  EXPECT_EQ(counts(), Counts{});
}

TEST_F(Counted, AWindowOfAnotherModeIsAnError) {
  open_counted(5);
  raw_.add(window_of(WindowMode::kEarly, 5, kT)).send();
  raw_.settle();
  EXPECT_EQ(raw_.close_code(), static_cast<int64_t>(wire::Code::kChannelState));
}

TEST_F(Counted, AnotherModeIsAnErrorAlsoFromAnOlderWindow) {
  open(WindowMode::kEarly, 5, kT);
  wire::Window window = window_of(WindowMode::kCounted, 5, kT);
  window.generation = 0;
  raw_.add(window).send();
  raw_.settle();
  EXPECT_EQ(raw_.close_code(), static_cast<int64_t>(wire::Code::kChannelState));
}

TEST_F(Counted, ANewerWindowChangesMAndT) {
  open_counted(50);
  raw_.add(window_of(WindowMode::kCounted, 2, kT)).send();
  be_quiet();
  send_messages(1, 2);
  EXPECT_EQ(counts(), Counts{2});
  // An older one changes nothing.
  wire::Window old = window_of(WindowMode::kCounted, 50, kT);
  old.generation = 1;
  raw_.add(old).send();
  be_quiet();
  send_messages(3, 4);
  EXPECT_EQ(counts(), Counts{4});
}

// --- Requests.

TEST_F(Counted, AsksWhenMessagesAboveAGapReachTheThreshold) {
  open_counted(1'000, 100 * kSecond);
  send_message(1);
  send_messages(3, 4);
  EXPECT_EQ(requests().size(), 0u);
  send_message(5);
  ASSERT_EQ(requests().size(), 1u);
  EXPECT_EQ(requests()[0], (std::vector<std::pair<uint32_t, uint32_t>>{{2, 2}}));
  // Once, however much comes.
  send_messages(6, 30);
  EXPECT_EQ(requests().size(), 1u);
}

TEST_F(Counted, AsksAgainWithDoubledPausesWhileTheGapStays) {
  open_counted(1'000, 100 * kSecond);
  send_message(1);
  send_messages(3, 20);
  network_.run_for(3 * kSecond);
  const std::vector<Time> times = times_of(FrameType::kRequest);
  ASSERT_GE(times.size(), 4u);
  const Duration first = times[1] - times[0];
  for (size_t i = 2; i < 4; i++) {
    EXPECT_EQ(times[i] - times[i - 1], first << (i - 1)) << i;
  }
  send_message(2);
  raw_.clear();
  network_.run_for(5 * kSecond);
  EXPECT_EQ(requests().size(), 0u);
}

// Sustained loss: a new gap is asked for at once, but must not put off the question for an old one.
TEST_F(Counted, NewGapsDoNotPutOffTheQuestionForAnOldOne) {
  open_counted(1'000, 100 * kSecond);
  send_message(1);
  uint64_t next = 3;
  for (int i = 0; i < 60; i++) {
    for (int k = 0; k < 4; k++) send_message(next++);
    next++;
    network_.run_for(5 * kMillisecond);
  }
  size_t asked = 0;
  for (const auto& request : requests()) asked += request[0].first == 2 ? 1 : 0;
  EXPECT_GE(asked, 3u);
}

// The pause of the next gap is that of a first question again.
TEST_F(Counted, AGapThatIsFilledEndsItsBackOffThoughAnotherIsOpen) {
  open_counted(1'000, 100 * kSecond);
  send_message(1);
  send_messages(3, 10);
  network_.run_for(2 * kSecond);
  const std::vector<Time> old = times_of(FrameType::kRequest);
  ASSERT_GE(old.size(), 3u);
  const Duration pause = old[1] - old[0];
  send_messages(12, 20);  // 11 is missing now
  raw_.clear();
  send_message(2);
  network_.run_for(2 * kSecond);
  const std::vector<Time> times = times_of(FrameType::kRequest);
  ASSERT_GE(times.size(), 2u);
  EXPECT_LE(times[1] - times[0], 2 * pause);
}

}  // namespace
}  // namespace hawser::sim
