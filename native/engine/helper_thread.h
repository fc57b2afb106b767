// Stands in for an application's event loop that is busy. The loop itself receives, acknowledges
// and sends (that is what makes it quick); this thread looks every few milliseconds, and when the
// loop has not come round it does the same steps until the loop is back. So acknowledgements do not
// wait for a long computation. Once it had to, it looks every millisecond for a while; before, each
// look would only be in the way of a loop that is quick. Messages stay in native memory meanwhile.
// A loop that waits for events is left alone, unless it does not see what there is to see: then it
// is busy with another event.
//
// When nothing has come or gone for a second it stops looking and sleeps on the sockets.
// Needs a SocketSet with a descriptor.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/engine.h"
#include "engine/os_thread.h"
#include "engine/waker.h"
#include "net/poller.h"

namespace hawser::engine {

class HelperThread {
 public:
  HelperThread(Engine& engine, Waker& waker) : engine_(engine), waker_(waker) {}
  ~HelperThread() { stop(); }
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;

  // Returns 0 or an errno.
  int start();
  // Waits for the thread's end.
  void stop();

  // --- The loop's thread.
  // About to wait for events, and to be told of them: unless one of those it is told of takes long,
  // the loop will notice by itself whatever comes.
  void enter_poll() { in_poll_.store(true, std::memory_order_release); }
  void leave_poll() {
    in_poll_.store(false, std::memory_order_release);
    served();
  }
  // The loop has served the engine.
  void served() {
    rounds_.store(rounds_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  // Engine::next_timeout() as the loop leaves it.
  void note_deadline(transport::Time deadline) {
    deadline_.store(deadline, std::memory_order_relaxed);
    if (deadline < sleeping_until_.load(std::memory_order_relaxed)) wake_up();
  }

  // Times it stood in for the loop.
  uint64_t takeovers() const { return takeovers_.load(std::memory_order_relaxed); }

 private:
  // From a look to the next one, when the loop is known to be busy at times, and when it is not.
  static constexpr transport::Duration kTick = transport::kMillisecond;
  static constexpr transport::Duration kCalmTick = 4 * transport::kMillisecond;
  // For how long a loop that was away is known to be busy at times.
  static constexpr transport::Duration kWaryFor = transport::kSecond;
  static constexpr transport::Duration kRestAfter = transport::kSecond;
  static constexpr size_t kReceiveBytes = 128u << 10;
  // Not asleep: earlier than any deadline.
  static constexpr transport::Time kAwake = INT64_MIN;

  static void run(void* self) { static_cast<HelperThread*>(self)->loop(); }
  void loop();
  bool loop_is_away(uint64_t rounds, bool in_poll) const {
    return in_poll_.load(std::memory_order_acquire) == in_poll &&
           rounds_.load(std::memory_order_acquire) == rounds;
  }
  bool overlooks(transport::Time now);
  void take_over(uint64_t rounds, bool in_poll);
  void rest();
  void wake_up();

  Engine& engine_;
  Waker& waker_;
  Thread thread_;
  // Ticks sleep on `ticker_`, which knows no sockets; the rest on `poller_`, which does.
  net::Poller ticker_;
  net::Poller poller_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> in_poll_{false};
  std::atomic<uint64_t> rounds_{0};
  std::atomic<transport::Time> sleeping_until_{kAwake};
  // When the engine has to be served at the latest, as last known.
  std::atomic<transport::Time> deadline_{transport::kNever};
  std::atomic<uint64_t> takeovers_{0};
};

}  // namespace hawser::engine
