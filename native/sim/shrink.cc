// Finds the little of a failing seed that a person needs to look at.

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "sim/scenario.h"

namespace hawser::sim {

std::string Reduction::text() const {
  char out[64];
  std::snprintf(out, sizeof out, "%" PRIx32 ",%" PRIx32 ",%" PRIx32 ",%" PRIu32, channels,
                impairments, features, divisor);
  return out;
}

bool Reduction::parse(const char* text, Reduction& out) {
  uint32_t* const fields[] = {&out.channels, &out.impairments, &out.features, &out.divisor};
  for (int i = 0; i < 4; i++) {
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text, &end, i < 3 ? 16 : 10);
    if (end == text || value > UINT32_MAX || *end != (i < 3 ? ',' : 0)) return false;
    *fields[i] = static_cast<uint32_t>(value);
    text = end + 1;
  }
  return out.divisor != 0;
}

Reduction shrink(uint64_t seed) {
  Reduction best;
  best.impairments = (1u << kImpairments) - 1;
  best.features = (1u << kFeatures) - 1;
  // The failure without its numbers: another one would be another story.
  const auto kind = [](const std::string& failure) {
    std::string out;
    for (const char c : failure) {
      if (c < '0' || c > '9') out += c;
    }
    return out;
  };
  const std::string wanted = kind(run_seed(seed, false).failure);
  const auto fails = [&](const Reduction& reduction) {
    return kind(run_seed(seed, false, reduction).failure) == wanted;
  };
  for (bool smaller = true; smaller;) {
    smaller = false;
    const auto attempt = [&](const Reduction& reduction) {
      if (!fails(reduction)) return;
      best = reduction;
      smaller = true;
    };
    for (uint32_t Reduction::*mask :
         {&Reduction::channels, &Reduction::impairments, &Reduction::features}) {
      for (int bit = 0; bit < 32; bit++) {
        if ((best.*mask >> bit & 1) == 0) continue;
        Reduction next = best;
        next.*mask &= ~(1u << bit);
        attempt(next);
      }
    }
    if (best.divisor < 4'096) {
      Reduction next = best;
      next.divisor *= 2;
      attempt(next);
    }
  }
  return best;
}

}  // namespace hawser::sim
