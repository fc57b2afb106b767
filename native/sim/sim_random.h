#pragma once

#include <cstddef>
#include <cstring>

#include "net/prng.h"
#include "transport/types.h"

namespace hawser::sim {

// The random numbers of one simulated peer: the same seed, the same numbers.
class SimRandom final : public transport::Random {
 public:
  SimRandom(uint64_t seed, uint64_t stream) : prng_(seed, stream) {}

  void fill(uint8_t* out, size_t length) override {
    while (length > 0) {
      const uint64_t word = prng_.next();
      const size_t part = length < sizeof word ? length : sizeof word;
      std::memcpy(out, &word, part);
      out += part;
      length -= part;
    }
  }

 private:
  net::Prng prng_;
};

}  // namespace hawser::sim
