#include "transport/kept_reason.h"

#include <gtest/gtest.h>

#include <string>

#include "test/support/failing_memory.h"

namespace hawser::transport {
namespace {

CloseReason remote(const std::string& text) {
  CloseReason reason =
      CloseReason::make(ClosedBy::kRemote, wire::Code::kServiceRefused, text.data(), text.size());
  reason.timed_out = true;
  return reason;
}

std::string text_of(const KeptReason& kept) {
  const CloseReason reason = kept.get();
  EXPECT_EQ(reason.detail_length, kept.length());
  return std::string(reason.detail, reason.detail_length);
}

TEST(KeptReason, IsNobodysAtFirst) {
  test::FailingMemory memory;
  const KeptReason kept(memory);
  EXPECT_EQ(kept.get().by, ClosedBy::kNobody);
  EXPECT_EQ(kept.code(), wire::Code::kNoError);
  EXPECT_FALSE(kept.get().timed_out);
  EXPECT_EQ(text_of(kept), "");
  EXPECT_EQ(memory.in_use(), 0u);
}

TEST(KeptReason, KeepsTheWholeTextAndTheLastOne) {
  test::FailingMemory memory;
  {
    KeptReason kept(memory);
    const std::string longest(255, 'x');
    kept.set(remote(longest));
    EXPECT_EQ(text_of(kept), longest);
    EXPECT_EQ(memory.in_use(), 255u);
    kept.set(remote("no"));
    EXPECT_EQ(text_of(kept), "no");
    EXPECT_EQ(memory.in_use(), 2u);
    kept.set(remote(""));
    EXPECT_EQ(text_of(kept), "");
    EXPECT_EQ(memory.in_use(), 0u);
    kept.set(remote("again"));
  }
  EXPECT_EQ(memory.in_use(), 0u);
}

TEST(KeptReason, WithoutMemoryOnlyTheTextIsLost) {
  test::FailingMemory memory;
  KeptReason kept(memory);
  kept.set(CloseReason::make(ClosedBy::kLocal, wire::Code::kNoError, "before", 6));
  memory.fail_after(0);
  kept.set(remote("no"));
  EXPECT_EQ(kept.get().by, ClosedBy::kRemote);
  EXPECT_EQ(kept.code(), wire::Code::kServiceRefused);
  EXPECT_TRUE(kept.get().timed_out);
  EXPECT_EQ(text_of(kept), "");
  EXPECT_EQ(kept.text(), nullptr);
}

}  // namespace
}  // namespace hawser::transport
