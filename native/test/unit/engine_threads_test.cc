// The helper thread, the I/O thread, and the one that computes handshakes.

#include <atomic>

#include "engine/handshake_worker.h"
#include "engine/helper_thread.h"
#include "engine/io_thread.h"
#include "engine_support.h"

namespace hawser::engine {
namespace {

using test::drive;
using test::Node;
using test::numbered;
using transport::Channel;
using transport::Session;

struct CountingWaker final : Waker {
  void wake() override { calls.fetch_add(1); }
  std::atomic<int> calls{0};
};

// Node b is driven by a thread of the engine; the test is its application and looks only when it
// was woken. Node a is driven by the test.
struct Threads : testing::Test {
  Threads() : a(1), b(2) {
    a.bind();
    b.bind();
  }

  // Takes what the thread of b left for its application.
  void serve_b() {
    if (waker.calls.exchange(0) == 0) return;
    MutexLock lock(b.engine.mutex());
    const transport::Time now = net::monotonic_now_ns();
    b.engine.runtime().set_sink(&b.sink);
    b.take_events(now);
    b.engine.runtime().set_sink(nullptr);
    b.engine.transmit(now);
  }

  bool until(const std::function<bool()>& done) {
    return drive({&a}, [&] {
      serve_b();
      return done();
    });
  }

  void exchange() {
    Session* session = a.connect(b);
    ASSERT_NE(session, nullptr);
    Channel* channel = a.open(session);
    ASSERT_NE(channel, nullptr);
    ASSERT_TRUE(until([&] { return channel->accepted(); }));
    for (int i = 0; i < 500; i++) a.send(channel, numbered(i, 100));
    ASSERT_TRUE(
        until([&] { return b.sink.messages.size() == 500 && channel->unacknowledged() == 0; }));
    for (size_t i = 0; i < 500; i++) {
      ASSERT_EQ(b.sink.messages[i], numbered(static_cast<int>(i), 100));
    }
  }

  Node a;
  Node b;
  CountingWaker waker;
};

TEST_F(Threads, IoThreadDrivesAnEngine) {
  IoThread thread(b.engine, waker);
  ASSERT_EQ(thread.start(), 0);
  exchange();
  thread.stop();
}

// Nothing is lost or late for good by it, and it ends when it is told to.
TEST_F(Threads, IoThreadSpins) {
  IoThread thread(b.engine, waker);
  thread.spinning().set_enabled(true);
  ASSERT_EQ(thread.start(), 0);
  exchange();
  EXPECT_GT(thread.spinning().spins(), 0u);
  thread.spinning().set_enabled(false);
  thread.stop();
}

TEST_F(Threads, IoThreadDoesNotSpinUnasked) {
  IoThread thread(b.engine, waker);
  ASSERT_EQ(thread.start(), 0);
  exchange();
  thread.stop();
  EXPECT_EQ(thread.spinning().spins(), 0u);
}

TEST_F(Threads, IoThreadLearnsOfEarlierDeadlines) {
  IoThread thread(b.engine, waker);
  ASSERT_EQ(thread.start(), 0);
  // The other way round: the application's thread starts a session while the I/O thread sleeps,
  // and leaves the sending to it.
  Session* session = b.connect(a);
  ASSERT_NE(session, nullptr);
  thread.note_deadline(0);
  EXPECT_TRUE(until([&] { return b.opened == 1; }));
  thread.stop();
}

// Both ends of the handshake, one on each worker; what comes of it leaves at once.
TEST_F(Threads, WorkersComputeHandshakes) {
  CountingWaker waker_a;
  HandshakeWorker worker_a(a.engine, waker_a);
  HandshakeWorker worker_b(b.engine, waker);
  ASSERT_EQ(worker_a.start(), 0);
  ASSERT_EQ(worker_b.start(), 0);
  Session* session = a.connect(b);
  ASSERT_NE(session, nullptr);
  EXPECT_TRUE(drive({&a, &b}, [&] { return a.opened == 1 && b.opened == 1; }));
  EXPECT_GE(waker_a.calls.load(), 2);  // its own message, and the answer to it
  EXPECT_GE(waker.calls.load(), 1);
  worker_b.stop();
  worker_b.stop();
  // Without them the engine does it itself.
  worker_a.stop();
  ASSERT_NE(a.connect(b), nullptr);
  EXPECT_TRUE(drive({&a, &b}, [&] { return b.opened == 2; }));
}

// A host goes while its handshake is computed.
TEST_F(Threads, AWorkerOutlivesItsHost) {
  HandshakeWorker worker(a.engine, waker);
  for (int i = 0; i < 20; i++) {
    if (a.host == nullptr) a.bind();
    ASSERT_EQ(worker.start(), 0);
    ASSERT_NE(a.connect(b), nullptr);
    a.step();
    a.let_go();
    worker.stop();
  }
  MutexLock lock(a.engine.mutex());
  a.engine.runtime().collect();
  // What the worker never came to.
  while (transport::Handshake* left = a.engine.runtime().next_handshake()) {
    left->compute();
    a.engine.runtime().finish(net::monotonic_now_ns(), left);
  }
  EXPECT_LE(a.engine.memory().in_use(), SendQueue::kBufferBytes + 4'096);
}

TEST_F(Threads, StopEndsASleepingThread) {
  {
    IoThread io(b.engine, waker);
    ASSERT_EQ(io.start(), 0);
  }  // as much as stop()
  HelperThread helper(a.engine, waker);
  if (a.engine.sockets().fd() < 0) GTEST_SKIP() << "no helper on this system";
  ASSERT_EQ(helper.start(), 0);
  helper.stop();
  helper.stop();
}

TEST_F(Threads, HelperStandsInForALoopThatIsAway) {
  if (b.engine.sockets().fd() < 0) GTEST_SKIP() << "no helper on this system";
  HelperThread helper(b.engine, waker);
  ASSERT_EQ(helper.start(), 0);
  exchange();  // the loop of b never enters its poll
  EXPECT_GT(helper.takeovers(), 0u);
  helper.stop();
}

// What was set while it was away, the loop has to learn when it is back: nothing else would make it
// look at the timers.
TEST_F(Threads, HelperWakesTheLoopThatIsBack) {
  if (b.engine.sockets().fd() < 0) GTEST_SKIP() << "no helper on this system";
  HelperThread helper(b.engine, waker);
  ASSERT_EQ(helper.start(), 0);
  ASSERT_TRUE(until([&] { return helper.takeovers() == 1; }));
  EXPECT_EQ(waker.calls.load(), 0);  // nothing came, so there was nothing to tell
  helper.enter_poll();
  EXPECT_TRUE(drive({&a}, [&] { return waker.calls.load() > 0; }));
  helper.stop();
}

TEST_F(Threads, HelperKeepsOutOfALoopThatPolls) {
  if (b.engine.sockets().fd() < 0) GTEST_SKIP() << "no helper on this system";
  HelperThread helper(b.engine, waker);
  helper.enter_poll();
  ASSERT_EQ(helper.start(), 0);
  // Many looks of the helper later nothing has come that the loop would have to see.
  poll(nullptr, 0, 50);
  EXPECT_EQ(helper.takeovers(), 0u);
  EXPECT_EQ(waker.calls.load(), 0);
  helper.leave_poll();
  EXPECT_TRUE(until([&] { return helper.takeovers() > 0; }));
  helper.stop();
}

// A loop that polls would have seen the INIT: something else that it polls for keeps it busy.
TEST_F(Threads, HelperStandsInForALoopThatPollsAndSeesNothing) {
  if (b.engine.sockets().fd() < 0) GTEST_SKIP() << "no helper on this system";
  HelperThread helper(b.engine, waker);
  helper.enter_poll();
  ASSERT_EQ(helper.start(), 0);
  exchange();
  EXPECT_GT(helper.takeovers(), 0u);
  helper.stop();
}

// The same for a timer: here the first INIT of a session is due, and nothing came.
TEST_F(Threads, HelperStandsInForALoopThatPollsAndMissesADeadline) {
  if (b.engine.sockets().fd() < 0) GTEST_SKIP() << "no helper on this system";
  HelperThread helper(b.engine, waker);
  ASSERT_NE(b.connect(a), nullptr);
  helper.note_deadline(0);
  helper.enter_poll();
  ASSERT_EQ(helper.start(), 0);
  EXPECT_TRUE(until([&] { return b.opened == 1; }));
  EXPECT_GT(helper.takeovers(), 0u);
  helper.stop();
}

}  // namespace
}  // namespace hawser::engine
