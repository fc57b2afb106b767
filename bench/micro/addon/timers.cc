// The timer wheel, with a thousand timers as of so many channels.

#include "loops.h"
#include "transport/timer_wheel.h"

namespace hawser::micro {
namespace {

using transport::Duration;
using transport::kMicrosecond;
using transport::kMillisecond;
using transport::Time;
using transport::TimerWheel;

constexpr uint32_t kTimers = 1'000;

struct Timers {
  TimerWheel::Entry entries[kTimers];
  Time now = transport::kSecond;
  TimerWheel wheel{now};
  uint64_t luck = 1;

  // 25 us to 200 ms, as acknowledgements and probes have.
  Duration delay() {
    luck = luck * 6364136223846793005u + 1442695040888963407u;
    return 25 * kMicrosecond + static_cast<Duration>((luck >> 33) % (200 * kMillisecond));
  }
};

// Each is armed once and expires. Timers that did.
double arm_and_expire(uint32_t count) {
  static Timers timers;
  uint64_t expired = 0;
  for (uint32_t done = 0; done < count;) {
    const uint32_t now = count - done < kTimers ? count - done : kTimers;
    for (uint32_t i = 0; i < now; i++) {
      timers.wheel.arm(timers.entries[i], timers.now + timers.delay());
    }
    for (Time next = 0; (next = timers.wheel.next_expiry()) != transport::kNever;) {
      timers.now = next > timers.now ? next : timers.now;
      while (timers.wheel.pop_expired(timers.now) != nullptr) expired++;
    }
    done += now;
  }
  return static_cast<double>(expired);
}

// What happens most: an armed timer gets another deadline. Timers that are armed in the end.
double arm_again(uint32_t count) {
  static Timers timers;
  for (uint32_t i = 0; i < count; i++) {
    timers.wheel.arm(timers.entries[i % kTimers], timers.now + timers.delay());
  }
  uint32_t armed = 0;
  for (const TimerWheel::Entry& entry : timers.entries) armed += entry.armed() ? 1 : 0;
  return armed;
}

}  // namespace

void export_timers(napi_env env, napi_value exports) {
  export_loop(env, exports, "armAndExpire", &arm_and_expire);
  export_loop(env, exports, "armAgain", &arm_again);
}

}  // namespace hawser::micro
