// The driver that needs no event loop: a thread that waits for sockets and timers, and receives,
// acknowledges and sends. The application takes messages and events on its own thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/engine.h"
#include "engine/os_thread.h"
#include "engine/spin_budget.h"
#include "engine/waker.h"
#include "net/poller.h"

namespace hawser::engine {

class IoThread {
 public:
  IoThread(Engine& engine, Waker& waker) : engine_(engine), waker_(waker) {}
  ~IoThread() { stop(); }
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Returns 0 or an errno.
  int start();
  // Waits for the thread's end.
  void stop();

  // Engine::next_timeout() as another thread leaves it.
  void note_deadline(transport::Time deadline) {
    if (deadline < sleeping_until_.load(std::memory_order_relaxed)) wake_up();
  }
  // The sockets of the engine have changed.
  void note_sockets() { poller_.wake(); }

  // Off at first. To be switched and read by any thread.
  SpinBudget& spinning() { return spin_; }
  const SpinBudget& spinning() const { return spin_; }

 private:
  static constexpr size_t kReceiveBytes = 256u << 10;
  // With more than these, another look is worth more than waiting: it finds some most likely.
  static constexpr size_t kFewDatagrams = 4;
  // Not asleep: earlier than any deadline.
  static constexpr transport::Time kAwake = INT64_MIN;

  static void run(void* self) { static_cast<IoThread*>(self)->loop(); }
  void loop();
  void wait(transport::Time deadline);
  void wake_up();

  Engine& engine_;
  Waker& waker_;
  Thread thread_;
  net::Poller poller_;
  SpinBudget spin_;
  std::atomic<bool> stopping_{false};
  std::atomic<transport::Time> sleeping_until_{kAwake};
};

}  // namespace hawser::engine
