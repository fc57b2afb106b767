// When a session has something to do, and what it does then.

#include <algorithm>
#include <cstdio>

#include "transport/endpoint.h"
#include "transport/runtime.h"
#include "transport/session.h"

namespace hawser::transport {

namespace {
// A timer never asks to be called again at once.
constexpr Duration kParkAfter = 2 * kSecond;
constexpr Duration kShortestTimer = 10 * kMicrosecond;
}  // namespace

Duration Session::peer_max_ack_delay() const {
  return Duration{remote_parameters_.max_ack_delay_us} * kMicrosecond;
}

Time Session::ack_deadline() const {
  Time deadline = acks_.deadline();
  if (!counts_.empty()) deadline = std::min(deadline, count_deadline_);
  return deadline;
}

Duration Session::idle_timeout() const {
  const uint32_t ours = endpoint_.config().idle_timeout_ms;
  const uint32_t theirs = remote_parameters_.idle_timeout_ms;
  const uint32_t shorter = ours == 0 || (theirs != 0 && theirs < ours) ? theirs : ours;
  return shorter == 0 ? kNever : Duration{shorter} * kMillisecond;
}

Time Session::idle_deadline() const {
  const Duration timeout = idle_timeout();
  if (timeout == kNever) return kNever;
  // A path may carry only small packets: then the peer is heard, and what it is sent never arrives.
  const bool waits = unanswered_.since != kNever && loss_.probe_pending();
  if (!waits) return last_received_ + timeout;
  // However often the peer is heard in between: at three times that nothing is to be expected.
  return std::min(std::min(last_received_, unanswered_.since) + timeout,
                  unanswered_.first + 3 * timeout);
}

Time Session::keep_alive_deadline() const {
  const Duration idle = idle_timeout();
  // A probe timeout keeps the path alive by itself, and every PING would put it off.
  if (channels_.size() == 0 || idle == kNever || loss_.probe_pending()) return kNever;
  return std::max(last_received_, last_ping_) + idle / 3;
}

// The initiator's task. A session in which nothing happens needs no fresh keys.
Time Session::renewal_deadline() const {
  return channels_.size() != 0 && may_renew() ? keys_.renew_at : kNever;
}

Time Session::park_deadline() const {
  const bool quiet =
      !parked_ && active_.empty() && !has_control() && loss_.bytes_in_flight() == 0 &&
      loss_.deadline(path_.rtt, peer_max_ack_delay()) == kNever && trial_deadline() == kNever &&
      !acks_.pending() && keys_.renewal == Renewal::kNone && !keys_.updating &&
      keys_.forget_at == kNever;
  return quiet ? last_activity_ + kParkAfter : kNever;
}

// Keys are derived again from their secrets, rings grow again. Of the packets that came before,
// only the largest number is remembered: what has been on its way for so long is lost.
void Session::park() {
  parked_ = true;
  keys_.protection->park();
  refund_keys();
  received_.release();
  loss_.release();
  refs_.release();
  path_.mtu.forget_probe();
  // Whoever was busy has become quiet.
  endpoint_.pool().settle();
}

// For whatever comes: if it is nothing, the session is parked again a while later.
bool Session::unpark(Time now) {
  const bool slept = keys_.charged == 0;
  if (!charge_keys()) return false;
  const bool awake = received_.bits() != 0;
  if (!ensure_least()) {
    // It sleeps on: no timer would give back what was charged just now.
    if (slept) {
      refund_keys();
      parked_ = true;
    }
    return false;
  }
  if (awake) return true;
  parked_ = false;
  last_activity_ = now;
  if (state_ == State::kOpen) rearm(now);
  return true;
}

bool Session::ensure_least() {
  return received_.ensure(PacketWindow::kMinimumBits) && loss_.reserve_any();
}

void Session::rearm(Time now) {
  Time deadline = kNever;
  switch (state_) {
    case State::kConnecting:
      deadline = std::min(opening_->deadline, opening_->next_init);
      break;
    case State::kHalfOpen:
      deadline = opening_->deadline;
      break;
    case State::kOpen:
      deadline = std::min({loss_.deadline(path_.rtt, peer_max_ack_delay()), idle_deadline(),
                           keep_alive_deadline(), idle_check_, retry_at_, keys_.forget_at,
                           renewal_deadline(), trial_deadline(), park_deadline()});
      // Without memory for a packet nothing can be sent before retry_at_.
      if (retry_at_ == kNever) deadline = std::min(deadline, ack_deadline());
      // What the pacer holds back; the congestion window waits for an ACK instead.
      if (retry_at_ == kNever && (!active_.empty() || has_control()) &&
          congestion_allows(path_.datagram())) {
        deadline = std::min(deadline, path_.pacer.next_release(now));
      }
      break;
    case State::kClosing:
      deadline = std::min(closing_.until, closing_.next);
      break;
    case State::kDraining:
      deadline = closing_.until;
      break;
    case State::kGone:
      break;
  }
  // What is due already waits in the ready queue, and transmit() arms anew.
  if (ready_hook.linked && deadline <= now) {
    deadline = state_ == State::kOpen ? idle_deadline()
               : opening_ != nullptr  ? opening_->deadline
                                      : closing_.until;
  }
  if (deadline == kNever) {
    runtime_.wheel().cancel(timer_);
    return;
  }
  deadline = std::max(deadline, now + kShortestTimer);
  if (!timer_.armed() || timer_.deadline != deadline) {
    runtime_.wheel().arm(timer_, deadline);
  }
}

void Session::on_timer(Time now) {
  switch (state_) {
    case State::kConnecting:
      if (now >= opening_->deadline) {
        static constexpr char kText[] = "no answer";
        CloseReason reason =
            CloseReason::make(ClosedBy::kFailure, wire::Code::kNoError, kText, sizeof kText - 1);
        reason.timed_out = true;
        become_gone(now, reason);
        return;
      }
      if (now >= opening_->next_init) runtime_.make_ready(this);
      break;
    case State::kHalfOpen:
      if (now >= opening_->deadline) {
        become_gone(now, CloseReason{});
        return;
      }
      break;
    case State::kOpen:
      if (!on_open_timer(now)) return;
      break;
    case State::kClosing:
    case State::kDraining:
      if (now >= closing_.until) {
        become_gone(now, CloseReason{});  // the reason is known
        return;
      }
      if (state_ == State::kClosing && now >= closing_.next) {
        closing_.next = kNever;
        closing_.wanted = true;
        runtime_.make_ready(this);
      }
      break;
    case State::kGone:
      return;
  }
  if (ready_hook.linked) {
    // transmit() comes next and arms it again: what is due until then stays due.
    runtime_.wheel().cancel(timer_);
  } else {
    rearm(now);
  }
}

void Session::time_out_session(Time now) {
  // The text is how long nothing came, or nothing was acknowledged, in milliseconds: the owner
  // only knows its own timeout.
  char text[32];
  const auto silence = static_cast<long long>(idle_timeout() / kMillisecond);
  const bool heard = now < last_received_ + idle_timeout();
  const int length = std::snprintf(text, sizeof text, heard ? "%lld unanswered" : "%lld", silence);
  CloseReason reason = CloseReason::make(ClosedBy::kFailure, wire::Code::kNoError, text,
                                         static_cast<size_t>(length));
  reason.timed_out = true;
  become_gone(now, reason);
}

void Session::on_stateless_reset(Time now) {
  if (state_ == State::kGone) return;
  static constexpr char kText[] = "the peer does not know this session any more";
  become_gone(now,
              CloseReason::make(ClosedBy::kFailure, wire::Code::kNoError, kText, sizeof kText - 1));
}

bool Session::may_be_stalled(Time now, Time since, Duration least) {
  const Duration timeout = idle_timeout();
  if (timeout == kNever || now - last_received_ > timeout / 2) return false;
  if (now - since >= std::max(timeout, least)) time_out_session(now);
  return true;
}

bool Session::on_open_timer(Time now) {
  if (now >= idle_deadline()) {
    time_out_session(now);
    return false;
  }
  if (now >= loss_.deadline(path_.rtt, peer_max_ack_delay()) && !on_loss_timer(now)) return true;
  if (now >= keep_alive_deadline()) {
    last_ping_ = now;
    ping_wanted_ = true;
    runtime_.make_ready(this);
  }
  if (now >= keys_.forget_at) {
    keys_.forget_at = kNever;
    keys_.protection->forget_previous();
  }
  if (now >= renewal_deadline()) begin_renewal(now);
  if (now >= park_deadline()) park();
  if (now >= trial_deadline()) challenge_again(now);
  if (now >= idle_check_) check_idle_channels(now);
  if (now >= retry_at_) {
    retry_at_ = kNever;
    runtime_.make_ready(this);
  }
  if (now >= ack_deadline() || !active_.empty() || has_control()) runtime_.make_ready(this);
  return true;
}

}  // namespace hawser::transport
