#include "loops.h"

namespace hawser::micro {
namespace {

napi_value call_loop(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  void* loop = nullptr;
  uint32_t times = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, &loop);
  if (napi_get_value_uint32(env, argument, &times) != napi_ok) {
    napi_throw_type_error(env, nullptr, "a loop takes the number of rounds");
    return nullptr;
  }
  napi_value result = nullptr;
  napi_create_double(env, reinterpret_cast<Loop>(loop)(times), &result);
  return result;
}

void add(napi_env env, napi_value exports, const char* name, napi_callback call, void* data) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, call, data, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

void export_loop(napi_env env, napi_value exports, const char* name, Loop loop) {
  add(env, exports, name, &call_loop, reinterpret_cast<void*>(loop));
}

void export_call(napi_env env, napi_value exports, const char* name, napi_callback call) {
  add(env, exports, name, call, nullptr);
}

napi_value to_buffer(napi_env env, const uint8_t* data, size_t length) {
  napi_value buffer = nullptr;
  napi_create_buffer_copy(env, length, data, nullptr, &buffer);
  return buffer;
}

namespace {

napi_value init(napi_env env, napi_value exports) {
  export_codec(env, exports);
  export_rings(env, exports);
  export_boundary(env, exports);
  export_aead(env, exports);
  export_timers(env, exports);
  return exports;
}

}  // namespace
}  // namespace hawser::micro

NAPI_MODULE(hawser_micro, hawser::micro::init)
