// Wakes a thread that sleeps in poll: an eventfd on Linux, a pipe elsewhere.
#pragma once

#include <atomic>

namespace hawser::net {

class WakeHandle {
 public:
  WakeHandle() = default;
  ~WakeHandle();
  WakeHandle(const WakeHandle&) = delete;
  WakeHandle& operator=(const WakeHandle&) = delete;

  // Returns 0 or an errno. Closes what was open before.
  int open();
  void close();

  // Makes fd() readable until clear(). Any thread, also a signal handler; keeps errno. Calls
  // between two clear() coalesce into one system call. Must not race with open() or close().
  void wake();

  // Called by the sleeper once fd() was readable, before it looks for the work that it was woken
  // for: what was written before a wake() that saw the handle still set is visible afterwards.
  void clear();

  int fd() const { return read_fd_; }

 private:
  static_assert(std::atomic<bool>::is_always_lock_free, "wake() runs in signal handlers");

  int read_fd_ = -1;
  int write_fd_ = -1;
  std::atomic<bool> set_{false};
};

}  // namespace hawser::net
