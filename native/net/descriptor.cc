#include "net/descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace hawser::net {

int make_nonblocking(int fd) {
  const int status = fcntl(fd, F_GETFL);
  if (status < 0 || fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0) return errno;
  const int flags = fcntl(fd, F_GETFD);
  if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0) return errno;
  return 0;
}

bool is_readable(int fd) {
  pollfd entry = {fd, POLLIN, 0};
  return poll(&entry, 1, 0) > 0;
}

void close_descriptor(int* fd) {
  if (*fd < 0) return;
  const int saved = errno;
  // Not repeated on EINTR: on Linux the descriptor is gone by then and may belong to someone else.
  ::close(*fd);
  *fd = -1;
  errno = saved;
}

}  // namespace hawser::net
