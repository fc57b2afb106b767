// Which socket is read without asking, and that nothing is overlooked for long.

#include "engine/receive_guess.h"
#include "engine_support.h"
#include "net/descriptor.h"

namespace hawser::engine {
namespace {

using test::loopback;
using test::Node;

TEST(ReceiveGuess, GuessesAfterSomeLonelyDatagramsAndLooksNowAndThen) {
  ReceiveGuess guess;
  HostSocket socket;
  for (int look = 0; look < 4; look++) {
    EXPECT_EQ(guess.next(), nullptr);
    guess.learn(&socket, 1);
  }
  int looks = 0;
  for (int i = 0; i < 160; i++) looks += guess.next() == nullptr ? 1 : 0;
  EXPECT_EQ(looks, 10);

  // That nothing came says nothing.
  guess.learn(nullptr, 0);
  EXPECT_NE(guess.next(), nullptr);
  guess.forget();
  EXPECT_EQ(guess.next(), nullptr);
}

TEST(ReceiveGuess, TwoAtOnceOrAnotherSocketEndIt) {
  ReceiveGuess guess;
  HostSocket one;
  HostSocket other;
  const auto settle = [&] {
    for (int look = 0; look < 8; look++) guess.learn(&one, 1);
    EXPECT_EQ(guess.next(), &one);
  };
  settle();
  guess.learn(&one, 2);
  EXPECT_EQ(guess.next(), nullptr);
  settle();
  guess.learn(&other, 1);
  EXPECT_EQ(guess.next(), nullptr);
}

#if HAWSER_NET_LINUX

int receives = 0;

net::SocketCalls counting_calls() {
  net::SocketCalls calls = net::system_socket_calls();
  calls.recvmsg = [](int fd, msghdr* message, int flags) {
    receives++;
    return net::system_socket_calls().recvmsg(fd, message, flags);
  };
  return calls;
}

// A host with two sockets, and strangers whose datagrams it reads and drops.
struct TwoSockets : testing::Test {
  TwoSockets() {
    calls = counting_calls();
    const net::Address addresses[] = {loopback(), loopback()};
    node.bind([&](HostOptions& options) {
      options.addresses = addresses;
      options.address_count = 2;
      options.sockets.calls = &calls;
    });
    EXPECT_EQ(stranger.open(loopback(), net::SocketOptions()), 0);
    gro = node.host->socket(0).features().gro;
  }

  void send(size_t socket, size_t count = 1) {
    for (size_t i = 0; i < count; i++) {
      const uint8_t text[] = "no packet of ours";
      const net::Address to = node.host->socket(socket).local_address();
      ASSERT_EQ(stranger.send_train(to, text, sizeof text, sizeof text).segments, 1u);
    }
  }

  size_t look() {
    receives = 0;
    MutexLock lock(node.engine.mutex());
    return node.engine.receive(net::monotonic_now_ns(), 64 * 1024);
  }

  net::SocketCalls calls;
  Node node{1};
  net::UdpSocket stranger;
  bool gro = false;
};

TEST_F(TwoSockets, OneCallForALonelyDatagram) {
  if (!gro) GTEST_SKIP() << "without GRO one call reads all there is";
  for (int i = 0; i < 4; i++) {
    send(0);
    ASSERT_EQ(look(), 1u);
    EXPECT_EQ(receives, 2);
  }
  int calls_made = 0;
  for (int i = 0; i < 160; i++) {
    send(0);
    ASSERT_EQ(look(), 1u);
    calls_made += receives;
  }
  EXPECT_EQ(calls_made, 170);
}

TEST_F(TwoSockets, WhatAGuessOverlooksIsFoundByTheNextLooks) {
  for (int i = 0; i < 8; i++) {
    send(0);
    ASSERT_EQ(look(), 1u);
  }
  // A datagram on the other socket: the guess finds nothing, so all are asked.
  send(1);
  EXPECT_EQ(look(), 1u);
  for (int i = 0; i < 8; i++) {
    send(0);
    ASSERT_EQ(look(), 1u);
  }
  // Behind one that the guess does find.
  send(0);
  send(1);
  EXPECT_EQ(look(), 1u);
  EXPECT_TRUE(net::is_readable(node.engine.sockets().fd()));
  EXPECT_EQ(look(), 1u);
  EXPECT_FALSE(net::is_readable(node.engine.sockets().fd()));
  for (int i = 0; i < 8; i++) {
    send(0);
    ASSERT_EQ(look(), 1u);
  }
  // The first is never silent: still the other one gets its turn.
  send(1);
  size_t waited = 0;
  for (; waited < 64; waited++) {
    send(0);
    if (look() > 1) break;
  }
  EXPECT_LT(waited, 16u);
  // Many at once are read at once.
  for (int i = 0; i < 8; i++) {
    send(0);
    ASSERT_EQ(look(), 1u);
  }
  send(0, 20);
  size_t looks = 0;
  for (size_t got = 0; got < 20 && looks < 64; looks++) got += look();
  EXPECT_LE(looks, 17u);
  EXPECT_EQ(look(), 0u);
}

TEST_F(TwoSockets, TheGuessEndsWithItsSocket) {
  for (int i = 0; i < 8; i++) {
    send(0);
    ASSERT_EQ(look(), 1u);
  }
  node.let_go();
  EXPECT_EQ(look(), 0u);
  EXPECT_EQ(receives, 0);
}

#endif  // HAWSER_NET_LINUX

}  // namespace
}  // namespace hawser::engine
