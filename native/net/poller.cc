#include "net/poller.h"

#include <cerrno>
#include <climits>

#include "net/platform.h"

namespace hawser::net {
namespace {

// One poll with a relative timeout derived from the deadline. Rounds up where the system only knows
// milliseconds, so that a deadline is never reported early.
int poll_until(pollfd* entries, size_t count, int64_t deadline_ns) {
  int64_t left = -1;
  if (deadline_ns != kForever) {
    const int64_t now = monotonic_now_ns();
    left = deadline_ns > now ? deadline_ns - now : 0;
  }
#if HAWSER_NET_LINUX
  timespec timeout{};
  if (left >= 0) {
    timeout.tv_sec = static_cast<time_t>(left / 1'000'000'000);
    timeout.tv_nsec = static_cast<long>(left % 1'000'000'000);
  }
  return ppoll(entries, static_cast<nfds_t>(count), left < 0 ? nullptr : &timeout, nullptr);
#else
  int timeout_ms = -1;
  if (left >= 0) {
    const int64_t rounded = left / 1'000'000 + (left % 1'000'000 != 0 ? 1 : 0);
    timeout_ms = rounded > INT_MAX ? INT_MAX : static_cast<int>(rounded);
  }
  return poll(entries, static_cast<nfds_t>(count), timeout_ms);
#endif
}

}  // namespace

int Poller::open() {
  close();
  const int error = wake_.open();
  if (error != 0) return error;
  entries_[0] = pollfd{wake_.fd(), POLLIN, 0};
  count_ = 1;
  return 0;
}

void Poller::close() {
  wake_.close();
  count_ = 0;
}

size_t Poller::find(int fd) const {
  for (size_t i = 1; i < count_; ++i) {
    if (entries_[i].fd == fd) return i;
  }
  return 0;
}

short Poller::events_of(int fd) const {
  const size_t index = find(fd);
  return index == 0 ? short{0} : entries_[index].revents;
}

bool Poller::add(int fd) {
  if (fd < 0 || count_ == 0 || count_ > kMaxDescriptors || find(fd) != 0) return false;
  entries_[count_++] = pollfd{fd, POLLIN, 0};
  return true;
}

bool Poller::remove(int fd) {
  const size_t index = find(fd);
  if (index == 0) return false;
  entries_[index] = entries_[--count_];
  return true;
}

void Poller::want_write(int fd, bool wanted) {
  const size_t index = find(fd);
  if (index == 0) return;
  entries_[index].events = static_cast<short>(wanted ? POLLIN | POLLOUT : POLLIN);
}

PollResult Poller::wait(int64_t deadline_ns) {
  PollResult result;
  if (count_ == 0) {
    result.error = EBADF;
    return result;
  }
  for (;;) {
    for (size_t i = 0; i < count_; ++i) entries_[i].revents = 0;
    const int ready = poll_until(entries_, count_, deadline_ns);
    if (ready > 0) {
      result.woken = entries_[0].revents != 0;
      result.ready = ready - (result.woken ? 1 : 0);
      if (result.woken) wake_.clear();
      return result;
    }
    if (ready == 0) {
      // poll may return a little early, or at its longest timeout: only the clock decides.
      if (monotonic_now_ns() < deadline_ns) continue;
      result.timed_out = true;
      return result;
    }
    if (errno != EINTR) {
      result.error = errno;
      return result;
    }
  }
}

}  // namespace hawser::net
