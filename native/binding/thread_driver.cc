#include "binding/thread_driver.h"

#include <node_api.h>

#include <atomic>
#include <new>

#include "binding/environment.h"
#include "engine/handshake_worker.h"
#include "engine/io_thread.h"
#include "engine/waker.h"

namespace hawser::binding {
namespace {

class ThreadDriver final : public Driver, public engine::Waker {
 public:
  explicit ThreadDriver(Environment& environment)
      : environment_(&environment),
        io_(*environment.engine(), *this),
        worker_waker_(*this),
        worker_(*environment.engine(), worker_waker_) {}
  ThreadDriver(const ThreadDriver&) = delete;
  ThreadDriver& operator=(const ThreadDriver&) = delete;

  // False: something is missing; stop() is all that may follow.
  bool start();

  void on_deadline(transport::Time next) override { io_.note_deadline(next); }
  void schedule() override {
    io_.note_deadline(0);  // packets
    wake();                // events
  }
  void yield() override { wake(); }
  void on_sockets_changed() override { io_.note_sockets(); }
  void keep_alive(bool keep) override;
  void set_spin(bool on) override { io_.spinning().set_enabled(on); }
  const engine::SpinBudget* spinning() const override { return &io_.spinning(); }
  engine::Waker* waker() override { return this; }
  bool needs_scope() const override { return false; }
  bool receives() const override { return false; }
  void stop() override;

  // Any thread. One call over is on its way at most.
  void wake() override {
    if (!pending_.exchange(true)) {
      napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
    }
  }

 private:
  // The I/O thread has to look at its timers as well.
  class WorkerWaker final : public engine::Waker {
   public:
    explicit WorkerWaker(ThreadDriver& driver) : driver_(driver) {}
    void wake() override { driver_.schedule(); }

   private:
    ThreadDriver& driver_;
  };

  ~ThreadDriver() = default;
  static void on_call(napi_env env, napi_value, void* self, void*);
  static void on_cleanup(void* self);

  Environment* environment_;
  engine::IoThread io_;
  WorkerWaker worker_waker_;
  engine::HandshakeWorker worker_;
  napi_threadsafe_function function_ = nullptr;
  std::atomic<bool> pending_{false};
  bool hooked_ = false;
};

bool ThreadDriver::start() {
  const napi_env env = environment_->env();
  napi_value name = nullptr;
  if (napi_create_string_utf8(env, "hawser", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                      &on_call, &function_) != napi_ok) {
    return false;
  }
  napi_unref_threadsafe_function(env, function_);
  // After the threadsafe function, which has a hook of its own: hooks run last one first, and the
  // thread must be gone before what it calls.
  if (napi_add_env_cleanup_hook(env, &on_cleanup, this) != napi_ok) return false;
  hooked_ = true;
  return io_.start() == 0 && worker_.start() == 0;
}

void ThreadDriver::on_call(napi_env env, napi_value, void* self, void*) {
  if (env == nullptr) return;  // the environment ends; `self` may be gone
  auto* driver = static_cast<ThreadDriver*>(self);
  driver->pending_.store(false);
  driver->environment_->serve();
}

void ThreadDriver::keep_alive(bool keep) {
  if (keep) {
    napi_ref_threadsafe_function(environment_->env(), function_);
  } else {
    napi_unref_threadsafe_function(environment_->env(), function_);
  }
}

void ThreadDriver::stop() {
  worker_.stop();
  io_.stop();
  if (hooked_) napi_remove_env_cleanup_hook(environment_->env(), &on_cleanup, this);
  if (function_ != nullptr) napi_release_threadsafe_function(function_, napi_tsfn_abort);
  delete this;
}

void ThreadDriver::on_cleanup(void* self) {
  auto* driver = static_cast<ThreadDriver*>(self);
  driver->hooked_ = false;  // being run, it is not there any more
  driver->environment_->shutdown();
}

}  // namespace

Driver* create_thread_driver(Environment& environment) {
  auto* driver = new (std::nothrow) ThreadDriver(environment);
  if (driver == nullptr) return nullptr;
  if (driver->start()) return driver;
  driver->stop();
  return nullptr;
}

}  // namespace hawser::binding
