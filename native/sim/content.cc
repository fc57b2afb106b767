#include "sim/content.h"

#include <cstring>

namespace hawser::sim {
namespace {

// The finaliser of MurmurHash3 (Appleby): every bit of the input moves every bit of the output.
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccd;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53;
  return value ^ (value >> 33);
}

uint64_t word_at(uint64_t key, uint64_t index) {
  return (key + index) * 0x9e3779b97f4a7c15 ^ (key >> 29);
}

uint32_t between(uint64_t luck, uint32_t low, uint32_t high) {
  return low + static_cast<uint32_t>(luck % (uint64_t{high} - low + 1));
}

}  // namespace

uint64_t stream_key(uint64_t seed, uint64_t channel, uint32_t direction) {
  return mix(mix(seed ^ 0x7c5b) + channel * 2 + direction);
}

uint64_t message_key(uint64_t stream, uint64_t sequence) { return mix(stream + sequence); }

size_t message_length(const SizeProfile& profile, uint64_t key) {
  const uint64_t luck = key >> 8;
  switch (profile.kind) {
    case SizeProfile::kFixed:
      return profile.maximum;
    case SizeProfile::kTiny:
      return (key & 0xff) < 51 ? 0 : between(luck, 0, 32);
    case SizeProfile::kSmall:
      return between(luck, 0, 200);
    case SizeProfile::kPacket:
      return between(luck, 900, 1400);
    case SizeProfile::kMixed:
      if ((key & 0xff) < 2) return between(luck, 1, profile.maximum);
      return (key & 0xff) < 10 ? between(luck, 900, 1400) : between(luck, 0, 120);
    case SizeProfile::kLarge:
      return between(luck, 1, profile.maximum);
  }
  return 0;
}

void fill_message(uint64_t key, uint8_t* out, size_t length) {
  uint64_t index = 0;
  for (; length >= 8; length -= 8, out += 8) {
    const uint64_t word = word_at(key, index++);
    std::memcpy(out, &word, 8);
  }
  if (length == 0) return;
  const uint64_t word = word_at(key, index);
  std::memcpy(out, &word, length);
}

bool is_message(uint64_t key, const uint8_t* data, size_t length) {
  uint64_t index = 0;
  for (; length >= 8; length -= 8, data += 8) {
    const uint64_t word = word_at(key, index++);
    if (std::memcmp(data, &word, 8) != 0) return false;
  }
  const uint64_t word = word_at(key, index);
  return length == 0 || std::memcmp(data, &word, length) == 0;
}

}  // namespace hawser::sim
