// Everything that may run at once does, for a while: a thread that pushes without the lock, an I/O
// thread that sends and acknowledges, a helper thread that takes over from a loop that is away, and
// that loop, which pushes too. ThreadSanitizer watches (.ci/run tsan); everywhere, every message
// must come once and in order.

#include <atomic>
#include <cstdlib>
#include <thread>

#include "engine/helper_thread.h"
#include "engine/io_thread.h"
#include "engine_support.h"

namespace hawser::engine {
namespace {

using test::KeepingSink;
using test::kPatience;
using test::Node;
using test::numbered;
using transport::Channel;
using transport::Duration;
using transport::kMillisecond;
using transport::Session;
using transport::Time;

// Milliseconds; HAWSER_STRESS_MS changes it.
Duration stress_time() {
  const char* chosen = std::getenv("HAWSER_STRESS_MS");
  return (chosen == nullptr ? 500 : std::strtol(chosen, nullptr, 10)) * kMillisecond;
}

struct FlagWaker final : Waker {
  void wake() override { woken.store(true); }
  std::atomic<bool> woken{false};
};

size_t size_of(int i) { return static_cast<size_t>(8 + i * 37 % 3'000); }

// What one thread pushes.
struct Sender {
  int pushed = 0;
  uint64_t without_lock = 0;

  // Up to `count` messages, as Node-API calls push them: without the lock while there is room.
  // False: no more fits now.
  bool push(Node& node, Channel* channel, int count) {
    for (; count > 0; count--) {
      const std::string text = numbered(pushed, size_of(pushed));
      const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
      Channel::Push result = channel->push(bytes, text.size());
      if (result == Channel::Push::kNoRoom) {
        MutexLock lock(node.engine.mutex());
        result = channel->push_locked(bytes, text.size());
      } else {
        without_lock++;
      }
      if (result != Channel::Push::kTaken && result != Channel::Push::kFull) return false;
      pushed++;
      if (result == Channel::Push::kFull) return false;
    }
    return true;
  }
};

// What the other takes.
struct Receiver {
  int received = 0;

  // Under the lock.
  void check(KeepingSink& sink) {
    for (const std::string& text : sink.messages) {
      ASSERT_EQ(text, numbered(received, size_of(received)));
      received++;
    }
    sink.messages.clear();
  }
};

TEST(EngineStress, ProducersWithoutTheLockAndThreadsThatDrive) {
  Node a(1);
  Node b(2);
  a.bind();
  b.bind();
  FlagWaker wake_a;
  FlagWaker wake_b;
  IoThread io(a.engine, wake_a);
  HelperThread helper(b.engine, wake_b);
  const bool has_helper = b.engine.sockets().fd() >= 0;
  ASSERT_EQ(io.start(), 0);
  if (has_helper) {
    ASSERT_EQ(helper.start(), 0);
  }

  Session* session = a.connect(b);
  ASSERT_NE(session, nullptr);
  Channel* channel = a.open(session);
  ASSERT_NE(channel, nullptr);
  io.note_deadline(0);
  {
    MutexLock lock(a.engine.mutex());
    channel->set_demand(net::monotonic_now_ns(), transport::Demand::kContinuous);
  }
  const Time give_up = net::monotonic_now_ns() + kPatience + stress_time();
  const Time stop_at = net::monotonic_now_ns() + stress_time();
  Sender from_a;
  Sender from_b;
  Receiver at_a;
  Receiver at_b;
  std::atomic<bool> a_done{false};
  std::atomic<bool> b_done{false};
  std::atomic<int> to_b{-1};  // how many went to b, once that is known
  std::atomic<int> to_a{-1};

  // The application of a: pushes, and takes what the I/O thread has left for it.
  std::thread application([&] {
    for (int round = 0; net::monotonic_now_ns() < give_up; round++) {
      const Time now = net::monotonic_now_ns();
      const bool room = now >= stop_at || from_a.push(a, channel, 1 + round % 50);
      bool sent = false;
      {
        MutexLock lock(a.engine.mutex());
        channel->flush(now);
        a.engine.runtime().set_sink(&a.sink);
        a.take_events(now);
        a.engine.runtime().set_sink(nullptr);
        at_a.check(a.sink);
        sent = channel->accepted() && now >= stop_at && channel->unacknowledged() == 0;
        if (sent) channel->trim();
      }
      io.note_deadline(0);
      if (sent) to_b.store(from_a.pushed);
      if (sent && to_a.load() == at_a.received) break;
      if (!room || sent) poll(nullptr, 0, 1);
      if (testing::Test::HasFatalFailure()) break;
    }
    a_done.store(true);
  });

  // The loop of b: serves, pushes, waits, and now and then is away.
  for (int round = 0; net::monotonic_now_ns() < give_up; round++) {
    const Time now = net::monotonic_now_ns();
    b.step();
    {
      MutexLock lock(b.engine.mutex());
      at_b.check(b.sink);
    }
    helper.served();
    if (!b.channels.empty()) {
      Channel* mine = b.channels.front();
      if (now < stop_at) from_b.push(b, mine, 1 + round % 20);
      MutexLock lock(b.engine.mutex());
      mine->flush(now);
      if (now >= stop_at && mine->unacknowledged() == 0) to_a.store(from_b.pushed);
    }
    if (to_a.load() >= 0 && to_b.load() == at_b.received && a_done.load()) {
      b_done.store(true);
      break;
    }
    if (testing::Test::HasFatalFailure()) break;
    if (round % 7 == 0) {
      poll(nullptr, 0, 4);  // busy with something else
      continue;
    }
    helper.note_deadline(b.next_timeout());
    helper.enter_poll();
    poll(nullptr, 0, round % 2);
    helper.leave_poll();
  }
  application.join();
  helper.stop();
  io.stop();
  EXPECT_TRUE(b_done.load());
  EXPECT_EQ(at_b.received, from_a.pushed);
  EXPECT_EQ(at_a.received, from_b.pushed);
  EXPECT_GT(from_a.pushed, 100);
  EXPECT_GT(from_b.pushed, 100);
  EXPECT_GT(from_a.without_lock, 0u);
  if (has_helper) {
    EXPECT_GT(helper.takeovers(), 0u);
  }
  RecordProperty("messages", from_a.pushed + from_b.pushed);
}

}  // namespace
}  // namespace hawser::engine
