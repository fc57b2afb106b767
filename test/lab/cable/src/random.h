// Random numbers that are a function of their place.

#pragma once

#include <cstdint>

namespace cable {

/// What a random number is for. Each purpose has numbers of its own, so that to switch on one
/// impairment does not change what another does.
enum class Purpose : uint64_t { kLoss, kBurstState, kBurstLoss, kJitter, kDuplicate, kReorder };

/// An endless row of uniform numbers, any of which can be had at any time (the mixing function is
/// SplitMix64's). What happens to the n-th frame is thereby a function of the seed, the direction
/// and n alone, whatever else happens.
class Numbers {
 public:
  Numbers(uint64_t seed, unsigned direction, Purpose purpose)
      : key_(mix(mix(seed) + (uint64_t{direction} << 32) + static_cast<uint64_t>(purpose))) {}

  /// The number at `index`, in [0, 1).
  double at(uint64_t index) const {
    return static_cast<double>(mix(key_ + index * 0x9e3779b97f4a7c15U) >> 11) * 0x1p-53;
  }

 private:
  static constexpr uint64_t mix(uint64_t value) {
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
  }

  uint64_t key_;
};

}  // namespace cable
