#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sim/content.h"
#include "test/support/failing_memory.h"
#include "transport/channel.h"
#include "transport/inbound.h"
#include "wire/frames.h"

// What the tests of Inbound share: messages with contents of their own, and a reader.
namespace hawser::transport::inbound_test {

using Result = Inbound::Result;
using test::FailingMemory;

inline constexpr uint64_t kPlenty = uint64_t{1} << 40;

inline uint64_t key_of(uint64_t sequence) { return sequence * 0x9e37; }

// Inbound only hands the channel through to the sink, which does not look at it.
inline Channel& some_channel() {
  alignas(Channel) static unsigned char place[sizeof(Channel)];
  return *reinterpret_cast<Channel*>(place);
}

// Checks what it is given; refuses when told.
class Reader final : public MessageSink {
 public:
  explicit Reader(uint64_t first) : next(first) {}

  bool take(Channel& channel, uint64_t first, const uint8_t* run, size_t length,
            uint32_t count) override {
    EXPECT_EQ(&channel, &some_channel());
    offers++;
    if (refuse) return false;
    EXPECT_EQ(first, next);
    const uint8_t* const end = run + length;
    for (uint32_t i = 0; i < count; i++) {
      const uint8_t* body = nullptr;
      size_t size = 0;
      run = wire::next_block(run, end, body, size);
      EXPECT_LE(run, end);
      EXPECT_TRUE(sim::is_message(key_of(next), body, size)) << next;
      sizes.push_back(size);
      next++;
    }
    EXPECT_EQ(run, end);
    return true;
  }

  uint64_t next;
  uint64_t offers = 0;
  bool refuse = false;
  std::vector<size_t> sizes;
};

// Takes messages in any order, and remembers which.
class AnyReader final : public MessageSink {
 public:
  bool take(Channel&, uint64_t first, const uint8_t* run, size_t length, uint32_t count) override {
    if (refuse) return false;
    const uint8_t* const end = run + length;
    for (uint64_t s = first; s != first + count; s++) {
      const uint8_t* body = nullptr;
      size_t size = 0;
      run = wire::next_block(run, end, body, size);
      EXPECT_TRUE(sim::is_message(key_of(s), body, size)) << s;
      taken.push_back(s);
    }
    EXPECT_EQ(run, end);
    return true;
  }

  bool refuse = false;
  std::vector<uint64_t> taken;
};

inline std::vector<uint8_t> body_of(uint64_t sequence, size_t length) {
  std::vector<uint8_t> out(length);
  sim::fill_message(key_of(sequence), out.data(), length);
  return out;
}

// The content of a MESSAGE frame.
inline std::vector<uint8_t> run_of(uint64_t first, const std::vector<size_t>& lengths) {
  std::vector<uint8_t> out;
  for (const size_t length : lengths) {
    uint8_t prefix[8];
    out.insert(out.end(), prefix, wire::write_varint(prefix, length));
    const std::vector<uint8_t> body = body_of(first++, length);
    out.insert(out.end(), body.begin(), body.end());
  }
  return out;
}

class InboundTest : public testing::Test {
 protected:
  Result message(uint64_t first, const std::vector<size_t>& lengths, MessageSink* sink) {
    const std::vector<uint8_t> run = run_of(first, lengths);
    return in_.on_message(some_channel(), first, run.data(), run.size(),
                          static_cast<uint32_t>(lengths.size()), sink);
  }
  Result fragment(uint64_t sequence, size_t total, size_t offset, size_t length,
                  MessageSink* sink) {
    const std::vector<uint8_t> body = body_of(sequence, total);
    return in_.on_fragment(some_channel(), sequence, total, offset, body.data() + offset, length,
                           sink);
  }

  FailingMemory memory_;
  BlockPool pool_{memory_};
  Inbound in_{memory_, pool_, 1, kPlenty};
  Reader reader_{1};
};

}  // namespace hawser::transport::inbound_test
