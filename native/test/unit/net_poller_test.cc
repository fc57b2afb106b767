#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <thread>

#include "net/descriptor.h"
#include "net/poller.h"
#include "net/timer_fd.h"
#include "net/wake_handle.h"

namespace hawser::net {
namespace {

class Pair {
 public:
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds_), 0); }
  ~Pair() {
    for (int fd : fds_) {
      if (fd >= 0) ::close(fd);
    }
  }
  int here() const { return fds_[0]; }
  void send_from_there() const { ASSERT_EQ(::write(fds_[1], "x", 1), 1); }
  void take() const {
    char byte;
    ASSERT_EQ(::read(fds_[0], &byte, 1), 1);
  }
  void close_here() {
    ::close(fds_[0]);
    fds_[0] = -1;
  }

 private:
  int fds_[2] = {-1, -1};
};

TEST(NetDescriptor, SaysWhetherItCanBeRead) {
  Pair pair;
  EXPECT_FALSE(is_readable(pair.here()));
  pair.send_from_there();
  EXPECT_TRUE(is_readable(pair.here()));
  pair.take();
  EXPECT_FALSE(is_readable(pair.here()));
}

TEST(NetPoller, ReportsWhoIsReadable) {
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  Pair a;
  Pair b;
  ASSERT_TRUE(poller.add(a.here()));
  ASSERT_TRUE(poller.add(b.here()));

  b.send_from_there();
  PollResult result = poller.wait(kForever);
  EXPECT_EQ(result.ready, 1);
  EXPECT_FALSE(result.woken);
  EXPECT_FALSE(result.timed_out);
  EXPECT_FALSE(poller.readable(a.here()));
  EXPECT_TRUE(poller.readable(b.here()));
  EXPECT_FALSE(poller.writable(b.here()));

  a.send_from_there();
  EXPECT_EQ(poller.wait(kForever).ready, 2);
  b.take();
  EXPECT_EQ(poller.wait(kForever).ready, 1);
  EXPECT_TRUE(poller.readable(a.here()));
  EXPECT_FALSE(poller.readable(b.here()));

  ASSERT_TRUE(poller.remove(a.here()));
  EXPECT_FALSE(poller.readable(a.here()));
  result = poller.wait(0);
  EXPECT_EQ(result.ready, 0);
  EXPECT_TRUE(result.timed_out);
  b.send_from_there();
  EXPECT_EQ(poller.wait(kForever).ready, 1);
  EXPECT_TRUE(poller.readable(b.here()));
}

TEST(NetPoller, WatchesForWritingOnlyWhenAsked) {
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  Pair pair;
  ASSERT_TRUE(poller.add(pair.here()));
  EXPECT_TRUE(poller.wait(0).timed_out);
  poller.want_write(pair.here(), true);
  EXPECT_EQ(poller.wait(kForever).ready, 1);
  EXPECT_TRUE(poller.writable(pair.here()));
  EXPECT_FALSE(poller.readable(pair.here()));
  poller.want_write(pair.here(), false);
  EXPECT_TRUE(poller.wait(0).timed_out);
}

TEST(NetPoller, RefusesWhatItCannotHold) {
  Poller poller;
  EXPECT_FALSE(poller.add(1));
  EXPECT_EQ(poller.wait(0).error, EBADF);
  ASSERT_EQ(poller.open(), 0);
  EXPECT_FALSE(poller.add(-1));
  EXPECT_FALSE(poller.remove(1));
  // The poller does not look at the descriptors before it waits.
  for (size_t i = 0; i < Poller::kMaxDescriptors; ++i) {
    ASSERT_TRUE(poller.add(static_cast<int>(1000 + i)));
  }
  EXPECT_FALSE(poller.add(999));
  EXPECT_FALSE(poller.add(1000));
  ASSERT_TRUE(poller.remove(1000));
  EXPECT_FALSE(poller.add(1001));
  EXPECT_TRUE(poller.add(999));
}

TEST(NetPoller, SaysThatADescriptorIsBroken) {
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  Pair pair;
  const int fd = pair.here();
  ASSERT_TRUE(poller.add(fd));
  pair.close_here();
  EXPECT_EQ(poller.wait(kForever).ready, 1);
  EXPECT_TRUE(poller.broken(fd));
}

TEST(NetPoller, SleepsUntilTheDeadlineAndNotLess) {
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  const int64_t deadline = monotonic_now_ns() + 3'500'000;
  const PollResult result = poller.wait(deadline);
  EXPECT_TRUE(result.timed_out);
  EXPECT_FALSE(result.woken);
  EXPECT_GE(monotonic_now_ns(), deadline);
  EXPECT_TRUE(poller.wait(deadline).timed_out);
  EXPECT_TRUE(poller.wait(INT64_MIN).timed_out);
}

TEST(NetPoller, WakeUpsCoalesce) {
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  for (int i = 0; i < 100; ++i) poller.wake();
  const PollResult result = poller.wait(kForever);
  EXPECT_TRUE(result.woken);
  EXPECT_EQ(result.ready, 0);
  EXPECT_TRUE(poller.wait(0).timed_out);
  poller.wake();
  EXPECT_TRUE(poller.wait(kForever).woken);
}

TEST(NetWakeHandle, ManyWakeUpsAreOneSystemCall) {
  WakeHandle handle;
  ASSERT_EQ(handle.open(), 0);
  for (int i = 0; i < 100; ++i) handle.wake();
  // One write: eight bytes in a pipe, the number 1 in an eventfd.
  uint64_t words[8] = {};
  ASSERT_EQ(::read(handle.fd(), words, sizeof(words)), 8);
  EXPECT_EQ(words[0], 1U);
  EXPECT_EQ(::read(handle.fd(), words, sizeof(words)), -1);
  // Silent until clear(), which does not mind the empty handle.
  handle.wake();
  EXPECT_EQ(::read(handle.fd(), words, sizeof(words)), -1);
  handle.clear();
  handle.wake();
  EXPECT_EQ(::read(handle.fd(), words, sizeof(words)), 8);
}

TEST(NetPoller, OpensAgain) {
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  poller.wake();
  ASSERT_EQ(poller.open(), 0);
  EXPECT_TRUE(poller.wait(0).timed_out);
  poller.wake();
  EXPECT_TRUE(poller.wait(kForever).woken);
}

// Every number handed over must be seen: a lost wake-up would hang this test.
TEST(NetPoller, NoWakeUpFromAnotherThreadIsLost) {
  constexpr int kRounds = 20'000;
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  std::atomic<int> handed_over{0};
  std::thread producer([&] {
    for (int i = 1; i <= kRounds; ++i) {
      handed_over.store(i, std::memory_order_relaxed);
      poller.wake();
    }
  });
  int seen = 0;
  while (seen < kRounds) {
    ASSERT_TRUE(poller.wait(kForever).woken);
    seen = handed_over.load(std::memory_order_relaxed);
  }
  producer.join();
  EXPECT_EQ(seen, kRounds);
}

Poller* signalled_poller = nullptr;

TEST(NetPoller, WakesFromASignalHandler) {
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  signalled_poller = &poller;
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { signalled_poller->wake(); };
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const pthread_t sleeper = pthread_self();
  std::thread sender([sleeper] { pthread_kill(sleeper, SIGUSR1); });
  EXPECT_TRUE(poller.wait(kForever).woken);
  sender.join();
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(NetPoller, SignalsWithoutAWakeDoNotEndTheWait) {
  static std::atomic<bool> handled{false};
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { handled = true; };
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const pthread_t sleeper = pthread_self();
  std::thread sender([&poller, sleeper] {
    pthread_kill(sleeper, SIGUSR1);
    while (!handled) std::this_thread::yield();
    poller.wake();
  });
  const PollResult result = poller.wait(kForever);
  EXPECT_TRUE(result.woken);
  EXPECT_EQ(result.error, 0);
  sender.join();
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

class NetTimerFd : public testing::Test {
 protected:
  void SetUp() override {
    const int error = timer_.open();
    if (error == ENOSYS) GTEST_SKIP() << "no timerfd here";
    ASSERT_EQ(error, 0);
    ASSERT_EQ(poller_.open(), 0);
    ASSERT_TRUE(poller_.add(timer_.fd()));
  }

  TimerFd timer_;
  Poller poller_;
};

TEST_F(NetTimerFd, FiresAtItsDeadlineAndNotBefore) {
  EXPECT_FALSE(timer_.clear());
  const int64_t deadline = monotonic_now_ns() + 2'000'000;
  ASSERT_EQ(timer_.arm(deadline), 0);
  EXPECT_EQ(poller_.wait(kForever).ready, 1);
  EXPECT_GE(monotonic_now_ns(), deadline);
  EXPECT_TRUE(timer_.clear());
  EXPECT_TRUE(poller_.wait(0).timed_out);
  EXPECT_FALSE(timer_.clear());
}

TEST_F(NetTimerFd, PastDeadlinesFireAtOnce) {
  for (int64_t deadline : {monotonic_now_ns() - 1, int64_t{0}, int64_t{-5}}) {
    ASSERT_EQ(timer_.arm(deadline), 0);
    EXPECT_EQ(poller_.wait(kForever).ready, 1);
    EXPECT_TRUE(timer_.clear());
  }
}

TEST_F(NetTimerFd, TheLastDeadlineCounts) {
  const int64_t hour = int64_t{3600} * 1'000'000'000;
  ASSERT_EQ(timer_.arm(1), 0);
  ASSERT_EQ(timer_.arm(monotonic_now_ns() + hour), 0);
  EXPECT_TRUE(poller_.wait(0).timed_out);
  ASSERT_EQ(timer_.arm(1), 0);
  EXPECT_EQ(poller_.wait(kForever).ready, 1);
  ASSERT_EQ(timer_.disarm(), 0);
  EXPECT_TRUE(poller_.wait(0).timed_out);
  EXPECT_FALSE(timer_.clear());
}

TEST_F(NetTimerFd, TheSameDeadlineCanBeArmedAgainAfterItFired) {
  ASSERT_EQ(timer_.arm(7), 0);
  ASSERT_EQ(timer_.arm(7), 0);
  EXPECT_EQ(poller_.wait(kForever).ready, 1);
  ASSERT_TRUE(timer_.clear());
  ASSERT_EQ(timer_.arm(7), 0);
  EXPECT_EQ(poller_.wait(kForever).ready, 1);
}

TEST(NetTimerFdClosed, RefusesToArm) {
  TimerFd timer;
  EXPECT_NE(timer.arm(1), 0);
  EXPECT_FALSE(timer.clear());
}

}  // namespace
}  // namespace hawser::net
