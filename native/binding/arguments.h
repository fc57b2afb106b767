// What a call from JS brought along, read so that no value can do harm: what is not a number is
// no handle, what is not bytes has none.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "binding/environment.h"

namespace hawser::binding {

struct Bytes {
  const uint8_t* data = nullptr;
  size_t length = 0;
};

// The bytes of an ArrayBuffer or of any view. False: neither, or its memory was transferred away.
bool read_bytes(napi_env env, napi_value value, Bytes* out);

// Up to `capacity` bytes of UTF-8, cut between characters; 0 for what is not a string.
size_t read_text(napi_env env, napi_value value, char* out, size_t capacity);

// The integer part, from 0 to `most`; 0 for NaN.
uint64_t to_integer(double value, uint64_t most);

template <size_t kCount>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    napi_get_cb_info(env, info, &count_, values_, nullptr, &data_);
  }

  Environment& environment() const { return *static_cast<Environment*>(data_); }
  napi_env env() const { return env_; }
  napi_value operator[](size_t index) const { return values_[index]; }
  // As many as the caller gave, which may be more than are kept.
  size_t count() const { return count_; }

  // kNoHandle for what is not a number.
  int32_t handle(size_t index) const {
    int32_t number = kNoHandle;
    if (napi_get_value_int32(env_, values_[index], &number) != napi_ok) return kNoHandle;
    return number;
  }
  double number(size_t index, double other = 0) const {
    double number = other;
    napi_get_value_double(env_, values_[index], &number);
    return number;
  }
  bool flag(size_t index) const {
    bool flag = false;
    napi_get_value_bool(env_, values_[index], &flag);
    return flag;
  }

 private:
  napi_env env_;
  size_t count_ = kCount;
  napi_value values_[kCount] = {};
  void* data_ = nullptr;
};

// Text of a code that goes to the other side: at most what fits a frame.
struct Reason {
  static constexpr size_t kCapacity = 255;
  char text[kCapacity + 1];
  size_t length = 0;

  Reason(napi_env env, napi_value value) : length(read_text(env, value, text, kCapacity)) {}
};

napi_value to_js(napi_env env, int32_t value);

}  // namespace hawser::binding
