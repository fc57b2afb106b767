#include "engine/random.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "crypto/random.h"
#include "crypto/secret.h"

namespace hawser::engine {
SystemRandom::~SystemRandom() { crypto::wipe(block_, kBlock); }

void SystemRandom::fill(uint8_t* out, size_t length) {
  if (length > kBlock) {
    if (!crypto::random_bytes(out, length)) abort();
    return;
  }
  while (length > 0) {
    if (left_ == 0) {
      if (!crypto::random_bytes(block_, kBlock)) abort();
      left_ = kBlock;
    }
    const size_t piece = std::min(length, left_);
    uint8_t* from = block_ + (kBlock - left_);
    std::memcpy(out, from, piece);
    // What was handed out is not kept: it may be a secret by now.
    std::memset(from, 0, piece);
    left_ -= piece;
    out += piece;
    length -= piece;
  }
}

}  // namespace hawser::engine
