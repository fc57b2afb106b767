// The sockets of all hosts of an engine, and which of them are ready: the cost of a look follows
// the number of ready sockets, not the number of hosts.
//
// Linux: an epoll instance, whose descriptor is itself pollable, so that an event loop or a thread
// watches one descriptor whatever the number of hosts. Elsewhere: a list; every socket counts as
// ready and says for itself that it is not, and at most net::Poller::kMaxDescriptors are taken.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/host_socket.h"
#include "net/platform.h"
#include "net/poller.h"

namespace hawser::engine {

struct ReadySocket {
  HostSocket* socket;
  bool readable;
  bool writable;
};

// Used under the engine's lock, but for what says otherwise.
class SocketSet {
 public:
  static constexpr size_t kMaxReady = 64;

  SocketSet() = default;
  ~SocketSet();
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;

  // Each returns 0 or an errno.
  int open();
  int add(HostSocket* socket);
  void remove(HostSocket* socket);
  // Also reports when the socket can be written.
  void want_write(HostSocket* socket, bool wanted);

  // Sockets that have something to say now, up to `capacity` (at most kMaxReady). Does not wait.
  size_t ready(ReadySocket* out, size_t capacity);

  // Readable while any socket is ready; -1 where there is no such thing. Any thread.
  int fd() const { return fd_; }

  // Makes `poller` watch the sockets. Call before every wait; cheap when nothing changed.
  void watch_with(net::Poller* poller);

 private:
  int fd_ = -1;
#if !HAWSER_NET_LINUX
  HostSocket* sockets_[net::Poller::kMaxDescriptors] = {};
  size_t count_ = 0;
  int watched_[net::Poller::kMaxDescriptors] = {};
  size_t watched_count_ = 0;
#else
  net::Poller* watcher_ = nullptr;
#endif
};

}  // namespace hawser::engine
