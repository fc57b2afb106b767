// Trains on their way to the kernel: which of them share a system call, and what becomes of them
// when it takes only some.

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "engine/send_queue.h"
#include "test/unit/net_udp_script.h"
#include "test/unit/net_udp_support.h"

namespace hawser::engine {
namespace {

using net::script;

class EngineSendQueue : public testing::Test {
 protected:
  static constexpr size_t kReceivers = 10;

  void SetUp() override {
    script = net::Script();
    ASSERT_TRUE(queue_.init());
    ASSERT_TRUE(batch_.init());
    for (net::UdpSocket& receiver : receivers_) {
      ASSERT_EQ(receiver.open(net::loopback(false), net::SocketOptions()), 0);
    }
    open_sender();
  }

  void open_sender(net::SocketOptions options = net::SocketOptions()) {
    options.calls = &net::kScriptedCalls;
    ASSERT_EQ(sender_.udp.open(net::loopback(false), options), 0);
  }

  bool batches() const { return sender_.udp.features().mmsg; }

  // A train of datagrams of `text`, each with its number. At most ten: they are equally long.
  void push_to(const net::Address& to, const std::string& text, size_t segments = 1,
               HostSocket* from = nullptr) {
    transport::Train train;
    train.buffer = queue_.room();
    train.segments = segments;
    for (size_t i = 0; i < segments; i++) {
      const std::string one = text + std::to_string(i);
      std::copy(one.begin(), one.end(), train.buffer + train.length);
      train.length += one.size();
      train.segment_size = one.size();
    }
    queue_.push(from == nullptr ? &sender_ : from, to, train);
  }
  void push(size_t receiver, const std::string& text, size_t segments = 1) {
    push_to(receivers_[receiver].local_address(), text, segments);
  }
  void push_to_all(const std::string& text) {
    for (size_t i = 0; i < kReceivers; i++) {
      push(i, text + std::to_string(i) + "-");
      if (!batches()) flush();
    }
  }

  SendQueue::Flushed flush() { return queue_.flush(0); }

  // What has arrived; loopback delivers before send returns.
  std::vector<std::string> arrived(size_t receiver) {
    std::vector<std::string> all;
    while (receivers_[receiver].receive(&batch_).status == net::IoStatus::kOk) {
      batch_.for_each_datagram([&](const net::Address&, uint8_t* data, size_t size) {
        all.emplace_back(reinterpret_cast<const char*>(data), size);
      });
    }
    return all;
  }

  using Texts = std::vector<std::string>;

  transport::HeapMemory memory_{0};
  SendQueue queue_{memory_};
  HostSocket sender_;
  net::UdpSocket receivers_[kReceivers];
  net::ReceiveBatch batch_;
};

TEST_F(EngineSendQueue, OneCallForManyDestinations) {
  push_to_all("a");
  flush();
  const net::SocketCounters& counters = sender_.udp.counters();
  EXPECT_EQ(counters.datagrams_out, kReceivers);
  EXPECT_EQ(counters.syscalls_out, batches() ? 1u : kReceivers);
  EXPECT_TRUE(queue_.empty());
  for (size_t i = 0; i < kReceivers; i++) {
    EXPECT_EQ(arrived(i), Texts{"a" + std::to_string(i) + "-0"});
  }
}

TEST_F(EngineSendQueue, ALoneDatagramIsNoBatch) {
  script.batch_error = EPERM;
  push(0, "a");
  EXPECT_EQ(flush().datagrams, 1u);
  EXPECT_EQ(sender_.udp.counters().syscalls_out, 1u);
  EXPECT_EQ(arrived(0), Texts{"a0"});
}

TEST_F(EngineSendQueue, OneByOneWithoutBatchCalls) {
  net::SocketOptions options;
  options.mmsg = false;
  open_sender(options);
  for (size_t i = 0; i < kReceivers; i++) {
    push(i, "a");
    ASSERT_TRUE(queue_.due());  // nothing is gained by waiting
    EXPECT_EQ(flush().datagrams, 1u);
    EXPECT_FALSE(queue_.due());
  }
  EXPECT_EQ(sender_.udp.counters().syscalls_out, kReceivers);
}

TEST_F(EngineSendQueue, GoesOnWhenBatchCallsTurnOutToBeForbidden) {
  if (!batches()) GTEST_SKIP() << "no batch calls here";
  script.batch_error = ENOSYS;
  push_to_all("a");
  EXPECT_EQ(flush().datagrams, kReceivers);
  for (size_t i = 0; i < kReceivers; i++) EXPECT_EQ(arrived(i).size(), 1u);
  push(0, "b");
  EXPECT_TRUE(queue_.due());
  flush();
  EXPECT_EQ(arrived(0), Texts{"b0"});
}

TEST_F(EngineSendQueue, IsDueWhenItIsFull) {
  if (!batches()) GTEST_SKIP() << "no batch calls here";
  for (size_t i = 0; i < SendQueue::kMaxTrains; i++) {
    EXPECT_FALSE(queue_.due());
    push(i % kReceivers, "a");
  }
  EXPECT_TRUE(queue_.due());
  flush();
  EXPECT_EQ(sender_.udp.counters().syscalls_out, 1u);

  size_t bytes = 0;
  for (; !queue_.due(); bytes += 5001) push(0, std::string(5000, 'x'));
  EXPECT_GE(bytes, SendQueue::kGatheredBytes);
  EXPECT_LT(bytes, SendQueue::kGatheredBytes + 5001);
  flush();
}

TEST_F(EngineSendQueue, DatagramsKeepTheirContentUntilTheyLeave) {
  std::vector<Texts> wanted(kReceivers);
  for (size_t i = 0; !queue_.due() && i < SendQueue::kMaxTrains; i++) {
    const std::string text = std::string(1 + i * 37 % 1300, static_cast<char>('a' + i % 26));
    // A train may need all the room, even where it turns out to be short.
    std::fill_n(queue_.room(), SendQueue::kTrainBytes, uint8_t{0xee});
    push(i % kReceivers, text);
    wanted[i % kReceivers].push_back(text + "0");
  }
  flush();
  for (size_t i = 0; i < kReceivers; i++) EXPECT_EQ(arrived(i), wanted[i]);
}

TEST_F(EngineSendQueue, KeepsTheOrderOfEachDestination) {
  for (const char* text : {"a", "b", "c"}) push_to_all(text);
  // What is more than one datagram goes at once, behind what waits.
  push(3, "long", 10);
  EXPECT_TRUE(queue_.due());
  const SendQueue::Flushed flushed = flush();
  if (batches()) {
    EXPECT_EQ(flushed.datagrams, 3 * kReceivers + 10);
    EXPECT_LE(sender_.udp.counters().syscalls_out, 2u);
  }
  Texts wanted = {"a3-0", "b3-0", "c3-0"};
  for (int i = 0; i < 10; i++) wanted.push_back("long" + std::to_string(i));
  EXPECT_EQ(arrived(3), wanted);
  EXPECT_EQ(arrived(4), (Texts{"a4-0", "b4-0", "c4-0"}));
}

TEST_F(EngineSendQueue, WaitsForNoMoreWhenItsSessionGoesOn) {
  if (!batches()) GTEST_SKIP() << "no batch calls here";
  push(0, "a");
  transport::Train train;
  train.buffer = queue_.room();
  train.length = train.segment_size = train.segments = 1;
  train.more = true;
  queue_.push(&sender_, receivers_[0].local_address(), train);
  EXPECT_FALSE(queue_.due());  // it is told nothing about what is not a packet
  train.buffer = queue_.room();
  train.has_packets = true;
  queue_.push(&sender_, receivers_[0].local_address(), train);
  EXPECT_TRUE(queue_.due());
  flush();
  EXPECT_EQ(arrived(0).size(), 3u);
}

// --- A kernel that takes only some.

TEST_F(EngineSendQueue, ARefusedDestinationDoesNotHoldUpTheOthers) {
  // There is no way to an IPv6 address, nor to port 0; neither is scripted.
  net::Address nowhere = receivers_[0].local_address();
  nowhere.port = 0;
  for (const net::Address& bad : {nowhere, net::loopback(true, 9)}) {
    const net::SocketCounters before = sender_.udp.counters();
    for (size_t i = 0; i < kReceivers; i++) {
      if (i == 5) push_to(bad, "x");
      if (!batches()) flush();
      push(i, "a");
      if (!batches()) flush();
    }
    const SendQueue::Flushed flushed = flush();
    EXPECT_EQ(flushed.full, nullptr);
    if (batches()) {
      EXPECT_EQ(flushed.datagrams, kReceivers);
    }
    const net::SocketCounters& after = sender_.udp.counters();
    EXPECT_EQ(after.datagrams_out - before.datagrams_out, kReceivers);
    EXPECT_EQ(after.errors_out.other + after.errors_out.unreachable - before.errors_out.other -
                  before.errors_out.unreachable,
              1u);
    // The five in front of it; it alone, if the kernel was asked; the five behind it.
    if (batches()) {
      EXPECT_LE(after.syscalls_out - before.syscalls_out, 3u);
    }
    for (size_t i = 0; i < kReceivers; i++) EXPECT_EQ(arrived(i), Texts{"a0"});
  }
}

TEST_F(EngineSendQueue, ErrorsAreCountedForEachDatagram) {
  for (const int error : {ENOBUFS, EPERM, ECONNREFUSED, ENETUNREACH}) {
    const uint64_t before = sender_.udp.counters().datagrams_out;
    script.send_error = error;
    script.send_passes = 4;
    push_to_all("a");
    EXPECT_EQ(flush().full, nullptr);
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(sender_.udp.counters().datagrams_out - before, 4u);
    for (size_t i = 0; i < kReceivers; i++) EXPECT_EQ(arrived(i).size(), i < 4 ? 1u : 0u);
  }
  const net::SocketErrorCounters& errors = sender_.udp.counters().errors_out;
  EXPECT_EQ(errors.no_buffers, 6u);
  EXPECT_EQ(errors.not_permitted, 6u);
  EXPECT_EQ(errors.refused, 6u);
  EXPECT_EQ(errors.unreachable, 6u);
}

TEST_F(EngineSendQueue, WhatAFullSocketLeavesGoesLater) {
  if (!batches()) GTEST_SKIP() << "no batch calls here";
  script.send_error = EAGAIN;
  script.send_passes = 4;
  push_to_all("a");
  push(9, "long", 3);
  SendQueue::Flushed flushed = flush();
  EXPECT_EQ(flushed.full, &sender_);
  EXPECT_EQ(flushed.datagrams, 4u);
  EXPECT_EQ(queue_.next_socket(), &sender_);
  // Some more, and full again.
  script.send_passes = 3;
  flushed = flush();
  EXPECT_EQ(flushed.full, &sender_);
  EXPECT_EQ(flushed.datagrams, 3u);
  script.send_error = 0;
  flushed = flush();
  EXPECT_EQ(flushed.full, nullptr);
  EXPECT_EQ(flushed.datagrams, 6u);
  EXPECT_TRUE(queue_.empty());
  EXPECT_FALSE(queue_.due());
  for (size_t i = 0; i < kReceivers - 1; i++) {
    EXPECT_EQ(arrived(i), Texts{"a" + std::to_string(i) + "-0"});
  }
  EXPECT_EQ(arrived(9), (Texts{"a9-0", "long0", "long1", "long2"}));
  EXPECT_EQ(sender_.udp.counters().errors_out.other, 0u);
}

TEST_F(EngineSendQueue, ATrainTakenInPartGoesOnWhereItStopped) {
  net::SocketOptions options;
  options.gso = false;
  open_sender(options);
  script.send_error = EAGAIN;
  script.send_passes = 2;
  push(0, "long", 5);
  EXPECT_EQ(flush().datagrams, 2u);
  script.send_passes = 2;
  EXPECT_EQ(flush().datagrams, 2u);
  EXPECT_FALSE(queue_.empty());
  script.send_error = 0;
  EXPECT_EQ(flush().datagrams, 1u);
  EXPECT_EQ(arrived(0), (Texts{"long0", "long1", "long2", "long3", "long4"}));
}

TEST_F(EngineSendQueue, ARefusedGsoTrainGoesPlainBehindTheOthers) {
  if (!sender_.udp.features().gso) GTEST_SKIP() << "no GSO here";
  script.gso_error = EIO;
  push_to_all("a");
  push(2, "long", 4);
  EXPECT_EQ(flush().datagrams, kReceivers + 4);
  EXPECT_FALSE(sender_.udp.features().gso);
  EXPECT_EQ(arrived(2), (Texts{"a2-0", "long0", "long1", "long2", "long3"}));
}

TEST_F(EngineSendQueue, SocketsHaveTheirOwnCalls) {
  if (!batches()) GTEST_SKIP() << "no batch calls here";
  HostSocket other;
  net::SocketOptions options;
  options.calls = &net::kScriptedCalls;
  ASSERT_EQ(other.udp.open(net::loopback(false), options), 0);
  for (int i = 0; i < 3; i++) push(0, "a");
  for (int i = 0; i < 3; i++) push_to(receivers_[0].local_address(), "b", 1, &other);
  push(0, "c");
  EXPECT_EQ(flush().datagrams, 7u);
  EXPECT_EQ(sender_.udp.counters().syscalls_out, 2u);
  EXPECT_EQ(other.udp.counters().syscalls_out, 1u);
  EXPECT_EQ(arrived(0), (Texts{"a0", "a0", "a0", "b0", "b0", "b0", "c0"}));
}

TEST_F(EngineSendQueue, ForgetsWhatWasForASocketThatIsGone) {
  if (!batches()) GTEST_SKIP() << "no batch calls here";
  HostSocket other;
  ASSERT_EQ(other.udp.open(net::loopback(false), net::SocketOptions()), 0);
  const auto fill = [&] {
    push(0, "a");
    push_to(receivers_[1].local_address(), "b", 1, &other);
    push(2, "c");
  };
  script.send_error = EAGAIN;
  script.send_passes = 0;
  fill();
  EXPECT_EQ(flush().full, &sender_);
  queue_.forget(&sender_);
  EXPECT_EQ(queue_.next_socket(), &other);
  EXPECT_EQ(flush().datagrams, 1u);
  EXPECT_EQ(arrived(0), Texts{});
  EXPECT_EQ(arrived(1), Texts{"b0"});
  EXPECT_EQ(arrived(2), Texts{});

  script.send_error = 0;
  fill();
  queue_.forget(&other);
  EXPECT_EQ(flush().datagrams, 2u);
  EXPECT_EQ(arrived(1), Texts{});

  fill();
  queue_.forget(&other);
  queue_.forget(&sender_);
  EXPECT_TRUE(queue_.empty());
  EXPECT_FALSE(queue_.due());
  EXPECT_EQ(flush().datagrams, 0u);
}

}  // namespace
}  // namespace hawser::engine
