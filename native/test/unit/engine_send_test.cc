// What leaves in one round of an engine with many sessions: how many system calls it takes, and
// that each session learns what becomes of its own datagrams.

#include <netinet/in.h>

#include <cerrno>
#include <memory>

#include "engine_support.h"

#if HAWSER_NET_LINUX
#include <netinet/udp.h>
#endif

namespace hawser::engine {
namespace {

using test::drive;
using test::Node;
using test::numbered;
using transport::Channel;
using transport::kMillisecond;
using transport::Session;

// --- A kernel that refuses datagrams to one port, as system calls do it: a batch ends in front of
// the first one that fails, and the next call reports it. Tests are one thread.

struct Refusal {
  int error = 0;      // 0: nothing is refused
  uint16_t port = 0;  // 0: any
  size_t above = 0;   // longer datagrams alone, bytes
  int passes = 0;     // so many that would be refused go first
  int refused = 0;    // calls that failed
  int batches = 0;    // sendmmsg
  size_t in_batches = 0;
};
Refusal refusal;

bool refuses(const msghdr& message) {
  size_t bytes = message.msg_iov->iov_len;
#if HAWSER_NET_LINUX
  if (message.msg_controllen != 0) {
    uint16_t segment = 0;
    memcpy(&segment, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof segment);
    bytes = segment;
  }
#endif
  const auto* to = static_cast<const sockaddr_in*>(message.msg_name);
  return refusal.error != 0 && bytes > refusal.above &&
         (refusal.port == 0 || ntohs(to->sin_port) == refusal.port) && refusal.passes-- <= 0;
}

ssize_t refusing_sendmsg(int fd, const msghdr* message, int flags) {
  if (!refuses(*message)) return net::system_socket_calls().sendmsg(fd, message, flags);
  refusal.refused++;
  errno = refusal.error;
  return -1;
}

#if HAWSER_NET_LINUX
int refusing_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  unsigned taken = 0;
  while (taken < count && !refuses(messages[taken].msg_hdr)) taken++;
  if (taken == 0) {
    refusal.refused++;
    errno = refusal.error;
    return -1;
  }
  refusal.batches++;
  refusal.in_batches += taken;
  return net::system_socket_calls().sendmmsg(fd, messages, taken, flags);
}
#endif

// A node in the middle, with a session and a channel to each of some others.
struct Hub : testing::Test {
  static constexpr size_t kOthers = 10;
  static constexpr uint32_t kLongest = 16'376;

  Hub() : calls(net::system_socket_calls()), hub(100) {
    refusal = {};
    calls.sendmsg = &refusing_sendmsg;
#if HAWSER_NET_LINUX
    calls.sendmmsg = &refusing_sendmmsg;
#endif
  }
  ~Hub() override { refusal = {}; }

  // `longest`: where path MTU discovery ends; 0: there is none.
  void open(bool mmsg = true, uint32_t longest = 0, bool gso = true) {
    hub.bind([this, mmsg, longest, gso](HostOptions& options) {
      options.endpoint.path_datagram_limit = longest;
      options.sockets.calls = &calls;
      options.sockets.mmsg = mmsg;
      options.sockets.gso = gso;
    });
    all.push_back(&hub);
    for (size_t i = 0; i < kOthers; i++) {
      others.push_back(std::make_unique<Node>(static_cast<uint8_t>(i + 1)));
      others[i]->bind();
      all.push_back(others[i].get());
    }
    for (size_t i = 0; i < kOthers; i++) {
      sessions.push_back(hub.connect(*others[i]));
      ASSERT_NE(sessions[i], nullptr);
      channels.push_back(hub.open(sessions[i]));
    }
    ASSERT_TRUE(drive(all, [this] {
      return std::all_of(channels.begin(), channels.end(),
                         [](const Channel* one) { return one->accepted(); });
    }));
  }

  // Until nobody has anything to say but in a while.
  void settle() {
    const auto quiet = [this] {
      return std::all_of(all.begin(), all.end(), [](Node* node) {
        MutexLock lock(node->engine.mutex());
        return node->engine.resting();
      });
    };
    ASSERT_TRUE(drive(all, quiet));
  }

  void broadcast(int number, size_t size) {
    for (Channel* channel : channels) hub.send(channel, numbered(number, size));
  }
  bool arrived(size_t count) {
    return drive(all, [this, count] {
      return std::all_of(others.begin(), others.end(), [count](const std::unique_ptr<Node>& one) {
        return one->sink.messages.size() >= count;
      });
    });
  }
  // Until all have found out what the interface takes.
  void find_path() {
    const auto all_long = [this] {
      return std::all_of(sessions.begin(), sessions.end(),
                         [](Session* one) { return one->counters().path_datagram == kLongest; });
    };
    for (size_t count = 1; !all_long(); count++) {
      ASSERT_LT(count, 100u);
      broadcast(0, 50);
      ASSERT_TRUE(arrived(count));
      settle();
    }
  }
  bool batches() const { return hub.host->socket(0).features().mmsg; }
  net::SocketCounters counters() const { return hub.host->counters(); }

  net::SocketCalls calls;
  Node hub;
  std::vector<std::unique_ptr<Node>> others;
  std::vector<Node*> all;
  std::vector<Session*> sessions;
  std::vector<Channel*> channels;
};

using EngineSend = Hub;

TEST_F(EngineSend, ABroadcastIsOneCall) {
  open();
  settle();
  const net::SocketCounters before = counters();
  broadcast(0, 50);
  hub.step();
  const net::SocketCounters after = counters();
  EXPECT_EQ(after.datagrams_out - before.datagrams_out, kOthers);
  EXPECT_EQ(after.syscalls_out - before.syscalls_out, batches() ? 1u : kOthers);
  ASSERT_TRUE(arrived(1));
  for (const auto& other : others) EXPECT_EQ(other->sink.messages.at(0), numbered(0, 50));
}

TEST_F(EngineSend, ABroadcastIsACallForEachWithoutBatchCalls) {
  open(false);
  settle();
  const net::SocketCounters before = counters();
  broadcast(0, 50);
  hub.step();
  EXPECT_EQ(counters().datagrams_out - before.datagrams_out, kOthers);
  EXPECT_EQ(counters().syscalls_out - before.syscalls_out, kOthers);
  EXPECT_EQ(refusal.batches, 0);
  ASSERT_TRUE(arrived(1));
}

TEST_F(EngineSend, AcknowledgesManyPeersWithOneCall) {
  open();
  settle();
  for (const auto& other : others) {
    other->send(other->channels.at(0), "of interest");
    other->step();
  }
  const net::SocketCounters before = counters();
  // What is not acknowledged at once is due soon.
  ASSERT_TRUE(
      drive({&hub}, [&] { return counters().datagrams_out - before.datagrams_out >= kOthers; }));
  if (batches()) {
    EXPECT_LT(counters().syscalls_out - before.syscalls_out, kOthers / 2);
  }
  for (const auto& other : others) other->step();
  for (const auto& other : others) EXPECT_EQ(other->channels.at(0)->unacknowledged(), 0u);
}

TEST_F(EngineSend, ALoneDatagramIsNoBatch) {
  open();
  settle();
  const int batches_before = refusal.batches;
  const net::SocketCounters before = counters();
  hub.send(channels[3], "alone");
  hub.step();
  EXPECT_EQ(counters().syscalls_out - before.syscalls_out, 1u);
  EXPECT_EQ(refusal.batches, batches_before);
}

TEST_F(EngineSend, KeepsTheOrderOfEachSession) {
  open();
  for (int i = 0; i < 300; i++) {
    // Short ones and such as need several datagrams, in turn.
    broadcast(i, i % 7 == 3 ? 40'000 : static_cast<size_t>(20 + i));
    if (i % 3 == 0) hub.step();
  }
  ASSERT_TRUE(arrived(300));
  for (const auto& other : others) {
    for (int i = 0; i < 300; i++) {
      ASSERT_EQ(other->sink.messages.at(static_cast<size_t>(i)),
                numbered(i, i % 7 == 3 ? 40'000 : static_cast<size_t>(20 + i)));
    }
  }
  if (batches()) {
    EXPECT_GT(refusal.in_batches, 2 * kOthers);
  }
}

TEST_F(EngineSend, AFailingDestinationIsItsOwnAffair) {
  open();
  settle();
  for (const int error : {EPERM, ENETUNREACH, ECONNREFUSED, ENOBUFS}) {
    refusal.error = error;
    refusal.port = others[4]->address().port;
    SCOPED_TRACE(strerror(error));
    const net::SocketCounters before = counters();
    broadcast(error, 50);
    hub.step();
    EXPECT_EQ(counters().datagrams_out - before.datagrams_out, kOthers - 1);
    const auto refused = static_cast<uint64_t>(refusal.refused);
    EXPECT_GT(refused, 0u);
    EXPECT_EQ(counters().errors_out.other - before.errors_out.other, refused);
    // And one for those in front of it, one for those behind it.
    if (batches()) {
      EXPECT_EQ(counters().syscalls_out - before.syscalls_out, refused + 2);
    }
    refusal = {};
    settle();  // for the transport it was lost
  }
  ASSERT_TRUE(arrived(4));
  for (const auto& other : others) EXPECT_EQ(other->sink.messages.size(), 4u);
}

TEST_F(EngineSend, WhatAFullSocketLeavesKeepsItsPlace) {
  open();
  settle();
  const net::SocketCounters before = counters();
  refusal.error = EAGAIN;
  refusal.port = others[4]->address().port;
  broadcast(0, 50);
  hub.step();
  const uint64_t some = counters().datagrams_out - before.datagrams_out;
  EXPECT_LT(some, kOthers);
  EXPECT_EQ(refusal.refused, 1);
  {
    // Not again before there is room, and nothing passes it.
    MutexLock lock(hub.engine.mutex());
    hub.engine.transmit(net::monotonic_now_ns());
    EXPECT_NE(hub.engine.next_timeout(), 0);
  }
  EXPECT_EQ(refusal.refused, 1);
  EXPECT_EQ(counters().datagrams_out - before.datagrams_out, some);
  EXPECT_EQ(counters().errors_out.other, before.errors_out.other);
  refusal.error = 0;
  ASSERT_TRUE(arrived(1));
  settle();
  for (size_t i = 0; i < kOthers; i++) {
    EXPECT_EQ(others[i]->sink.messages.size(), 1u);
    EXPECT_EQ(sessions[i]->counters().packets_lost, 0u);
  }
}

// Its session sends what it had in it in shorter packets at once, and no other session minds.
TEST_F(EngineSend, ASessionIsToldOfADatagramThatIsTooLong) {
  open(true, kLongest);
  find_path();
  const size_t count = others[0]->sink.messages.size();
  const uint64_t length = sessions[0]->counters().path_datagram;
  const net::SocketCounters before = counters();
  refusal.error = EMSGSIZE;
  refusal.port = others[4]->address().port;
  refusal.above = 1'400;
  broadcast(1, 4'000);
  ASSERT_TRUE(drive({&hub}, [&] {
    return std::all_of(sessions.begin(), sessions.end(),
                       [](Session* one) { return one->counters().packets_in_flight != 0; });
  }));
  EXPECT_GT(refusal.refused, 0);
  for (size_t i = 0; i < kOthers; i++) {
    const transport::SessionCounters of = sessions[i]->counters();
    if (i == 4) {
      EXPECT_LE(of.path_datagram, 1'400u);
      // It went on in the same round.
      EXPECT_GT(of.packets_in_flight, 1u);
    } else {
      EXPECT_EQ(of.path_datagram, length);
    }
    EXPECT_EQ(of.packets_lost, 0u);
  }
  EXPECT_GT(counters().datagrams_out - before.datagrams_out, kOthers);
  ASSERT_TRUE(arrived(count + 1));
}

// What its sessions believe to have sent. All handshakes are the hub's.
uint64_t packets_of(const std::vector<Session*>& sessions) {
  uint64_t packets = 0;
  for (Session* session : sessions) {
    const transport::SessionCounters of = session->counters();
    EXPECT_EQ(of.packets_lost, 0u);
    packets += of.packets_sent + of.handshakes_sent;
  }
  return packets;
}

// Packets behind a refused one would count as refused too, were they built before that is known.
TEST_F(EngineSend, ARefusedProbeTakesNoLaterPacketBack) {
  refusal.error = EMSGSIZE;
  refusal.above = 1'300;
  open(true, kLongest);
  constexpr int kMessages = 5;
  // Probes go between the packets of messages.
  for (int i = 0; i < kMessages; i++) broadcast(i, 50'000);
  ASSERT_TRUE(arrived(kMessages));
  settle();
  EXPECT_GT(refusal.refused, 0);
  EXPECT_EQ(counters().datagrams_out, packets_of(sessions));
}

TEST_F(EngineSend, WhatWentBeforeAPauseIsNotTakenBack) {
  open(true, kLongest, false);
  find_path();
  const size_t count = others[0]->sink.messages.size();
  const net::SocketCounters before = counters();
  const uint64_t packets = packets_of(sessions);
  // The first train goes in part, and its rest is refused later.
  refusal.error = EAGAIN;
  refusal.passes = 1;
  refusal.above = 1'400;
  hub.send(channels[0], numbered(0, 60'000));
  ASSERT_TRUE(drive({&hub}, [] { return refusal.refused != 0; }));
  EXPECT_EQ(counters().datagrams_out - before.datagrams_out, 1u);
  refusal.error = EMSGSIZE;
  ASSERT_TRUE(drive({&hub}, [this] { return sessions[0]->counters().path_datagram <= 1'400; }));
  EXPECT_EQ(counters().datagrams_out - before.datagrams_out, packets_of(sessions) - packets);
  ASSERT_TRUE(drive(all, [this, count] { return others[0]->sink.messages.size() > count; }));
}

}  // namespace
}  // namespace hawser::engine
