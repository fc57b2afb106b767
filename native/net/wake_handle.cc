#include "net/wake_handle.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "net/descriptor.h"
#include "net/platform.h"

#if HAWSER_NET_LINUX
#include <sys/eventfd.h>
#endif

namespace hawser::net {

WakeHandle::~WakeHandle() { close(); }

int WakeHandle::open() {
  close();
#if HAWSER_NET_LINUX
  read_fd_ = write_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return read_fd_ < 0 ? errno : 0;
#else
  int ends[2];
  if (pipe(ends) != 0) return errno;
  read_fd_ = ends[0];
  write_fd_ = ends[1];
  for (int fd : ends) {
    const int error = make_nonblocking(fd);
    if (error != 0) {
      close();
      return error;
    }
  }
  return 0;
#endif
}

void WakeHandle::close() {
  if (write_fd_ != read_fd_) close_descriptor(&write_fd_);
  close_descriptor(&read_fd_);
  write_fd_ = -1;
  set_.store(false, std::memory_order_relaxed);
}

void WakeHandle::wake() {
  if (set_.exchange(true, std::memory_order_acq_rel)) return;
  const int saved = errno;
  // Eight bytes are what an eventfd takes; a pipe takes them as well.
  const uint64_t one = 1;
  while (::write(write_fd_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  errno = saved;
}

void WakeHandle::clear() {
  // Drain first, then lower the flag. The other way round a wake() in between would be drained
  // with its flag left up, and every later wake() would keep silent.
  uint64_t buffer[8];
  while (::read(read_fd_, buffer, sizeof(buffer)) < 0 && errno == EINTR) {
  }
  set_.exchange(false, std::memory_order_acq_rel);
}

}  // namespace hawser::net
