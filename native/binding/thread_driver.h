// The driver for runtimes whose event loop cannot be reached: a thread of the engine's own receives
// and sends (engine/io_thread.h), and calls over to JS when there is something to tell.
#pragma once

#include "binding/driver.h"

namespace hawser::binding {

class Environment;

// nullptr: no memory or no thread.
Driver* create_thread_driver(Environment& environment);

}  // namespace hawser::binding
