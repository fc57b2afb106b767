#include "net/timer_fd.h"

#include <unistd.h>

#include <cerrno>

#include "net/descriptor.h"
#include "net/platform.h"

#if HAWSER_NET_LINUX
#include <sys/timerfd.h>
#endif

namespace hawser::net {

TimerFd::~TimerFd() { close(); }

void TimerFd::close() {
  close_descriptor(&fd_);
  armed_ns_ = kForever;
}

#if HAWSER_NET_LINUX

int TimerFd::open() {
  close();
  fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return fd_ < 0 ? errno : 0;
}

int TimerFd::arm(int64_t deadline_ns) {
  if (fd_ < 0) return EBADF;
  if (deadline_ns == armed_ns_) return 0;
  itimerspec when{};
  if (deadline_ns != kForever) {
    // A zero time would disarm instead of firing at once.
    const int64_t at = deadline_ns > 0 ? deadline_ns : 1;
    when.it_value.tv_sec = static_cast<time_t>(at / 1'000'000'000);
    when.it_value.tv_nsec = static_cast<long>(at % 1'000'000'000);
  }
  if (timerfd_settime(fd_, TFD_TIMER_ABSTIME, &when, nullptr) != 0) return errno;
  armed_ns_ = deadline_ns;
  return 0;
}

bool TimerFd::clear() {
  uint64_t expirations = 0;
  if (fd_ < 0 || ::read(fd_, &expirations, sizeof(expirations)) != sizeof(expirations)) {
    return false;
  }
  armed_ns_ = kForever;
  return true;
}

#else

int TimerFd::open() {
  close();
  return ENOSYS;
}

int TimerFd::arm(int64_t) { return ENOSYS; }

bool TimerFd::clear() { return false; }

#endif

}  // namespace hawser::net
