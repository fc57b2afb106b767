#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace hawser::test {

// A small generator for property tests (splitmix64), the same on every platform.
class TestRandom {
 public:
  explicit TestRandom(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t value = state_;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }
  // 0 <= result < bound; bound > 0.
  uint64_t below(uint64_t bound) { return next() % bound; }
  // low <= result <= high.
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  uint64_t state_;
};

// Seeds of a property test: 1 to `count`, or only HAWSER_TEST_SEED when that is set. Say the seed
// with SCOPED_TRACE, so that a failure names it.
inline std::vector<uint64_t> test_seeds(uint64_t count) {
  if (const char* chosen = std::getenv("HAWSER_TEST_SEED")) {
    return {std::strtoull(chosen, nullptr, 10)};
  }
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 1; seed <= count; seed++) seeds.push_back(seed);
  return seeds;
}

inline std::string seed_trace(uint64_t seed) { return "HAWSER_TEST_SEED=" + std::to_string(seed); }

}  // namespace hawser::test
