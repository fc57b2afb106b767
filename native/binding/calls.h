// The functions that the addon exports (lib/native_types.ts), by what they are about. Each has the
// Environment as its data.
#pragma once

#include <napi.h>

#include "binding/environment.h"

namespace hawser::binding {

void export_function(Napi::Object exports, Environment& environment, const char* name,
                     napi_callback function);

void export_engine_calls(Napi::Object exports, Environment& environment);
void export_host_calls(Napi::Object exports, Environment& environment);
void export_session_calls(Napi::Object exports, Environment& environment);
void export_channel_calls(Napi::Object exports, Environment& environment);
void export_simulation_calls(Napi::Object exports, Environment& environment);

}  // namespace hawser::binding
