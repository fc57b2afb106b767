#include "engine/socket_set.h"

#if !HAWSER_NET_LINUX

#include <algorithm>
#include <cerrno>

namespace hawser::engine {

SocketSet::~SocketSet() = default;

int SocketSet::open() { return 0; }

int SocketSet::add(HostSocket* socket) {
  if (count_ == net::Poller::kMaxDescriptors) return EMFILE;
  socket->set_position = static_cast<uint32_t>(count_);
  sockets_[count_++] = socket;
  return 0;
}

void SocketSet::remove(HostSocket* socket) {
  HostSocket* last = sockets_[--count_];
  last->set_position = socket->set_position;
  sockets_[socket->set_position] = last;
}

void SocketSet::want_write(HostSocket*, bool) {}  // watch_with() looks at HostSocket::blocked

size_t SocketSet::ready(ReadySocket* out, size_t capacity) {
  const size_t count = std::min(capacity, count_);
  // A send is tried again instead of asking first.
  for (size_t i = 0; i < count; i++) out[i] = {sockets_[i], true, sockets_[i]->blocked};
  return count;
}

void SocketSet::watch_with(net::Poller* poller) {
  for (size_t i = 0; i < watched_count_; i++) poller->remove(watched_[i]);
  watched_count_ = count_;
  for (size_t i = 0; i < count_; i++) {
    watched_[i] = sockets_[i]->udp.fd();
    poller->add(watched_[i]);
    poller->want_write(watched_[i], sockets_[i]->blocked);
  }
}

}  // namespace hawser::engine

#endif  // !HAWSER_NET_LINUX
