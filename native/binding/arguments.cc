#include "binding/arguments.h"

namespace hawser::binding {
namespace {

bool is_detached(napi_env env, napi_value buffer) {
  bool detached = true;
  return napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached;
}

// Bytes of an element, by napi_typedarray_type.
size_t element_size(napi_typedarray_type type) {
  switch (type) {
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 1;
  }
}

bool read_typed_array(napi_env env, napi_value value, Bytes* out) {
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) {
    return false;
  }
  if (length == 0) {
    napi_value buffer = nullptr;
    napi_get_typedarray_info(env, value, nullptr, nullptr, nullptr, &buffer, nullptr);
    if (is_detached(env, buffer)) return false;
  }
  *out = {static_cast<const uint8_t*>(data), length * element_size(type)};
  return true;
}

bool read_data_view(napi_env env, napi_value value, Bytes* out) {
  size_t length = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (napi_get_dataview_info(env, value, &length, &data, &buffer, nullptr) != napi_ok ||
      is_detached(env, buffer)) {
    return false;
  }
  *out = {static_cast<const uint8_t*>(data), length};
  return true;
}

bool read_array_buffer(napi_env env, napi_value value, Bytes* out) {
  size_t length = 0;
  void* data = nullptr;
  if (is_detached(env, value) || napi_get_arraybuffer_info(env, value, &data, &length) != napi_ok) {
    return false;
  }
  *out = {static_cast<const uint8_t*>(data), length};
  return true;
}

}  // namespace

bool read_bytes(napi_env env, napi_value value, Bytes* out) {
  bool is_it = false;
  // In Node every view counts as a buffer, also one of a type that Node-API does not know yet. One
  // without bytes may be detached.
  if (napi_is_buffer(env, value, &is_it) == napi_ok && is_it) {
    void* data = nullptr;
    if (napi_get_buffer_info(env, value, &data, &out->length) == napi_ok && out->length != 0) {
      out->data = static_cast<const uint8_t*>(data);
      return true;
    }
  }
  if (napi_is_typedarray(env, value, &is_it) == napi_ok && is_it) {
    return read_typed_array(env, value, out);
  }
  if (napi_is_arraybuffer(env, value, &is_it) == napi_ok && is_it) {
    return read_array_buffer(env, value, out);
  }
  if (napi_is_dataview(env, value, &is_it) == napi_ok && is_it) {
    return read_data_view(env, value, out);
  }
  return false;
}

size_t read_text(napi_env env, napi_value value, char* out, size_t capacity) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, out, capacity + 1, &length) != napi_ok) return 0;
  return length;
}

uint64_t to_integer(double value, uint64_t most) {
  if (!(value > 0)) return 0;
  return value >= static_cast<double>(most) ? most : static_cast<uint64_t>(value);
}

napi_value to_js(napi_env env, int32_t value) {
  napi_value out = nullptr;
  napi_create_int32(env, value, &out);
  return out;
}

}  // namespace hawser::binding
