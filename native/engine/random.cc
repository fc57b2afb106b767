#include "engine/random.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace hawser::engine {
namespace {

// For kernels and sandboxes without the system call.
bool read_device(uint8_t* out, size_t length) {
  const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  while (length > 0) {
    const ssize_t got = read(fd, out, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out += got;
    length -= static_cast<size_t>(got);
  }
  close(fd);
  return length == 0;
}

bool read_system(uint8_t* out, size_t length) {
#if defined(__linux__)
  while (length > 0) {
    const ssize_t got = getrandom(out, length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return read_device(out, length);
    out += got;
    length -= static_cast<size_t>(got);
  }
  return true;
#else
  while (length > 0) {
    const size_t piece = std::min(length, size_t{256});  // getentropy's limit
    if (getentropy(out, piece) != 0) return read_device(out, length);
    out += piece;
    length -= piece;
  }
  return true;
#endif
}

}  // namespace

SystemRandom::~SystemRandom() {
  volatile uint8_t* bytes = block_;
  for (size_t i = 0; i < kBlock; i++) bytes[i] = 0;
}

void SystemRandom::fill(uint8_t* out, size_t length) {
  if (length > kBlock) {
    if (!read_system(out, length)) abort();
    return;
  }
  while (length > 0) {
    if (left_ == 0) {
      if (!read_system(block_, kBlock)) abort();
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
