#include "transport/runtime.h"

#include "transport/endpoint.h"

namespace hawser::transport {

void Runtime::run_timers(Time now) {
  collect();
  while (TimerWheel::Entry* entry = wheel_.pop_expired(now)) {
    const auto* timer = static_cast<RuntimeTimer*>(entry);
    if (timer->channel != nullptr) {
      timer->channel->on_timer(now);
    } else {
      timer->session->on_timer(now);
    }
  }
}

bool Runtime::transmit(Time now, Train& train) {
  while (Session* session = ready_.front()) {
    if (session->transmit(now, train)) return true;
    ready_.remove(session);
  }
  return false;
}

void Runtime::bury(Session* session) {
  sessions_.remove(session);
  ready_.remove(session);
  dead_sessions_.push_back(session);
}

void Runtime::bury(Channel* channel) {
  channels_.remove(channel);
  dead_channels_.push_back(channel);
}

void Runtime::collect() {
  while (Channel* channel = dead_channels_.pop_front()) memory_.destroy(channel);
  while (Session* session = dead_sessions_.pop_front()) memory_.destroy(session);
}

}  // namespace hawser::transport
