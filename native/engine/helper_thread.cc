#include "engine/helper_thread.h"

#include <algorithm>
#include <cerrno>

#include "net/clock.h"

namespace hawser::engine {

using transport::kNever;
using transport::Time;

int HelperThread::start() {
  if (engine_.sockets().fd() < 0) return ENOSYS;
  int error = ticker_.open();
  if (error == 0) error = poller_.open();
  if (error != 0) return error;
  engine_.sockets().watch_with(&poller_);
  stopping_.store(false);
  return thread_.start("hawser-helper", &HelperThread::run, this);
}

void HelperThread::stop() {
  if (!thread_.running()) return;
  stopping_.store(true);
  ticker_.wake();
  poller_.wake();
  thread_.join();
}

void HelperThread::wake_up() {
  sleeping_until_.store(kAwake, std::memory_order_relaxed);
  poller_.wake();
}

void HelperThread::loop() {
  uint64_t rounds = 0;
  uint64_t progress = 0;
  int overlooked = 0;
  bool doubtful = false;  // the next look will tell whether the loop stays away
  Time active_until = net::monotonic_now_ns() + kRestAfter;
  Time wary_until = 0;
  while (!stopping_.load()) {
    const Time asleep = net::monotonic_now_ns();
    ticker_.wait(asleep + (doubtful || asleep < wary_until ? kTick : kCalmTick));
    const Time now = net::monotonic_now_ns();
    if (engine_.progress() != progress) {
      progress = engine_.progress();
      active_until = now + kRestAfter;
    }
    const uint64_t seen = rounds_.load(std::memory_order_acquire);
    const bool in_poll = in_poll_.load(std::memory_order_acquire);
    doubtful = !in_poll;
    if (seen == rounds && (!in_poll || overlooks(now))) {
      doubtful = true;
      // In its poll the loop may be about to wake up: only what it overlooks twice counts.
      if (!in_poll || overlooked++ > 0) {
        take_over(rounds, in_poll);
        wary_until = net::monotonic_now_ns() + kWaryFor;
      }
      continue;
    }
    rounds = seen;
    overlooked = 0;
    if (now >= active_until) {
      rest();
      // Long enough to see whether the loop serves what ended the rest.
      active_until = net::monotonic_now_ns() + 3 * kCalmTick;
    }
  }
}

// Whether something waits that a loop asleep in its poll would have seen. The poll is also where a
// loop calls back about everything else that it watches, and such a callback may take its time.
bool HelperThread::overlooks(Time now) {
  if (now - kTick > deadline_.load(std::memory_order_relaxed)) return true;
  return poller_.wait(now).ready > 0;
}

void HelperThread::take_over(uint64_t rounds, bool in_poll) {
  takeovers_.store(takeovers_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  while (!stopping_.load() && loop_is_away(rounds, in_poll)) {
    size_t received = 0;
    bool events = false;
    Time now = 0;
    Time next = kNever;
    {
      MutexLock lock(engine_.mutex());
      // Under the lock: for the engine time never goes back, whichever thread tells it.
      now = net::monotonic_now_ns();
      received = engine_.receive(now, kReceiveBytes);
      engine_.run_timers(now);
      engine_.transmit(now);
      events = engine_.has_events();
      next = engine_.next_timeout();
      deadline_.store(next, std::memory_order_relaxed);
    }
    if (events) waker_.wake();
    if (received != 0) {
      engine_.mutex().give_way();
    } else if (in_poll && next > now) {
      break;  // whatever comes next, the loop may be back for it
    } else {
      poller_.wait(std::clamp(next, now, now + kTick));
    }
  }
  // The loop knows nothing of the timers that were set meanwhile: it has to look at them once.
  waker_.wake();
}

// Until a datagram comes, a timer is due, or the loop announces an earlier one. The loop serves all
// these too; a tick later it is clear whether it did.
void HelperThread::rest() {
  Time deadline = kNever;
  {
    MutexLock lock(engine_.mutex());
    deadline = engine_.next_timeout();
    // Under the lock: the loop cannot have set an earlier one in between.
    sleeping_until_.store(deadline, std::memory_order_relaxed);
  }
  if (!stopping_.load()) poller_.wait(deadline);
  sleeping_until_.store(kAwake, std::memory_order_relaxed);
}

}  // namespace hawser::engine
