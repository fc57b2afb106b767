#pragma once

#include "transport/timer_wheel.h"

namespace hawser::transport {

class Channel;
class Session;

// A timer of a session, or of one of its channels.
struct RuntimeTimer : TimerWheel::Entry {
  explicit RuntimeTimer(Session* owner) : session(owner) {}
  explicit RuntimeTimer(Channel* owner) : channel(owner) {}
  Session* session = nullptr;
  Channel* channel = nullptr;
};

}  // namespace hawser::transport
