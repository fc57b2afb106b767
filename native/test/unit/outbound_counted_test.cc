#include <gtest/gtest.h>

#include <vector>

#include "test/support/failing_memory.h"
#include "transport/outbound.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

constexpr uint64_t kPlenty = uint64_t{1} << 40;
constexpr size_t kLength = 10;

class OutboundCounted : public testing::Test {
 protected:
  void start(const OutboundPolicy& policy, uint32_t window) {
    out_.set_policy(policy);
    out_.set_window(window);
    out_.raise_credit(kPlenty);
  }
  void push(int count) {
    const uint8_t body[kLength] = {};
    for (int i = 0; i < count; i++) {
      if (!out_.ring().push(body, kLength)) {
        ASSERT_TRUE(out_.ring().grow(kLength));
        ASSERT_TRUE(out_.ring().push(body, kLength));
      }
    }
    out_.ring().publish();
    out_.on_published();
  }
  // Packets with one message each, at most `count`.
  std::vector<FrameRef> send(int count) {
    std::vector<FrameRef> sent;
    uint8_t packet[40];
    FrameRef ref;
    while (count-- > 0 && out_.has_work() &&
           out_.write(1, packet, packet + kLength + 10, ref) != packet) {
      sent.push_back(ref);
    }
    return sent;
  }

  FailingMemory memory_;
  Outbound out_{memory_, 1};
};

// Else what waits for the base, as flush() does, waits for ever.
TEST_F(OutboundCounted, CountedBaseMovesOverWhatWasDropped) {
  OutboundPolicy policy;
  policy.counted = true;
  start(policy, 2);
  push(4);
  EXPECT_EQ(send(10).size(), 2u);
  out_.expire_below(3);
  EXPECT_EQ(out_.skip_target(), 3u);
  out_.expire_below(5);             // dropped while the SKIP is on its way
  EXPECT_EQ(out_.on_count(3), 4u);  // the SKIP was acknowledged
  EXPECT_EQ(out_.base(), 5u);
  EXPECT_TRUE(out_.all_acknowledged());
}

}  // namespace
}  // namespace hawser::transport
