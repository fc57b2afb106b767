// The default driver: the engine's sockets and timers are polled by Node's own loop, and a helper
// thread stands in while the loop is busy (engine/helper_thread.h).
#pragma once

#include "binding/driver.h"

namespace hawser::binding {

class Environment;

// nullptr where Node's loop, or what the driver needs of it, cannot be found: not Node, or a system
// without epoll and timerfd.
Driver* create_hybrid_driver(Environment& environment);

}  // namespace hawser::binding
