#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "net/delay_queue.h"
#include "net/prng.h"

namespace hawser::net {
namespace {

Address peer(uint16_t port) {
  const uint8_t host[4] = {192, 0, 2, 1};
  return Address::from_ipv4_bytes(host, port);
}

std::vector<uint8_t> payload(size_t size, uint8_t first) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i * 7);
  return bytes;
}

TEST(NetDelayQueue, ReleasesByTimeThenByOrderOfPush) {
  DelayQueue queue(1 << 20, 100);
  EXPECT_EQ(queue.next_release(), kForever);
  const int64_t times[] = {30, 10, 20, 10, 30, 10};
  for (uint32_t tag = 0; tag < 6; ++tag) {
    const std::vector<uint8_t> bytes = payload(100 + tag, static_cast<uint8_t>(tag));
    ASSERT_NE(
        queue.push(times[tag], peer(static_cast<uint16_t>(tag)), tag, bytes.data(), bytes.size()),
        nullptr);
  }
  EXPECT_EQ(queue.next_release(), 10);
  EXPECT_EQ(queue.count(), 6U);

  DelayedDatagram out;
  EXPECT_FALSE(queue.pop_due(9, &out));
  const uint32_t expected[] = {1, 3, 5, 2};
  for (uint32_t tag : expected) {
    ASSERT_TRUE(queue.pop_due(29, &out));
    EXPECT_EQ(out.tag, tag);
    EXPECT_EQ(out.release_time, times[tag]);
    EXPECT_TRUE(out.address == peer(static_cast<uint16_t>(tag)));
    const std::vector<uint8_t> bytes = payload(100 + tag, static_cast<uint8_t>(tag));
    ASSERT_EQ(out.size, bytes.size());
    EXPECT_EQ(std::memcmp(out.data, bytes.data(), out.size), 0);
  }
  EXPECT_FALSE(queue.pop_due(29, &out));
  EXPECT_EQ(queue.next_release(), 30);
  ASSERT_TRUE(queue.pop_due(30, &out));
  EXPECT_EQ(out.tag, 0U);
  ASSERT_TRUE(queue.pop_due(30, &out));
  EXPECT_EQ(out.tag, 4U);
  EXPECT_FALSE(queue.pop_due(kForever, &out));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(NetDelayQueue, CopiesAndLetsTheCopyBeChanged) {
  DelayQueue queue(1 << 20, 10);
  std::vector<uint8_t> bytes = payload(1200, 1);
  uint8_t* copy = queue.push(5, peer(1), 0, bytes.data(), bytes.size());
  ASSERT_NE(copy, nullptr);
  const std::vector<uint8_t> original = bytes;
  std::fill(bytes.begin(), bytes.end(), uint8_t{0xee});
  copy[3] ^= 0x10;
  DelayedDatagram out;
  ASSERT_TRUE(queue.pop_due(5, &out));
  EXPECT_EQ(out.data[3], original[3] ^ 0x10);
  out.data[3] ^= 0x10;
  EXPECT_EQ(std::memcmp(out.data, original.data(), original.size()), 0);
}

TEST(NetDelayQueue, PoppedBytesSurvivePushes) {
  DelayQueue queue(1 << 20, 10);
  const std::vector<uint8_t> first = payload(200, 1);
  const std::vector<uint8_t> second = payload(200, 99);
  ASSERT_NE(queue.push(1, peer(1), 0, first.data(), first.size()), nullptr);
  DelayedDatagram out;
  ASSERT_TRUE(queue.pop_due(1, &out));
  ASSERT_NE(queue.push(2, peer(1), 0, second.data(), second.size()), nullptr);
  EXPECT_EQ(std::memcmp(out.data, first.data(), first.size()), 0);
}

TEST(NetDelayQueue, TakesEverySizeUpToItsLimit) {
  DelayQueue queue(1 << 20, 100);
  const std::vector<uint8_t> bytes = payload(DelayQueue::kMaxDatagramBytes + 1, 3);
  const size_t sizes[] = {0, 1, 255, 256, 257, 2048, 2049, 16384, 16385, 65507, 65536};
  int64_t time = 0;
  for (size_t size : sizes) {
    ASSERT_NE(queue.push(++time, peer(1), 0, bytes.data(), size), nullptr) << size;
  }
  EXPECT_EQ(queue.push(++time, peer(1), 0, bytes.data(), bytes.size()), nullptr);
  EXPECT_EQ(queue.dropped(), 1U);
  DelayedDatagram out;
  for (size_t size : sizes) {
    ASSERT_TRUE(queue.pop_due(kForever, &out));
    ASSERT_EQ(out.size, size);
    EXPECT_EQ(std::memcmp(out.data, bytes.data(), size), 0);
  }
}

TEST(NetDelayQueue, BoundsTheCount) {
  DelayQueue queue(1 << 20, 3);
  const uint8_t byte = 1;
  for (int i = 0; i < 3; ++i) ASSERT_NE(queue.push(i, peer(1), 0, &byte, 1), nullptr);
  EXPECT_EQ(queue.push(9, peer(1), 0, &byte, 1), nullptr);
  EXPECT_EQ(queue.dropped(), 1U);
  DelayedDatagram out;
  ASSERT_TRUE(queue.pop_due(0, &out));
  EXPECT_NE(queue.push(9, peer(1), 0, &byte, 1), nullptr);
}

TEST(NetDelayQueue, BoundsTheMemory) {
  constexpr size_t kMaxBytes = 100'000;
  DelayQueue queue(kMaxBytes, 100'000);
  const std::vector<uint8_t> bytes = payload(65536, 1);
  size_t held = 0;
  while (queue.push(0, peer(1), 0, bytes.data(), 1200) != nullptr) ++held;
  EXPECT_GT(held, 40U);
  EXPECT_LT(held, 49U);
  EXPECT_LE(queue.allocated_bytes(), kMaxBytes);
  EXPECT_EQ(queue.bytes(), held * 1200);
  EXPECT_EQ(queue.dropped(), 1U);

  // Emptied, the spare buffers give way to another size.
  DelayedDatagram out;
  while (queue.pop_due(0, &out)) {
  }
  EXPECT_GT(queue.allocated_bytes(), 0U);
  EXPECT_NE(queue.push(0, peer(1), 0, bytes.data(), bytes.size()), nullptr);
  EXPECT_LE(queue.allocated_bytes(), kMaxBytes);
  EXPECT_EQ(queue.push(0, peer(1), 0, bytes.data(), bytes.size()), nullptr);

  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.allocated_bytes(), 0U);
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_EQ(queue.next_release(), kForever);
  EXPECT_NE(queue.push(0, peer(1), 0, bytes.data(), 1), nullptr);
}

TEST(NetDelayQueue, TooSmallForAnythingDropsAndCounts) {
  const uint8_t byte = 1;
  DelayQueue no_bytes(16, 10);
  EXPECT_EQ(no_bytes.push(0, peer(1), 0, &byte, 1), nullptr);
  EXPECT_EQ(no_bytes.dropped(), 1U);
  DelayQueue no_count(1 << 20, 0);
  EXPECT_EQ(no_count.push(0, peer(1), 0, &byte, 1), nullptr);
  EXPECT_EQ(no_count.dropped(), 1U);
}

TEST(NetDelayQueue, RecyclesItsBuffers) {
  DelayQueue queue(1 << 20, 1000);
  const std::vector<uint8_t> bytes = payload(1500, 1);
  DelayedDatagram out;
  size_t after_warm_up = 0;
  for (int64_t now = 0; now < 5000; ++now) {
    const size_t size = now % 3 == 0 ? 60 : 1500;
    ASSERT_NE(queue.push(now + 50 + now % 5, peer(1), 0, bytes.data(), size), nullptr);
    while (queue.pop_due(now, &out)) {
    }
    if (now == 200) after_warm_up = queue.allocated_bytes();
  }
  EXPECT_EQ(queue.allocated_bytes(), after_warm_up);
}

TEST(NetDelayQueue, AgreesWithASortedModel) {
  struct Expected {
    int64_t time;
    uint32_t tag;
  };
  DelayQueue queue(8 << 20, 4000);
  std::vector<Expected> model;
  Prng prng(42);
  uint32_t next_tag = 0;
  DelayedDatagram out;
  for (int64_t now = 0; now < 4000; ++now) {
    for (uint64_t i = prng.below(4); i > 0; --i) {
      const int64_t time = now + static_cast<int64_t>(prng.below(300));
      const std::vector<uint8_t> bytes(prng.below(3000), static_cast<uint8_t>(next_tag));
      ASSERT_NE(queue.push(time, peer(1), next_tag, bytes.data(), bytes.size()), nullptr);
      model.push_back({time, next_tag++});
    }
    std::stable_sort(model.begin(), model.end(),
                     [](const Expected& a, const Expected& b) { return a.time < b.time; });
    while (!model.empty() && model.front().time <= now) {
      ASSERT_EQ(queue.next_release(), model.front().time);
      ASSERT_TRUE(queue.pop_due(now, &out));
      ASSERT_EQ(out.tag, model.front().tag);
      if (out.size > 0) {
        ASSERT_EQ(out.data[out.size - 1], static_cast<uint8_t>(out.tag));
      }
      model.erase(model.begin());
    }
    ASSERT_FALSE(queue.pop_due(now, &out));
    ASSERT_EQ(queue.count(), model.size());
  }
}

}  // namespace
}  // namespace hawser::net
