// random.h, path.h, os_thread.h.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "engine/os_thread.h"
#include "engine/path.h"
#include "engine/random.h"

namespace hawser::engine {
namespace {

TEST(SystemRandom, NumbersDifferAcrossBlocks) {
  SystemRandom random;
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; i++) seen.insert(random.next());
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(SystemRandom, TwoSourcesDiffer) {
  SystemRandom a;
  SystemRandom b;
  EXPECT_NE(a.next(), b.next());
}

// Requests of every size around the block fill all of their bytes, and nothing beyond.
TEST(SystemRandom, FillsExactlyWhatWasAsked) {
  SystemRandom random;
  for (const size_t size : {1u, 7u, 500u, 511u, 512u, 513u, 1000u, 5000u}) {
    std::vector<uint8_t> any(size + 1, 0);
    // A byte stays zero with 1/256 each time: after 8 times all were other than zero at least once.
    for (int round = 0; round < 16; round++) {
      std::vector<uint8_t> bytes(size + 1, 0);
      random.fill(bytes.data(), size);
      EXPECT_EQ(bytes[size], 0);
      for (size_t i = 0; i < size; i++) any[i] |= bytes[i];
    }
    EXPECT_EQ(std::count(any.begin(), any.end() - 1, 0), 0) << size;
  }
}

TEST(EnginePath, SurvivesTheWayThroughTheCore) {
  net::Address address;
  ASSERT_TRUE(net::Address::parse("fe80::1%3", 4433, &address));
  const transport::PathAddress packed = to_path_address(address, 7);
  const Path path = from_path_address(packed);
  EXPECT_EQ(path.address, address);
  EXPECT_EQ(path.socket, 7u);
}

TEST(EnginePath, DiffersByAddressPortAndSocket) {
  net::Address one;
  net::Address other;
  ASSERT_TRUE(net::Address::parse("192.0.2.1", 1, &one));
  ASSERT_TRUE(net::Address::parse("192.0.2.1", 2, &other));
  EXPECT_TRUE(to_path_address(one, 0) == to_path_address(one, 0));
  EXPECT_FALSE(to_path_address(one, 0) == to_path_address(other, 0));
  EXPECT_FALSE(to_path_address(one, 0) == to_path_address(one, 1));
}

struct Counting {
  Mutex mutex;
  int count = 0;

  static void run(void* self) {
    auto* counting = static_cast<Counting*>(self);
    for (int i = 0; i < 20'000; i++) {
      MutexLock lock(counting->mutex);
      counting->count++;
    }
  }
};

TEST(OsThread, MutexKeepsThreadsApart) {
  Counting counting;
  Thread threads[3];
  for (Thread& thread : threads) {
    ASSERT_EQ(thread.start("counting", &Counting::run, &counting), 0);
    EXPECT_TRUE(thread.running());
  }
  for (Thread& thread : threads) thread.join();
  EXPECT_EQ(counting.count, 60'000);
  EXPECT_FALSE(threads[0].running());
}

TEST(OsThread, JoinWithoutThreadAndStartAgain) {
  Counting counting;
  Thread thread;
  thread.join();
  ASSERT_EQ(thread.start("once", &Counting::run, &counting), 0);
  ASSERT_EQ(thread.start("twice", &Counting::run, &counting), 0);
  thread.join();
  EXPECT_EQ(counting.count, 40'000);
}

TEST(OsThread, GiveWayReturnsWhenNobodyWaits) {
  Mutex mutex;
  mutex.give_way();
  MutexLock lock(mutex);
}

}  // namespace
}  // namespace hawser::engine
