#pragma once

#include <node_api.h>

namespace hawser::binding {

class Driver;

// For a simulation: JS itself calls the rounds (Environment::begin_round), and is told by a call of
// `wake`, which must outlive the driver, that there is something to do. nullptr when that could not
// be set up.
Driver* create_virtual_driver(napi_env env, napi_ref wake);

}  // namespace hawser::binding
