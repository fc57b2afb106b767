#include "engine/socket_set.h"

#if HAWSER_NET_LINUX

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "net/descriptor.h"

namespace hawser::engine {

SocketSet::~SocketSet() { net::close_descriptor(&fd_); }

int SocketSet::open() {
  net::close_descriptor(&fd_);
  fd_ = epoll_create1(EPOLL_CLOEXEC);
  return fd_ < 0 ? errno : 0;
}

int SocketSet::add(HostSocket* socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = socket;
  return epoll_ctl(fd_, EPOLL_CTL_ADD, socket->udp.fd(), &event) == 0 ? 0 : errno;
}

void SocketSet::remove(HostSocket* socket) {
  epoll_event event{};
  epoll_ctl(fd_, EPOLL_CTL_DEL, socket->udp.fd(), &event);
}

void SocketSet::want_write(HostSocket* socket, bool wanted) {
  epoll_event event{};
  event.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.ptr = socket;
  epoll_ctl(fd_, EPOLL_CTL_MOD, socket->udp.fd(), &event);
}

size_t SocketSet::ready(ReadySocket* out, size_t capacity) {
  epoll_event events[kMaxReady];
  int count = 0;
  do {
    count = epoll_wait(fd_, events, static_cast<int>(std::min(capacity, kMaxReady)), 0);
  } while (count < 0 && errno == EINTR);
  for (int i = 0; i < count; i++) {
    // An error is read like a datagram.
    out[i] = {static_cast<HostSocket*>(events[i].data.ptr),
              (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0,
              (events[i].events & EPOLLOUT) != 0};
  }
  return count < 0 ? 0 : static_cast<size_t>(count);
}

void SocketSet::watch_with(net::Poller* poller) {
  if (watcher_ == poller) return;
  watcher_ = poller;
  poller->add(fd_);
}

}  // namespace hawser::engine

#endif  // HAWSER_NET_LINUX
