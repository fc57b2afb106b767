#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "transport/time.h"

namespace hawser::engine {

// Whether it pays to look for datagrams for a moment instead of sleeping until one comes. A wake-up
// takes 10 µs and more, and a spin saves it; but it takes a processor away from whoever else could
// run there, the peer included.
//
// So time is accounted for. A spin that met a datagram earns about what a wake-up costs. One that
// met nothing costs its length, and one that lost its processor on the way costs the time it was
// away: then others want to run. When more was spent than earned, spinning stops for a pause, and
// for twice as long each time until it pays again.
//
// One thread spins; others may switch it on and off and read the counters.
class SpinBudget {
 public:
  // The longest spin.
  static constexpr transport::Duration kSpin = 50 * transport::kMicrosecond;
  // After more datagrams than these at once it is not a ping-pong: more will come anyhow.
  static constexpr size_t kFewDatagrams = 4;
  static constexpr transport::Duration kFirstPause = 10 * transport::kMillisecond;
  static constexpr transport::Duration kLongestPause = transport::kSecond;

  // --- Any thread.
  void set_enabled(bool enabled) { enabled_.store(enabled, std::memory_order_relaxed); }
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }
  // Spins so far, and those that met a datagram.
  uint64_t spins() const { return spins_.load(std::memory_order_relaxed); }
  uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }

  // --- The thread that spins.
  // The engine was served and got so many datagrams. Each of a few may be followed by another one
  // soon.
  void note_received(size_t datagrams) {
    if (datagrams == 0) return;
    if (met_) earn();
    met_ = false;
    expecting_ = datagrams <= kFewDatagrams;
  }
  // All that the last spin may have met was looked at.
  void note_served() { met_ = false; }

  // About to sleep: whether to spin before. Not twice without a datagram in between.
  bool wants(transport::Time now) {
    const bool expecting = expecting_;
    expecting_ = false;
    return expecting && now >= paused_until_ && enabled();
  }

  // Asks `ready` again and again, until it says true or the time is over, and answers what it said
  // last. A datagram that it meets counts once note_received() is told of it. `clock` gives the
  // time in nanoseconds.
  template <typename Clock, typename Ready>
  bool spin(Clock&& clock, Ready&& ready);

 private:
  static constexpr transport::Duration kEarned = 20 * transport::kMicrosecond;
  static constexpr transport::Duration kStart = 200 * transport::kMicrosecond;
  static constexpr transport::Duration kMost = transport::kMillisecond;
  // Between two looks, of which each takes less than a microsecond: somebody else ran meanwhile.
  static constexpr transport::Duration kAway = 25 * transport::kMicrosecond;

  static void count(std::atomic<uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  void earn() {
    count(hits_);
    left_ = std::min(left_ + kEarned, kMost);
    if (left_ == kMost) pause_ = kFirstPause;
  }

  void spend(transport::Time now, transport::Duration cost) {
    left_ -= cost;
    if (left_ > 0) return;
    paused_until_ = now + pause_;
    pause_ = std::min(2 * pause_, kLongestPause);
    left_ = kStart;
  }

  std::atomic<bool> enabled_{false};
  std::atomic<uint64_t> spins_{0};
  std::atomic<uint64_t> hits_{0};
  bool expecting_ = false;
  // The last spin met something; whether it was a datagram, note_received() says.
  bool met_ = false;
  transport::Duration left_ = kStart;
  transport::Duration pause_ = kFirstPause;
  transport::Time paused_until_ = 0;
};

template <typename Clock, typename Ready>
bool SpinBudget::spin(Clock&& clock, Ready&& ready) {
  count(spins_);
  const transport::Time began = clock();
  transport::Time last = began;
  transport::Duration away = 0;
  for (;;) {
    met_ = ready();
    const transport::Time now = clock();
    if (now - last > kAway) away += now - last;
    last = now;
    if (met_ || now - began >= kSpin) break;
  }
  if (!met_) {
    spend(last, std::max(away, last - began));
  } else if (away != 0) {
    spend(last, away);
  }
  return met_;
}

}  // namespace hawser::engine
