// Which engine a datagram is for: the function, the program that computes it, and the kernel that
// runs the program.

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "engine/steering.h"
#include "net/platform.h"
#include "net/receive_batch.h"
#include "net/udp_socket.h"
#include "test/support/test_random.h"

namespace hawser::engine {
namespace {

using net::FilterInstruction;
using net::UdpSocket;
using test::TestRandom;

constexpr uint8_t kFirstBytes[] = {0x80, 0x8f, 0x85, 0x90, 0xa0, 0xb0, 0xc0, 0xd0,
                                   0xe0, 0xf0, 0xff, 0x00, 0x01, 0x7f, 0x91, 0xa3};

// What the kernel does with a program, for the instructions that ours is made of.
uint32_t run(const FilterInstruction* program, size_t count, const uint8_t* data, size_t length) {
  uint32_t a = 0;
  for (size_t pc = 0; pc < count; pc++) {
    const FilterInstruction& now = program[pc];
    const uint32_t k = now.operand;
    switch (now.code) {
      case 0x30:
        if (k + 1 > length) return 0;
        a = data[k];
        break;
      case 0x20:
        if (k + 4 > length) return 0;
        a = wire::load_u32(data + k);
        break;
      case 0x54:
        a &= k;
        break;
      case 0x24:
        a *= k;
        break;
      case 0x74:
        a >>= k;
        break;
      case 0x94:
        a %= k;
        break;
      case 0x05:
        pc += k;
        break;
      case 0x15:
        pc += a == k ? now.if_true : now.if_false;
        break;
      case 0x35:
        pc += a >= k ? now.if_true : now.if_false;
        break;
      case 0x16:
        return a;
      case 0x06:
        return k;
      default:
        ADD_FAILURE() << "unknown instruction " << now.code;
        return 0;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return 0;
}

void fill(TestRandom& random, uint8_t* out, size_t length) {
  for (size_t i = 0; i < length; i++) out[i] = static_cast<uint8_t>(random.next());
}

std::vector<uint8_t> datagram(TestRandom& random, uint8_t first, size_t length) {
  std::vector<uint8_t> bytes(length);
  fill(random, bytes.data(), length);
  if (length > 0) bytes[0] = first;
  return bytes;
}

TEST(Steering, TheProgramIsTheFunction) {
  TestRandom random(1);
  for (uint32_t members = 1; members <= Steering::kMaxMembers; members++) {
    const Steering steering(members, static_cast<uint32_t>(random.next()));
    FilterInstruction program[Steering::kProgramLength];
    steering.write_program(program);
    for (const uint8_t first : kFirstBytes) {
      for (const size_t length : {0u, 1u, 4u, 5u, 8u, 9u, 10u, 13u, 30u, 1'200u}) {
        const std::vector<uint8_t> bytes = datagram(random, first, length);
        const uint32_t member = steering.member_for(bytes.data(), length);
        EXPECT_LT(member, members);
        EXPECT_EQ(run(program, Steering::kProgramLength, bytes.data(), length), member)
            << int{first} << ", " << length << " bytes";
      }
    }
  }
}

// Wherever in a packet the id is, and nothing else of the packet matters.
TEST(Steering, AnIdNamesItsEngineInEveryPacket) {
  TestRandom random(2);
  const Steering steering(7, 0x9e3779b9);
  const struct {
    uint8_t first;
    size_t at;
  } places[] = {{0x80, 1}, {0x8f, 1}, {0x90, 6}, {0xa0, 5}, {0xb0, 5}};
  for (int i = 0; i < 1'000; i++) {
    wire::ConnectionId id{};
    fill(random, id.bytes, sizeof id.bytes);
    for (const auto& [first, at] : places) {
      std::vector<uint8_t> bytes = datagram(random, first, 100);
      std::memcpy(bytes.data() + at, id.bytes, sizeof id.bytes);
      EXPECT_EQ(steering.member_for(bytes.data(), bytes.size()), steering.member_of(id));
    }
  }
}

TEST(Steering, WhatIsNotOursIsForTheFirst) {
  TestRandom random(3);
  const Steering steering(64, static_cast<uint32_t>(random.next()));
  for (int first = 0; first < 0x80; first++) {
    const std::vector<uint8_t> bytes = datagram(random, static_cast<uint8_t>(first), 64);
    EXPECT_EQ(steering.member_for(bytes.data(), bytes.size()), 0u);
  }
  EXPECT_EQ(steering.member_for(nullptr, 0), 0u);
}

// Ids are random, so each engine gets its share of INITs; and whoever lacks the key cannot tell.
TEST(Steering, SpreadsEvenlyAndByItsKey) {
  TestRandom random(4);
  constexpr int kIds = 20'000;
  for (const uint32_t members : {2u, 3u, 4u, 7u, 64u}) {
    const Steering one(members, static_cast<uint32_t>(random.next()));
    const Steering other(members, static_cast<uint32_t>(random.next()));
    std::vector<int> counts(members);
    int same = 0;
    for (int i = 0; i < kIds; i++) {
      wire::ConnectionId id{};
      fill(random, id.bytes, sizeof id.bytes);
      counts[one.member_of(id)]++;
      same += one.member_of(id) == other.member_of(id) ? 1 : 0;
    }
    const int share = kIds / static_cast<int>(members);
    for (const int count : counts) {
      EXPECT_GT(count, share / 2);
      EXPECT_LT(count, share * 2);
    }
    EXPECT_LT(same, share * 2);
  }
}

#if HAWSER_NET_LINUX

net::Address loopback(uint16_t port = 0) {
  net::Address address;
  EXPECT_TRUE(net::Address::parse("127.0.0.1", port, &address));
  return address;
}

// Several sockets on one address, as the engines of a peer open them.
struct Shared {
  explicit Shared(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      sockets.push_back(std::make_unique<UdpSocket>());
      net::SocketOptions options;
      options.reuse_port = i > 0;
      const net::Address at = i == 0 ? loopback() : sockets[0]->local_address();
      EXPECT_EQ(sockets[i]->open(at, options), 0);
      if (i == 0) {
        EXPECT_EQ(sockets[0]->share_port(), 0);
      }
    }
    EXPECT_TRUE(batch.init());
  }

  // Shows what came, and to which socket, until `wanted` datagrams have.
  void receive(size_t wanted, const std::function<void(size_t, const uint8_t*, size_t)>& take) {
    size_t got = 0;
    for (int tries = 0; got < wanted && tries < 2'000; tries++) {
      for (size_t i = 0; i < sockets.size(); i++) {
        while (sockets[i]->receive(&batch).status == net::IoStatus::kOk) {
          batch.for_each_datagram([&](const net::Address&, const uint8_t* data, size_t size) {
            got++;
            take(i, data, size);
          });
        }
      }
      if (got < wanted) poll(nullptr, 0, 1);
    }
    EXPECT_EQ(got, wanted);
  }

  std::vector<std::unique_ptr<UdpSocket>> sockets;
  net::ReceiveBatch batch;
};

TEST(Steering, TheKernelGivesEachDatagramToItsEngine) {
  TestRandom random(5);
  for (const uint32_t members : {2u, 3u, 8u}) {
    const Steering steering(members, static_cast<uint32_t>(random.next()));
    FilterInstruction program[Steering::kProgramLength];
    steering.write_program(program);
    Shared shared(members);
    ASSERT_EQ(shared.sockets[0]->steer(program, Steering::kProgramLength), 0);
    std::vector<uint32_t> seen(members);
    // From several addresses: they must not matter.
    for (int from = 0; from < 4; from++) {
      UdpSocket sender;
      ASSERT_EQ(sender.open(loopback(), net::SocketOptions()), 0);
      size_t sent = 0;
      for (const uint8_t first : kFirstBytes) {
        for (const size_t length : {1u, 6u, 9u, 30u, 1'200u}) {
          const std::vector<uint8_t> bytes = datagram(random, first, length);
          ASSERT_EQ(sender
                        .send_train(shared.sockets[0]->local_address(), bytes.data(), bytes.size(),
                                    bytes.size())
                        .segments,
                    1u);
          sent++;
        }
      }
      shared.receive(sent, [&](size_t socket, const uint8_t* data, size_t size) {
        EXPECT_EQ(socket, steering.member_for(data, size)) << int{data[0]} << ", " << size;
        seen[socket]++;
      });
    }
    for (const uint32_t count : seen) EXPECT_GT(count, 0u);
  }
}

// A port is shared only from the moment that its owner says so.
TEST(Steering, APortIsTakenAloneFirst) {
  UdpSocket first;
  UdpSocket other;
  net::SocketOptions shared;
  shared.reuse_port = true;
  ASSERT_EQ(first.open(loopback(), net::SocketOptions()), 0);
  EXPECT_EQ(other.open(first.local_address(), shared), EADDRINUSE);
  ASSERT_EQ(first.share_port(), 0);
  EXPECT_EQ(other.open(first.local_address(), shared), 0);
  // And whoever wants it alone does not get it.
  UdpSocket third;
  EXPECT_EQ(third.open(first.local_address(), net::SocketOptions()), EADDRINUSE);
}

TEST(Steering, RefusesAProgramThatIsNone) {
  Shared shared(2);
  FilterInstruction program[UdpSocket::kMaxFilter + 1] = {};
  EXPECT_EQ(shared.sockets[0]->steer(program, 0), EINVAL);
  EXPECT_EQ(shared.sockets[0]->steer(program, UdpSocket::kMaxFilter + 1), EINVAL);
  EXPECT_NE(shared.sockets[0]->steer(program, 1), 0);  // does not return
}

#endif

}  // namespace
}  // namespace hawser::engine
