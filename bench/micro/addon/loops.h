// How the loops are exported. A loop does `count` times what is measured and answers how much came
// of it (bytes, messages, timers), which the benchmark compares with what it must be.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

namespace hawser::micro {

using Loop = double (*)(uint32_t count);

void export_loop(napi_env env, napi_value exports, const char* name, Loop loop);
void export_call(napi_env env, napi_value exports, const char* name, napi_callback call);
// A Buffer with a copy.
napi_value to_buffer(napi_env env, const uint8_t* data, size_t length);

// One a file.
void export_codec(napi_env env, napi_value exports);
void export_rings(napi_env env, napi_value exports);
void export_boundary(napi_env env, napi_value exports);
void export_aead(napi_env env, napi_value exports);
void export_timers(napi_env env, napi_value exports);

}  // namespace hawser::micro
