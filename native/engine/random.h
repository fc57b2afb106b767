// Random numbers from the operating system, fetched in blocks so that a small request is a copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/types.h"

namespace hawser::engine {

// Not thread-safe: one per engine, used under its lock. Ends the process when the system has no
// random numbers at all: ids and packet numbers that can be guessed are worse.
class SystemRandom final : public transport::Random {
 public:
  SystemRandom() = default;
  ~SystemRandom();
  SystemRandom(const SystemRandom&) = delete;
  SystemRandom& operator=(const SystemRandom&) = delete;

  void fill(uint8_t* out, size_t length) override;

 private:
  static constexpr size_t kBlock = 512;

  uint8_t block_[kBlock];
  size_t left_ = 0;  // unused bytes, at the end of the block
};

}  // namespace hawser::engine
