// The engine's steps over real sockets: traffic, full and failing sockets, impairment, closing.

#include <cerrno>

#include "engine_support.h"

namespace hawser::engine {
namespace {

using test::drive;
using test::Node;
using test::numbered;
using transport::Channel;
using transport::kNever;
using transport::Session;

// Two nodes with an open channel from the first to the second.
struct Pair {
  Pair() : a(1), b(2) {}

  void open() {
    session = a.connect(b);
    ASSERT_NE(session, nullptr);
    channel = a.open(session);
    ASSERT_NE(channel, nullptr);
    ASSERT_TRUE(drive({&a, &b}, [this] { return channel->accepted(); }));
  }

  void send_all(int count, size_t size) {
    for (int i = 0; i < count; i++) a.send(channel, numbered(i, size));
  }
  bool arrived(int count) {
    return drive({&a, &b},
                 [this, count] { return b.sink.messages.size() >= static_cast<size_t>(count); });
  }
  void expect_in_order(int count, size_t size) {
    ASSERT_EQ(b.sink.messages.size(), static_cast<size_t>(count));
    for (int i = 0; i < count; i++) {
      ASSERT_EQ(b.sink.messages[static_cast<size_t>(i)], numbered(i, size)) << i;
    }
  }

  Node a;
  Node b;
  Session* session = nullptr;
  Channel* channel = nullptr;
};

TEST(Engine, NothingToDoWithoutHosts) {
  Engine engine(net::monotonic_now_ns(), 0);
  ASSERT_EQ(engine.open(), 0);
  EXPECT_EQ(engine.next_timeout(), kNever);
  EXPECT_FALSE(engine.has_events());
  EXPECT_EQ(engine.receive(net::monotonic_now_ns(), 1000), 0u);
  EXPECT_EQ(engine.progress(), 0u);
}

TEST(Engine, CarriesMessagesInOrder) {
  Pair pair;
  pair.a.bind();
  pair.b.bind();
  pair.open();
  pair.send_all(2000, 200);
  ASSERT_TRUE(pair.arrived(2000));
  pair.expect_in_order(2000, 200);
  // Trains and batches: fewer system calls than datagrams.
  const net::SocketCounters sent = pair.a.host->counters();
  EXPECT_GT(sent.datagrams_out, 300u);
  if (pair.a.host->socket(0).features().gso) {
    EXPECT_LT(sent.syscalls_out, sent.datagrams_out);
  }
  EXPECT_GT(pair.a.engine.progress(), 300u);
}

TEST(Engine, KeepsMessagesWhileNoSinkIsLent) {
  Pair pair;
  pair.a.bind();
  pair.b.bind();
  pair.open();
  pair.b.sink.limit = 0;
  pair.send_all(100, 50);
  ASSERT_TRUE(drive({&pair.a, &pair.b}, [&] { return pair.channel->unacknowledged() == 0; }));
  EXPECT_TRUE(pair.b.sink.messages.empty());
  pair.b.sink.limit = SIZE_MAX;
  ASSERT_TRUE(pair.arrived(100));
  pair.expect_in_order(100, 50);
}

TEST(Engine, CarriesMessagesOverAnImpairedHost) {
  net::ImpairmentOptions bad;
  bad.loss = 0.1;
  bad.duplicate = 0.05;
  bad.reorder = 0.05;
  bad.corrupt = 0;
  bad.delay_ns = transport::kMillisecond;
  bad.seed = 3;
  Pair pair;
  pair.a.bind([&](HostOptions& options) { options.impairment = &bad; });
  pair.b.bind([&](HostOptions& options) { options.impairment = &bad; });
  pair.open();
  pair.send_all(500, 300);
  ASSERT_TRUE(pair.arrived(500));
  pair.expect_in_order(500, 300);
  EXPECT_GT(pair.a.host->impaired_dropped(), 0u);
}

// --- A kernel that refuses.

// What the next sendmsg calls answer: an errno, 0 for the truth. Tests are one thread.
int next_send_error = 0;
int failed_sends = 0;
int next_receive_error = 0;

ssize_t failing_sendmsg(int fd, const msghdr* message, int flags) {
  if (next_send_error != 0) {
    failed_sends++;
    errno = next_send_error;
    return -1;
  }
  return net::system_socket_calls().sendmsg(fd, message, flags);
}

ssize_t failing_recvmsg(int fd, msghdr* message, int flags) {
  if (next_receive_error != 0) {
    errno = next_receive_error;
    return -1;
  }
  return net::system_socket_calls().recvmsg(fd, message, flags);
}

struct Refusing : Pair {
  Refusing() : calls(net::system_socket_calls()) {
    next_send_error = 0;
    failed_sends = 0;
    next_receive_error = 0;
    calls.sendmsg = &failing_sendmsg;
    calls.recvmsg = &failing_recvmsg;
    a.bind([this](HostOptions& options) {
      options.sockets.calls = &calls;
      options.sockets.mmsg = false;
    });
    b.bind();
  }
  ~Refusing() {
    next_send_error = 0;
    next_receive_error = 0;
  }

  net::SocketCalls calls;
};

TEST(Engine, HoldsATrainUntilTheSocketHasRoom) {
  Refusing pair;
  pair.open();
  const uint64_t lost_before = pair.session->counters().packets_lost;
  const net::SocketCounters before = pair.a.host->counters();
  next_send_error = EAGAIN;
  pair.send_all(200, 500);
  pair.a.step();
  EXPECT_EQ(failed_sends, 1);
  // It is not tried again before the kernel says that there is room.
  {
    MutexLock lock(pair.a.engine.mutex());
    pair.a.engine.transmit(net::monotonic_now_ns());
    EXPECT_NE(pair.a.engine.next_timeout(), 0);
  }
  EXPECT_EQ(failed_sends, 1);
  EXPECT_EQ(pair.a.host->counters().datagrams_out, before.datagrams_out);

  next_send_error = 0;  // and the real socket has room: the set reports it
  ASSERT_TRUE(pair.arrived(200));
  pair.expect_in_order(200, 500);
  EXPECT_EQ(pair.session->counters().packets_lost, lost_before);
}

TEST(Engine, DestroysAHostWhoseTrainIsHeld) {
  Refusing pair;
  pair.open();
  next_send_error = EAGAIN;
  pair.send_all(200, 500);
  pair.a.step();
  ASSERT_EQ(failed_sends, 1);
  pair.a.let_go();
  next_send_error = 0;
  pair.a.step();
  EXPECT_EQ(pair.a.next_timeout(), kNever);
}

TEST(Engine, GoesOnAfterErrorsAboutTheDestination) {
  Refusing pair;
  pair.open();
  for (const int error : {ECONNREFUSED, ENETUNREACH, EPERM, ENOBUFS}) {
    next_send_error = error;
    pair.send_all(1, 10);
    pair.a.step();
  }
  EXPECT_EQ(pair.a.host->counters().errors_out.other, static_cast<uint64_t>(failed_sends));
  EXPECT_GE(failed_sends, 4);
  next_send_error = 0;
  ASSERT_TRUE(pair.arrived(4));  // the transport took it for loss
}

TEST(Engine, ReportsASocketThatCannotBeRead) {
  Refusing pair;
  pair.open();
  next_receive_error = EBADF;
  pair.b.send(pair.b.channels.at(0), "wakes the socket");
  ASSERT_TRUE(drive({&pair.b, &pair.a}, [&] { return (pair.a.host_events & kHostFailed) != 0; }));
  EXPECT_EQ(pair.a.host->failure(), EBADF);
  EXPECT_FALSE(pair.a.host->socket(0).is_open());
  pair.a.step();  // and does not look at it again
}

// --- Closing.

TEST(Engine, CloseTellsThePeerThenClosesTheSockets) {
  Pair pair;
  pair.a.bind();
  pair.b.bind();
  pair.open();
  {
    MutexLock lock(pair.a.engine.mutex());
    pair.a.engine.close_host(pair.a.host, net::monotonic_now_ns(), wire::Code::kNoError, "bye", 3);
  }
  ASSERT_TRUE(drive({&pair.a, &pair.b},
                    [&] { return (pair.a.host_events & kHostClosed) != 0 && pair.b.closed == 1; }));
  EXPECT_FALSE(pair.a.host->socket(0).is_open());
  EXPECT_EQ(pair.b.sessions.at(0)->reason().by, transport::ClosedBy::kRemote);
  EXPECT_EQ(std::string(pair.b.sessions.at(0)->reason().detail, 3), "bye");
}

TEST(Engine, CloseOfAHostWithoutSessionsEndsAtOnce) {
  Node node(1);
  node.bind();
  MutexLock lock(node.engine.mutex());
  const transport::Time now = net::monotonic_now_ns();
  node.engine.close_host(node.host, now, wire::Code::kNoError, "", 0);
  EXPECT_LE(node.engine.next_timeout(), now);
  node.engine.run_timers(now);
  EXPECT_EQ(node.engine.next_report(), node.host);
  EXPECT_EQ(node.host->take_events(), kHostClosed);
  EXPECT_FALSE(node.host->socket(0).is_open());
}

TEST(Engine, CloseGivesUpOnAPeerThatDoesNotAnswer) {
  Pair pair;
  pair.a.bind();
  pair.b.bind();
  pair.open();
  MutexLock lock(pair.a.engine.mutex());
  const transport::Time now = net::monotonic_now_ns();
  pair.a.engine.close_host(pair.a.host, now, wire::Code::kNoError, "", 0);
  // As if a second had passed.
  pair.a.engine.run_timers(now + transport::kSecond);
  EXPECT_EQ(pair.a.engine.next_report(), pair.a.host);
  EXPECT_FALSE(pair.a.host->socket(0).is_open());
}

TEST(Engine, DestroyInTheMiddleFreesEverything) {
  Node b(2);
  b.bind();
  Node a(1);
  const size_t memory = a.engine.memory().in_use();
  for (int i = 0; i < 5; i++) {
    a.bind();
    Session* session = a.connect(b);
    Channel* channel = a.open(session);
    ASSERT_TRUE(drive({&a, &b}, [&] { return channel->accepted(); }));
    for (int k = 0; k < 100; k++) a.send(channel, numbered(k, 1000));
    a.step();
    a.let_go();
  }
  MutexLock lock(a.engine.mutex());
  a.engine.runtime().collect();
  EXPECT_EQ(a.engine.memory().in_use(), memory);
}

TEST(Engine, AlarmIsAnEventOnce) {
  Engine engine(net::monotonic_now_ns(), 0);
  ASSERT_EQ(engine.open(), 0);
  const transport::Time now = net::monotonic_now_ns();
  engine.set_alarm(now + transport::kSecond);
  EXPECT_LE(engine.next_timeout(), now + transport::kSecond);
  engine.run_timers(now);
  EXPECT_FALSE(engine.has_events());
  engine.run_timers(now + transport::kSecond);
  EXPECT_TRUE(engine.has_events());
  EXPECT_TRUE(engine.take_alarm());
  EXPECT_FALSE(engine.take_alarm());
  EXPECT_FALSE(engine.has_events());
}

}  // namespace
}  // namespace hawser::engine
