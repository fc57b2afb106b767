#pragma once

#include <vector>

#include "test/fuzz/check.h"
#include "transport/channel.h"
#include "transport/message_sink.h"
#include "wire/frames.h"

namespace hawser::fuzz {

using namespace transport;

// Inbound only hands the channel through to the sink, which does not look at it.
inline Channel& no_channel() {
  alignas(Channel) static unsigned char place[sizeof(Channel)];
  return *reinterpret_cast<Channel*>(place);
}

// Keeps what it is given for the model to look at.
struct Sink final : MessageSink {
  struct Taken {
    uint64_t sequence;
    std::vector<uint8_t> body;
  };

  bool take(Channel&, uint64_t first, const uint8_t* run, size_t length, uint32_t count) override {
    FUZZ_CHECK(count != 0, "an empty run");
    if (refusals != 0) {
      refusals--;
      return false;
    }
    const uint8_t* const end = run + length;
    for (uint32_t i = 0; i < count; i++) {
      FUZZ_CHECK(run < end, "a run shorter than it says");
      const uint8_t* body = nullptr;
      size_t size = 0;
      run = wire::next_block(run, end, body, size);
      taken.push_back({first + i, {body, body + size}});
    }
    FUZZ_CHECK(run == end, "a run longer than it says");
    return true;
  }

  uint32_t refusals = 0;
  std::vector<Taken> taken;
};

// What of a message that was not handed over is here.
struct Entry {
  size_t length = 0;
  bool whole = false;
  // Room for it was refused once: whether it is charged cannot be seen.
  bool unsure = false;
  std::vector<bool> here;

  size_t pieces() const {
    size_t count = 0;
    for (size_t i = 0; i < here.size(); i++) count += here[i] && (i == 0 || !here[i - 1]);
    return count;
  }
};

}  // namespace hawser::fuzz
