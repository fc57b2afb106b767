// What leaves for many destinations together, and what is more than one datagram, asks for no
// memory.

#include "engine/send_queue.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/allocations/hooks.h"
#include "test/unit/net_udp_support.h"

namespace hawser::engine {
namespace {

TEST(SendQueue, AsksForNoMemory) {
  constexpr size_t kReceivers = 8;
  constexpr size_t kBytes = 100;
  constexpr int kRounds = 2'000;
  transport::HeapMemory memory(0);
  SendQueue queue(memory);
  ASSERT_TRUE(queue.init());
  HostSocket sender;
  net::UdpSocket receivers[kReceivers];
  ASSERT_EQ(sender.udp.open(net::loopback(false), net::SocketOptions()), 0);
  for (net::UdpSocket& receiver : receivers) {
    ASSERT_EQ(receiver.open(net::loopback(false), net::SocketOptions()), 0);
  }
  size_t datagrams = 0;
  hooks::start_counting_allocations({});
  for (int round = 0; round < kRounds; round++) {
    for (size_t i = 0; !queue.due(); i++) {
      transport::Train train;
      train.buffer = queue.room();
      train.segments = i == 40 ? 10 : 1;
      train.segment_size = kBytes;
      train.length = train.segments * kBytes;
      std::fill_n(train.buffer, train.length, static_cast<uint8_t>(round));
      queue.push(&sender, receivers[i % kReceivers].local_address(), train);
    }
    datagrams += queue.flush(0).datagrams;
  }
  hooks::stop_counting_allocations();
  EXPECT_EQ(hooks::counted_allocations().ours, 0u);
  EXPECT_GE(datagrams, static_cast<size_t>(kRounds));
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace hawser::engine
