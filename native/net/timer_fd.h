// A timer as a file descriptor (Linux timerfd on CLOCK_MONOTONIC), for event loops whose own timers
// only know milliseconds. Elsewhere open() returns ENOSYS and the caller uses its loop's timer.
#pragma once

#include <cstdint>

#include "net/clock.h"

namespace hawser::net {

class TimerFd {
 public:
  TimerFd() = default;
  ~TimerFd();
  TimerFd(const TimerFd&) = delete;
  TimerFd& operator=(const TimerFd&) = delete;

  // Returns 0, an errno, or ENOSYS where the system has no timerfd.
  int open();
  void close();

  // fd() becomes readable at `deadline_ns` (absolute, monotonic_now_ns()), at once when that is
  // past. Replaces the deadline before; kForever disarms. Costs no system call when the same
  // deadline is still armed. Returns 0 or an errno.
  int arm(int64_t deadline_ns);
  int disarm() { return arm(kForever); }

  // Makes fd() unreadable again after it fired. Returns whether it had fired.
  bool clear();

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  int64_t armed_ns_ = kForever;
};

}  // namespace hawser::net
