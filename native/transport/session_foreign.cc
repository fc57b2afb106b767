// Packets whose content somebody else made: for tests that send what a session would not.

#include <algorithm>
#include <cstring>

#include "transport/endpoint.h"
#include "transport/packet_tap.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

bool Session::build_foreign(Time now, const uint8_t* frames, size_t length, Train& train) {
  if (state_ != State::kOpen || length == 0) return false;
  return build_alone(now, path_.address, frames, length, train);
}

bool Session::resting() const {
  switch (state_) {
    case State::kOpen:
      for (const Channel* c = all_channels_.front(); c != nullptr; c = all_channels_.next(c)) {
        if (c->counters().in_flight != 0) return false;
      }
      return !ready_hook.linked && active_.empty() && !has_control() && !ping_wanted_ &&
             probes_ == 0 && ack_deadline() == kNever && retry_at_ == kNever &&
             idle_check_ == kNever && paths_.trial == nullptr && paths_.answers == nullptr &&
             loss_.deadline(path_.rtt, peer_max_ack_delay()) == kNever;
    case State::kGone:
      return true;
    case State::kConnecting:
    case State::kHalfOpen:
    case State::kClosing:
    case State::kDraining:
      break;
  }
  return false;
}

}  // namespace hawser::transport
