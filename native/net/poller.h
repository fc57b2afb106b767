// What an I/O thread sleeps on: a few descriptors, a deadline and a wake-up from other threads.
// poll() rather than epoll: an engine has a handful of sockets, and ppoll takes nanoseconds.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>

#include "net/clock.h"
#include "net/wake_handle.h"

namespace hawser::net {

struct PollResult {
  int error = 0;           // errno of a failed wait; the other fields are then empty
  int ready = 0;           // how many descriptors have something to say
  bool woken = false;      // wake() was called since the last wait
  bool timed_out = false;  // nothing happened before the deadline
};

class Poller {
 public:
  static constexpr size_t kMaxDescriptors = 32;

  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Returns 0 or an errno.
  int open();
  void close();

  // The owner's thread only. add() watches for reading and returns false when the table is full or
  // the descriptor is there already. The caller closes its descriptors itself, after remove().
  bool add(int fd);
  bool remove(int fd);
  // Also watch for room to write, as long as a send would block.
  void want_write(int fd, bool wanted);

  // Sleeps until a descriptor is ready, wake() is called or `deadline_ns` (absolute,
  // monotonic_now_ns(); kForever: no deadline) has passed. Restarts after signals.
  PollResult wait(int64_t deadline_ns);

  // About the last wait. readable() includes a pending error, which a receive call then reports;
  // broken() means a descriptor that was closed behind the poller's back.
  bool readable(int fd) const { return (events_of(fd) & (POLLIN | POLLERR | POLLHUP)) != 0; }
  bool writable(int fd) const { return (events_of(fd) & POLLOUT) != 0; }
  bool broken(int fd) const { return (events_of(fd) & POLLNVAL) != 0; }

  // Any thread, also a signal handler. Many calls before the next wait are one wake-up.
  void wake() { wake_.wake(); }

 private:
  size_t find(int fd) const;
  short events_of(int fd) const;

  // Entry 0 is the wake handle.
  pollfd entries_[kMaxDescriptors + 1] = {};
  size_t count_ = 0;
  WakeHandle wake_;
};

}  // namespace hawser::net
