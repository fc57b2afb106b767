#include "engine/io_thread.h"

#include "net/clock.h"

namespace hawser::engine {

using transport::kNever;
using transport::Time;

int IoThread::start() {
  const int error = poller_.open();
  if (error != 0) return error;
  stopping_.store(false);
  return thread_.start("hawser-io", &IoThread::run, this);
}

void IoThread::stop() {
  if (!thread_.running()) return;
  stopping_.store(true);
  poller_.wake();
  thread_.join();
}

void IoThread::wake_up() {
  sleeping_until_.store(kAwake, std::memory_order_relaxed);
  poller_.wake();
}

void IoThread::loop() {
  while (!stopping_.load()) {
    Time next = kNever;
    size_t received = 0;
    bool events = false;
    {
      MutexLock lock(engine_.mutex());
      const Time now = net::monotonic_now_ns();
      received = engine_.receive(now, kReceiveBytes);
      engine_.run_timers(now);
      engine_.transmit(now);
      events = engine_.has_events();
      next = engine_.next_timeout();
      engine_.sockets().watch_with(&poller_);
      // Under the lock: nobody can have set an earlier one in between.
      sleeping_until_.store(received > kFewDatagrams ? kAwake : next, std::memory_order_relaxed);
    }
    if (events) waker_.wake();
    spin_.note_received(received);
    spin_.note_served();
    if (received != 0) engine_.mutex().give_way();
    if (received > kFewDatagrams) continue;
    wait(next);
    sleeping_until_.store(kAwake, std::memory_order_relaxed);
  }
}

// Whatever was left in the sockets, and whoever called wake_up() meanwhile, ends it at once.
void IoThread::wait(Time deadline) {
  const Time now = net::monotonic_now_ns();
  if (deadline > now && spin_.wants(now)) {
    const auto ready = [this] {
      const net::PollResult result = poller_.wait(0);
      return result.ready > 0 || result.woken;
    };
    if (spin_.spin(&net::monotonic_now_ns, ready)) return;
  }
  poller_.wait(deadline);
}

}  // namespace hawser::engine
