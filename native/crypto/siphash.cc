#include "crypto/siphash.h"

#include <bit>

#include "crypto/little_endian.h"

namespace hawser::crypto {
namespace {

// The four words of state, in the paper's names.
struct State {
  uint64_t v0, v1, v2, v3;

  void rounds(int count) {
    for (; count > 0; count--) {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  }
  void absorb(uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
};

}  // namespace

SipHash::SipHash(const uint8_t key[kKeyBytes]) : k0_(load_le64(key)), k1_(load_le64(key + 8)) {}

uint64_t SipHash::operator()(const uint8_t* data, size_t length) const {
  // The constants are the paper's, "somepseudorandomlygeneratedbytes".
  State state = {k0_ ^ 0x736f6d6570736575, k1_ ^ 0x646f72616e646f6d, k0_ ^ 0x6c7967656e657261,
                 k1_ ^ 0x7465646279746573};
  size_t at = 0;
  for (; at + 8 <= length; at += 8) state.absorb(load_le64(data + at));
  // The last word: what is left, and the length modulo 256 on top.
  uint64_t last = static_cast<uint64_t>(length) << 56;
  for (size_t i = 0; at + i < length; i++) last |= static_cast<uint64_t>(data[at + i]) << (8 * i);
  state.absorb(last);
  state.v2 ^= 0xff;
  state.rounds(4);
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace hawser::crypto
