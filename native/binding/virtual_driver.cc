#include "binding/virtual_driver.h"

#include <new>

#include "binding/driver.h"

namespace hawser::binding {
namespace {

class VirtualDriver final : public Driver {
 public:
  VirtualDriver(napi_env env, napi_ref wake) : env_(env), wake_(wake) {}
  VirtualDriver(const VirtualDriver&) = delete;
  VirtualDriver& operator=(const VirtualDriver&) = delete;

  void on_deadline(transport::Time) override { tell(); }
  void schedule() override { tell(); }
  void yield() override { tell(); }
  void on_sockets_changed() override {}
  void keep_alive(bool) override {}
  void set_spin(bool) override {}
  const engine::SpinBudget* spinning() const override { return nullptr; }
  engine::Waker* waker() override { return nullptr; }
  bool needs_scope() const override { return false; }
  bool receives() const override { return false; }
  void stop() override { delete this; }

 private:
  ~VirtualDriver() = default;

  void tell() {
    napi_value wake = nullptr;
    napi_value receiver = nullptr;
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
    if (napi_get_reference_value(env_, wake_, &wake) == napi_ok && wake != nullptr &&
        napi_get_undefined(env_, &receiver) == napi_ok) {
      // Only asks for a later turn: it does not throw.
      napi_call_function(env_, receiver, wake, 0, nullptr, nullptr);
    }
    napi_close_handle_scope(env_, scope);
  }

  napi_env env_;
  napi_ref wake_;
};

}  // namespace

Driver* create_virtual_driver(napi_env env, napi_ref wake) {
  return new (std::nothrow) VirtualDriver(env, wake);
}

}  // namespace hawser::binding
