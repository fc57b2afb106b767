#include "binding/hybrid_driver.h"

#include <dlfcn.h>
#include <node_api.h>

#include <cstdlib>
#include <new>

#include "binding/environment.h"
#include "engine/handshake_worker.h"
#include "engine/helper_thread.h"
#include "engine/spin_budget.h"
#include "engine/waker.h"
#include "net/clock.h"
#include "net/descriptor.h"
#include "net/timer_fd.h"
#include "net/wake_handle.h"

// libuv's types, as much as is needed of them. Its functions are looked up at run time: other
// runtimes than Node load the same addon and have none of them.
struct uv_loop_s;

namespace hawser::binding {
namespace {

using Loop = uv_loop_s;
// The first word of every handle is its owner's; what follows is libuv's.
struct Handle {
  void* data;
};
using PollCallback = void (*)(Handle*, int status, int events);
using PhaseCallback = void (*)(Handle*);

// From libuv's uv.h; part of its ABI since 1.0.
constexpr int kUvCheck = 2;
constexpr int kUvPoll = 8;
constexpr int kUvPrepare = 9;
constexpr int kUvReadable = 1;

struct Uv {
  size_t (*handle_size)(int type);
  void (*ref)(Handle*);
  void (*unref)(Handle*);
  void (*close)(Handle*, PhaseCallback);
  int (*poll_init)(Loop*, Handle*, int fd);
  int (*poll_start)(Handle*, int events, PollCallback);
  int (*prepare_init)(Loop*, Handle*);
  int (*prepare_start)(Handle*, PhaseCallback);
  int (*check_init)(Loop*, Handle*);
  int (*check_start)(Handle*, PhaseCallback);
  // For spinning; it goes without.
  int (*backend_fd)(const Loop*);
  int (*backend_timeout)(const Loop*);

  bool load() {
    if (!find("uv_backend_fd", backend_fd) || !find("uv_backend_timeout", backend_timeout)) {
      backend_fd = nullptr;
    }
    return find("uv_handle_size", handle_size) && find("uv_ref", ref) && find("uv_unref", unref) &&
           find("uv_close", close) && find("uv_poll_init", poll_init) &&
           find("uv_poll_start", poll_start) && find("uv_prepare_init", prepare_init) &&
           find("uv_prepare_start", prepare_start) && find("uv_check_init", check_init) &&
           find("uv_check_start", check_start);
  }

 private:
  template <typename Function>
  static bool find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
    return function != nullptr;
  }
};

// Bun defines the symbols of libuv too, only to say on the first call that it has none.
bool is_bun(napi_env env) {
  napi_value global = nullptr;
  bool has = false;
  return napi_get_global(env, &global) == napi_ok &&
         napi_has_named_property(env, global, "Bun", &has) == napi_ok && has;
}

class HybridDriver final : public Driver, public engine::Waker {
 public:
  HybridDriver(Environment& environment, const Uv& uv)
      : environment_(&environment),
        uv_(uv),
        helper_(*environment.engine(), *this),
        worker_(*environment.engine(), *this) {}
  HybridDriver(const HybridDriver&) = delete;
  HybridDriver& operator=(const HybridDriver&) = delete;

  // False: something is missing; stop() is all that may follow.
  bool start(Loop* loop);

  void on_deadline(transport::Time next) override;
  void schedule() override { round_wanted_ = true; }
  void yield() override { wake_.wake(); }
  void on_sockets_changed() override {}
  void keep_alive(bool keep) override;
  void set_spin(bool on) override { spin_.set_enabled(on && uv_.backend_fd != nullptr); }
  const engine::SpinBudget* spinning() const override { return &spin_; }
  engine::Waker* waker() override { return this; }
  bool needs_scope() const override { return true; }
  bool receives() const override { return true; }
  void stop() override;

  // Any thread.
  void wake() override { wake_.wake(); }

 private:
  enum Kind : uint8_t { kSockets, kTimer, kWake, kPrepare, kCheck, kKinds };

  ~HybridDriver() = default;
  bool make_handle(Kind kind, int type);
  bool start_poll(Kind kind, Loop* loop, int fd, PollCallback callback);
  bool start_phases(Loop* loop);
  void serve();
  void spin();
  void free_if_closed();

  static HybridDriver* of(Handle* handle) { return static_cast<HybridDriver*>(handle->data); }
  static void on_sockets(Handle* handle, int, int) { of(handle)->serve(); }
  static void on_timer(Handle* handle, int, int);
  static void on_wake(Handle* handle, int, int);
  static void on_prepare(Handle* handle);
  static void on_check(Handle* handle);
  static void on_closed(Handle* handle);
  static void on_cleanup(napi_async_cleanup_hook_handle hook, void* self);

  Environment* environment_;
  const Uv uv_;
  engine::HelperThread helper_;
  engine::HandshakeWorker worker_;
  engine::SpinBudget spin_;
  net::TimerFd timer_;
  net::WakeHandle wake_;
  Loop* loop_ = nullptr;
  Handle* handles_[kKinds] = {};
  int open_handles_ = 0;
  transport::Time armed_ = transport::kNever;
  bool round_wanted_ = false;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

bool HybridDriver::start(Loop* loop) {
  loop_ = loop;
  const int sockets = environment_->engine()->sockets().fd();
  if (sockets < 0 || timer_.open() != 0 || wake_.open() != 0) return false;
  if (!start_poll(kSockets, loop, sockets, &on_sockets) ||
      !start_poll(kTimer, loop, timer_.fd(), &on_timer) ||
      !start_poll(kWake, loop, wake_.fd(), &on_wake) || !start_phases(loop)) {
    return false;
  }
  for (Handle* handle : handles_) uv_.unref(handle);
  if (helper_.start() != 0 || worker_.start() != 0) return false;
  // The last that can fail: once it is registered, only the hook ends this driver. Asynchronous,
  // because the handles' memory is libuv's until the loop has called on_closed.
  return napi_add_async_cleanup_hook(environment_->env(), &on_cleanup, this, &hook_) == napi_ok;
}

bool HybridDriver::make_handle(Kind kind, int type) {
  handles_[kind] = static_cast<Handle*>(std::calloc(1, uv_.handle_size(type)));
  return handles_[kind] != nullptr;
}

// A handle that was not initialised is not to be closed: it counts once its init has succeeded.
bool HybridDriver::start_poll(Kind kind, Loop* loop, int fd, PollCallback callback) {
  if (!make_handle(kind, kUvPoll)) return false;
  if (uv_.poll_init(loop, handles_[kind], fd) != 0) {
    std::free(handles_[kind]);
    handles_[kind] = nullptr;
    return false;
  }
  handles_[kind]->data = this;
  open_handles_++;
  return uv_.poll_start(handles_[kind], kUvReadable, callback) == 0;
}

bool HybridDriver::start_phases(Loop* loop) {
  if (!make_handle(kPrepare, kUvPrepare)) return false;
  uv_.prepare_init(loop, handles_[kPrepare]);  // cannot fail, like the three below
  handles_[kPrepare]->data = this;
  open_handles_++;
  if (!make_handle(kCheck, kUvCheck)) return false;
  uv_.check_init(loop, handles_[kCheck]);
  handles_[kCheck]->data = this;
  open_handles_++;
  uv_.prepare_start(handles_[kPrepare], &on_prepare);
  uv_.check_start(handles_[kCheck], &on_check);
  return true;
}

void HybridDriver::serve() {
  round_wanted_ = false;
  spin_.note_received(environment_->serve());
  helper_.served();
}

void HybridDriver::on_timer(Handle* handle, int, int) {
  HybridDriver* self = of(handle);
  self->timer_.clear();
  self->armed_ = transport::kNever;
  self->serve();
}

void HybridDriver::on_wake(Handle* handle, int, int) {
  HybridDriver* self = of(handle);
  self->wake_.clear();
  self->serve();
}

// The last moment before the loop sleeps: what was asked for since it last did is done now.
void HybridDriver::on_prepare(Handle* handle) {
  HybridDriver* self = of(handle);
  self->environment_->flush();
  if (self->round_wanted_) self->serve();
  self->helper_.enter_poll();
  self->spin();
}

void HybridDriver::on_check(Handle* handle) {
  of(handle)->helper_.leave_poll();
  of(handle)->spin_.note_served();
}

// Looks at everything that the loop waits for, so that whatever comes first ends it, and the loop
// goes on as if it had slept until then. With something to do already, or a timer due, it does not
// begin; and a timer's millisecond is longer than a spin.
void HybridDriver::spin() {
  if (!spin_.enabled() || uv_.backend_timeout(loop_) == 0) return;
  if (!spin_.wants(net::monotonic_now_ns())) return;
  const int fd = uv_.backend_fd(loop_);
  spin_.spin(&net::monotonic_now_ns, [fd] { return net::is_readable(fd); });
}

// Timers move later all the time (each acknowledgement moves the next probe); only one that moves
// earlier is worth a system call. The timer may fire for nothing then, and is armed anew.
void HybridDriver::on_deadline(transport::Time next) {
  if (next < armed_ && timer_.arm(next) == 0) armed_ = next;
  helper_.note_deadline(next);
}

void HybridDriver::keep_alive(bool keep) {
  if (keep) {
    uv_.ref(handles_[kSockets]);
  } else {
    uv_.unref(handles_[kSockets]);
  }
}

void HybridDriver::stop() {
  worker_.stop();
  helper_.stop();
  environment_ = nullptr;
  open_handles_++;  // as long as this loop runs
  for (Handle* handle : handles_) {
    if (handle == nullptr) continue;
    if (handle->data == nullptr) {
      std::free(handle);
    } else {
      uv_.close(handle, &on_closed);
    }
  }
  open_handles_--;
  free_if_closed();
}

void HybridDriver::on_closed(Handle* handle) {
  HybridDriver* self = of(handle);
  std::free(handle);
  self->open_handles_--;
  self->free_if_closed();
}

void HybridDriver::free_if_closed() {
  if (open_handles_ > 0) return;
  const napi_async_cleanup_hook_handle hook = hook_;
  delete this;
  if (hook != nullptr) napi_remove_async_cleanup_hook(hook);
}

void HybridDriver::on_cleanup(napi_async_cleanup_hook_handle, void* self) {
  Environment* environment = static_cast<HybridDriver*>(self)->environment_;
  if (environment != nullptr) environment->shutdown();
}

}  // namespace

Driver* create_hybrid_driver(Environment& environment) {
  Uv uv;
  Loop* loop = nullptr;
  if (is_bun(environment.env()) || !uv.load()) return nullptr;
  if (napi_get_uv_event_loop(environment.env(), &loop) != napi_ok || loop == nullptr) {
    return nullptr;
  }
  auto* driver = new (std::nothrow) HybridDriver(environment, uv);
  if (driver == nullptr) return nullptr;
  if (driver->start(loop)) return driver;
  driver->stop();
  return nullptr;
}

}  // namespace hawser::binding
