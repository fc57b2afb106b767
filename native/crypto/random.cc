#include "crypto/random.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "crypto/secret.h"

namespace hawser::crypto {
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

bool random_bytes(uint8_t* out, size_t length) {
  if (read_system(out, length)) return true;
  wipe(out, length);
  return false;
}

}  // namespace hawser::crypto
