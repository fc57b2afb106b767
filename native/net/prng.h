// A small deterministic random generator for impairments and simulations: the same seed gives the
// same numbers on every machine. Not for secrets.
//
// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) spreads the seed, xoshiro256** (Blackman, Vigna,
// "Scrambled linear pseudorandom number generators", ACM TOMS 2021) gives the numbers.
#pragma once

#include <bit>
#include <cstdint>

namespace hawser::net {

class SplitMix64 {
 public:
  explicit constexpr SplitMix64(uint64_t seed) : state_(seed) {}

  constexpr uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

class Prng {
 public:
  // Different streams of one seed are independent of each other.
  explicit constexpr Prng(uint64_t seed, uint64_t stream = 0) {
    SplitMix64 streams(stream);
    SplitMix64 words(seed ^ streams.next());
    for (uint64_t& word : state_) word = words.next();
  }

  static constexpr Prng from_state(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    Prng prng(0);
    prng.state_[0] = a;
    prng.state_[1] = b;
    prng.state_[2] = c;
    prng.state_[3] = d;
    return prng;
  }

  constexpr uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // 0 <= result < bound, bound > 0. The bias of the remainder is below bound / 2^64.
  constexpr uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_[4] = {};
};

// A probability as an integer threshold, so that no draw depends on floating-point rules.
class Chance {
 public:
  constexpr Chance() = default;
  // `probability` is 0 to 1.
  explicit constexpr Chance(double probability)
      : always_(probability >= 1.0),
        threshold_(probability > 0.0 && probability < 1.0
                       ? static_cast<uint64_t>(probability * 18446744073709551616.0)
                       : 0) {}

  // Draws a number only when the outcome is open.
  constexpr bool happens(Prng* prng) const {
    if (always_) return true;
    return threshold_ != 0 && prng->next() < threshold_;
  }

 private:
  bool always_ = false;
  uint64_t threshold_ = 0;
};

}  // namespace hawser::net
