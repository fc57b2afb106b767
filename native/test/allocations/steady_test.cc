// A million messages over real sockets at 1 % loss ask for no memory, once the rings have the size
// that the traffic needs: neither this code nor libcrypto. test/soak/steady.test.ts shows the same
// of the addon with its threads.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "test/allocations/hooks.h"
#include "test/unit/engine_support.h"

namespace hawser::engine {
namespace {

using hooks::AllocationSite;
using transport::Channel;

constexpr size_t kSmall = 64;
constexpr size_t kLarge = 1024;
constexpr uint64_t kMeasured = 1'000'000;  // both ways together
constexpr uint64_t kWarmUp = 100'000;      // one way, a round
constexpr int kMostRounds = 20;
// How much waits at once, for a message that was lost or for a side that is slow, has no bound but
// the window: now and then there is more of it than ever before, and room is made for that. What
// asks for memory by the message never stops.
constexpr int kMostWindows = 10;
constexpr uint64_t kMostCalls = 100;

constexpr size_t length_of(uint64_t number) { return number % 2 == 0 ? kSmall : kLarge; }

// Checks each message, and keeps none.
class CheckingSink final : public transport::MessageSink {
 public:
  bool take(Channel&, uint64_t, const uint8_t* run, size_t length, uint32_t count) override {
    const uint8_t* end = run + length;
    for (uint32_t i = 0; i < count; i++) {
      const uint8_t* body = nullptr;
      size_t size = 0;
      run = wire::next_block(run, end, body, size);
      uint64_t number = 0;
      if (size >= sizeof number) std::memcpy(&number, body, sizeof number);
      if (size != length_of(next) || number != next || body[size - 1] != (next & 0x7f)) faults++;
      next++;
    }
    return true;
  }

  uint64_t next = 0;
  uint64_t faults = 0;
};

// One of two peers that send to each other. The test is its application, and drives its engine.
struct Side {
  explicit Side(uint8_t number) : node(number) {}

  Channel* channel() const { return node.channels.empty() ? nullptr : node.channels.front(); }

  void send_until(uint64_t end) {
    Channel* to = channel();
    MutexLock lock(node.engine.mutex());
    if ((node.channel_events & transport::kChannelWritable) != 0) full = false;
    node.channel_events = 0;
    // Not all at once: the other side has its turn in between.
    for (int i = 0; i < 2000 && !full && sent < end; i++, sent++) {
      const size_t length = length_of(sent);
      std::memcpy(message.data(), &sent, sizeof sent);
      message[length - 1] = static_cast<uint8_t>(sent & 0x7f);
      Channel::Push pushed = to->push(message.data(), length);
      if (pushed == Channel::Push::kNoRoom) pushed = to->push_locked(message.data(), length);
      full = pushed == Channel::Push::kFull;
      ASSERT_TRUE(full || pushed == Channel::Push::kTaken);
    }
    const transport::Time now = net::monotonic_now_ns();
    to->flush(now);
    node.engine.transmit(now);
  }

  void want(transport::Demand demand) {
    MutexLock lock(node.engine.mutex());
    channel()->set_demand(net::monotonic_now_ns(), demand);
    node.engine.transmit(net::monotonic_now_ns());
  }

  // A driver's round.
  void step() {
    MutexLock lock(node.engine.mutex());
    const transport::Time now = net::monotonic_now_ns();
    node.engine.runtime().set_sink(&sink);
    node.engine.receive(now, 256 * 1024);
    node.take_events(now);
    node.engine.runtime().set_sink(nullptr);
    node.engine.run_timers(now);
    node.engine.transmit(now);
  }

  // Nothing more can be sent before the other side takes something.
  bool stuck() {
    MutexLock lock(node.engine.mutex());
    return full && !channel()->wants_data();
  }

  test::Node node;
  CheckingSink sink;
  std::array<uint8_t, kLarge> message{};
  uint64_t sent = 0;
  bool full = false;
};

struct SteadyState : testing::Test {
  SteadyState() {
    net::ImpairmentOptions bad;
    bad.loss = 0.01;
    for (Side* side : {&a, &b}) {
      bad.seed++;
      side->node.bind([&bad](HostOptions& options) {
        options.impairment = &bad;
        // Goes on at full speed at this loss.
        options.endpoint.congestion = transport::CongestionAlgorithm::kBbr;
      });
    }
  }

  template <typename Done>
  bool until(Done done) {
    const transport::Time deadline = net::monotonic_now_ns() + 5 * test::kPatience;
    while (!done()) {
      if (net::monotonic_now_ns() >= deadline) return false;
      for (Side* side : {&a, &b}) side->step();
    }
    return true;
  }

  void open() {
    transport::Session* session = a.node.connect(b.node);
    ASSERT_NE(session, nullptr);
    Channel* channel = a.node.open(session);
    ASSERT_NE(channel, nullptr);
    ASSERT_TRUE(until([&] {
      MutexLock lock(a.node.engine.mutex());
      return channel->accepted();
    }));
    a.want(transport::Demand::kContinuous);
  }

  // Both send up to message number `end`.
  void exchange(uint64_t end) {
    ASSERT_TRUE(until([&] {
      for (Side* side : {&a, &b}) side->send_until(end);
      return a.sink.next >= end && b.sink.next >= end;
    }));
    ASSERT_EQ(a.sink.faults + b.sink.faults, 0u);
  }

  // Until both have as much waiting as there can be.
  void stop_reading() {
    for (Side* side : {&a, &b}) side->want(transport::Demand::kNone);
    ASSERT_TRUE(until([&] {
      for (Side* side : {&a, &b}) side->send_until(UINT64_MAX);
      return a.stuck() && b.stuck();
    }));
    for (Side* side : {&a, &b}) side->want(transport::Demand::kContinuous);
  }

  void warm_up() {
    open();
    exchange(kWarmUp);
    stop_reading();
    // Rings grow by doubling; how far depends on what is lost when.
    uint64_t calls = 1;
    for (int round = 0; round < kMostRounds && calls != 0 && !HasFailure(); round++) {
      hooks::start_counting_allocations({});
      exchange(std::max(a.sent, b.sent) + kWarmUp);
      hooks::stop_counting_allocations();
      calls = hooks::counted_allocations().ours;
    }
  }

  void measure() {
    uint64_t calls = 1;
    for (int window = 0;
         window < kMostWindows && calls != 0 && calls <= kMostCalls && !HasFailure(); window++) {
      const uint64_t begin = std::max(a.sent, b.sent);
      hooks::start_counting_allocations({});
      exchange(begin + kMeasured / 2);
      hooks::stop_counting_allocations();
      calls = hooks::counted_allocations().ours;
    }
    EXPECT_EQ(calls, 0u) << sites();
    // The network was as bad as it should be.
    for (Side* side : {&a, &b}) EXPECT_GT(side->node.host->impaired_dropped(), 100u);
  }

  static std::string sites() {
    std::vector<AllocationSite> found(4096);
    found.resize(std::min(hooks::allocation_sites(found.data(), found.size()), found.size()));
    std::string text;
    for (const AllocationSite& site : found) {
      Dl_info place{};
      const bool known = dladdr(site.caller, &place) != 0 && place.dli_fname != nullptr;
      char line[512];
      std::snprintf(line, sizeof line, "%8llu calls from %s+0x%zx\n",
                    static_cast<unsigned long long>(site.calls), known ? place.dli_fname : "?",
                    static_cast<size_t>(reinterpret_cast<uintptr_t>(site.caller) -
                                        reinterpret_cast<uintptr_t>(place.dli_fbase)));
      text += line;
    }
    return text;
  }

  Side a{1};
  Side b{2};
};

TEST(AllocationHooks, CountEachWayToAskForMemory) {
  hooks::start_counting_allocations({});
  void* volatile pointers[] = {std::malloc(10), std::calloc(2, 10), ::operator new(10),
                               ::operator new(10, std::nothrow), std::aligned_alloc(64, 64)};
  pointers[0] = std::realloc(pointers[0], 20'000);
  hooks::stop_counting_allocations();
  EXPECT_EQ(hooks::counted_allocations().ours, 6u);
  for (void* pointer : pointers) std::free(pointer);
  // What the watched code does not ask for is not its own.
  hooks::start_counting_allocations({1, 2});
  void* volatile pointer = std::malloc(10);
  hooks::stop_counting_allocations();
  std::free(pointer);
  EXPECT_EQ(hooks::counted_allocations().ours, 0u);
  EXPECT_EQ(hooks::counted_allocations().elsewhere, 1u);
}

TEST_F(SteadyState, AsksForNoMemory) {
  warm_up();
  measure();
}

}  // namespace
}  // namespace hawser::engine
