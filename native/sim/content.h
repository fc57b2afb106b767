#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::sim {

// What messages hold: a pure function of (seed, channel, direction, sequence), so that a receiver
// can tell a wrong, torn, repeated or misplaced message without being told what was sent.

// How long the messages of one direction are.
struct SizeProfile {
  enum Kind : uint8_t {
    kFixed,   // all `maximum` bytes
    kTiny,    // 0 to 32 bytes, a fifth of them empty
    kSmall,   // 0 to 200 bytes
    kPacket,  // 900 to 1,400 bytes: around what one packet holds
    kMixed,   // mostly small, some around a packet, a few up to `maximum`
    kLarge,   // 1 to `maximum` bytes
  };
  Kind kind = kSmall;
  uint32_t maximum = 200;
};

// Identifies one direction of one channel in one run.
uint64_t stream_key(uint64_t seed, uint64_t channel, uint32_t direction);
uint64_t message_key(uint64_t stream, uint64_t sequence);
size_t message_length(const SizeProfile& profile, uint64_t key);
void fill_message(uint64_t key, uint8_t* out, size_t length);
bool is_message(uint64_t key, const uint8_t* data, size_t length);

// Where messages may be left out, each begins with its number among those pushed.
inline constexpr size_t kTagBytes = 8;

}  // namespace hawser::sim
