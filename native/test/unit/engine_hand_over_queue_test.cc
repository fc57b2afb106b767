#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/hand_over_queue.h"

namespace hawser::engine {
namespace {

using Push = HandOverQueue::Push;

transport::PathAddress address(uint8_t number) {
  transport::PathAddress made;
  made.bytes[0] = number;
  return made;
}

Push push(HandOverQueue& queue, uint8_t from, const std::string& text, bool admitted = false) {
  return queue.push(address(from), reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                    admitted);
}

struct Taken {
  uint8_t from;
  std::string text;
  bool admitted;
  bool operator==(const Taken&) const = default;
};

std::vector<Taken> take(HandOverQueue& queue) {
  std::vector<Taken> taken;
  const size_t count = queue.take_all([&](const HandOverQueue::Item& item) {
    taken.push_back({item.from.bytes[0],
                     std::string(reinterpret_cast<const char*>(item.data), item.length),
                     item.admitted});
    // In place.
    std::memset(item.data, 0xee, item.length);
  });
  EXPECT_EQ(count, taken.size());
  return taken;
}

TEST(HandOverQueue, GivesWhatCameInOrder) {
  HandOverQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(take(queue).empty());
  EXPECT_EQ(push(queue, 1, "one"), Push::kFirst);
  EXPECT_EQ(push(queue, 2, "", true), Push::kTaken);
  EXPECT_EQ(push(queue, 3, std::string(1'200, 'x')), Push::kTaken);
  EXPECT_FALSE(queue.empty());
  const std::vector<Taken> expected = {
      {1, "one", false}, {2, "", true}, {3, std::string(1'200, 'x'), false}};
  EXPECT_EQ(take(queue), expected);
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(take(queue).empty());
}

// Whoever takes has to be told once after each time that there was nothing.
TEST(HandOverQueue, SaysWhenToTellTheOwner) {
  HandOverQueue queue;
  for (int round = 0; round < 5; round++) {
    EXPECT_EQ(push(queue, 1, "a"), Push::kFirst);
    EXPECT_EQ(push(queue, 1, "b"), Push::kTaken);
    EXPECT_EQ(take(queue).size(), 2u);
  }
}

TEST(HandOverQueue, IsBoundedAndGoesOn) {
  HandOverQueue queue;
  const std::string large(16'000, 'x');
  size_t taken = 0;
  while (push(queue, 1, large) != Push::kFull) taken++;
  EXPECT_GT(taken * large.size(), HandOverQueue::kMaxBytes * 9 / 10);
  EXPECT_LE(taken * large.size(), HandOverQueue::kMaxBytes);
  EXPECT_EQ(push(queue, 1, large), Push::kFull);
  EXPECT_EQ(take(queue).size(), taken);
  EXPECT_EQ(push(queue, 1, large), Push::kFirst);
  EXPECT_EQ(take(queue).size(), 1u);
}

// What comes while the owner is at it waits for its next look.
TEST(HandOverQueue, TakesMoreMeanwhile) {
  HandOverQueue queue;
  push(queue, 1, "first");
  size_t seen = 0;
  queue.take_all([&](const HandOverQueue::Item& item) {
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(item.data), item.length), "first");
    EXPECT_EQ(push(queue, 2, std::string(100'000, 'y')), Push::kFirst);
    seen++;
  });
  EXPECT_EQ(seen, 1u);
  EXPECT_EQ(take(queue).size(), 1u);
}

}  // namespace
}  // namespace hawser::engine
