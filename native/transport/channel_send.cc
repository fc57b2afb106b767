// The sending side of a channel: what the application pushed, its window, and the timeouts of what
// was sent.

#include <algorithm>

#include "transport/channel.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {
// The delay that is assumed where the ACK policy decides about T.
constexpr Duration kPolicyDelay = 25 * kMillisecond;
constexpr Duration kSlack = 10 * kMillisecond;
// The back-off of a resend timeout ends here, or at the timeout where that is longer.
constexpr Duration kLongestResendPause = 10 * kSecond;
constexpr unsigned kMostBackoff = 20;
}  // namespace

Channel::Push Channel::push(const uint8_t* data, size_t length) {
  if (!writable_.load(std::memory_order_acquire)) return Push::kClosed;
  if (length > max_send_.load(std::memory_order_relaxed)) return Push::kTooLarge;
  SendRing& ring = out_.ring();
  if (buffered() >= max_buffered_) return Push::kRefused;
  if (!ring.push(data, length)) return Push::kNoRoom;
  if (ring.unsent() <= high_water_mark_) return Push::kTaken;
  drain_wanted_.store(true, std::memory_order_relaxed);
  return Push::kFull;
}

Channel::Push Channel::push_locked(const uint8_t* data, size_t length) {
  const Push first = push(data, length);
  if (first != Push::kNoRoom) return first;
  if (!out_.ring().grow(length)) return Push::kRefused;
  return push(data, length);
}

void Channel::flush(Time now) {
  if (gone_) return;
  out_.ring().publish();
  out_.on_published();
  // Who heeds "full" will not push what the window still lacks.
  if (out_.policy().fill && drain_wanted_.load(std::memory_order_relaxed)) out_.release();
  last_activity_ = now;
  if (expires_after_ != 0 || flush_after_ != 0) watch_published(now);
  activate();
  // What the peer's window or the network held back may have gone since push() saw it.
  update_writable();
}

// Starts the clocks of what was published just now.
void Channel::watch_published(Time now) {
  const uint64_t published = out_.ring().published_sequence();
  if (expires_after_ != 0 && published > out_.base()) {
    expiry_.note(now, published, expires_after_);
  }
  if (flush_after_ != 0) {
    if (!out_.holds_back()) {
      release_at_ = kNever;
    } else if (release_at_ == kNever) {
      release_at_ = now + flush_after_;
    }
  }
  rearm(now);
}

// Everything pushed so far leaves as soon as it may, and a counted receiver says what it has.
void Channel::request_flush(Time now) {
  flush(now);
  if (gone_) return;
  out_.release();
  release_at_ = kNever;
  if (counted()) count_now_below_ = out_.ring().published_sequence();
  activate();
}

void Channel::trim() { out_.ring().trim(); }

void Channel::activate() {
  if (gone_ || !accepted_) return;
  if (out_.blocked_by_window()) window_limited_ = true;
  if (out_.has_work()) {
    session_->activate(this);
    return;
  }
  if (count_now_below_ != 0 && out_.fully_sent() >= count_now_below_) {
    if (out_.base() < count_now_below_) {
      count_now_again_ = false;
      want(FrameRef::kCountNow);
    }
    count_now_below_ = 0;
  }
  uint64_t wanted_cost = 0;
  if (out_.blocked_by_credit(wanted_cost) && wanted_cost != blocked_at_) {
    blocked_at_ = wanted_cost;
    want(FrameRef::kBlocked);
  }
  if (end_wanted_ && !end_acknowledged_ && !end_sent_ && out_.all_sent()) {
    end_sent_ = true;
    want(FrameRef::kEnd);
  }
}

// Tells the producer once that it may go on.
void Channel::update_writable() {
  if (!drain_wanted_.load(std::memory_order_relaxed)) return;
  const SendRing& ring = out_.ring();
  if (ring.published_position() - out_.next_position() > high_water_mark_ / 2) return;
  drain_wanted_.store(false, std::memory_order_relaxed);
  notify(kChannelWritable);
}

uint8_t* Channel::write_data(Time now, uint8_t* out, uint8_t* end, FrameRef& ref) {
  uint8_t* after = out_.write(id_, out, end, ref);
  if (after != out) {
    update_writable();
    if (ref.again) out_.note_resent(now, ref.begin, ref.end, now - session_->round_trip());
    if (resend_at_ == kNever && (counted() || resend_timeout_ != 0)) start_resend_timer(now);
    if (!out_.has_work()) activate();  // END, BLOCKED or COUNT_NOW may be due now
  }
  return after;
}

// Something was acknowledged; `moved`: the base has moved.
void Channel::after_progress(Time now, bool moved) {
  if (moved && (counted() || resend_timeout_ != 0)) {
    // RFC 6298, section 5.3.
    resend_backoff_ = 0;
    stalled_since_ = kNever;
    resend_at_ = kNever;
    if (out_.in_flight() != 0) start_resend_timer(now);
    rearm(now);
  }
  if (expires_after_ != 0) expiry_.forget_below(out_.base());
  if (watched_ != 0 && out_.base() >= watched_) {
    watched_ = 0;
    notify(kChannelAcknowledged);
  }
  if (out_.policy().delivery != wire::Delivery::kOrdered || expires_after_ != 0) want_skip();
  activate();
  check_done();
}

void Channel::watch_acknowledged(Time now, uint64_t sequence) {
  watched_ = sequence;
  request_flush(now);
  if (!gone_ && out_.base() >= watched_) {
    watched_ = 0;
    notify(kChannelAcknowledged);
  }
}

// --- The window.

void Channel::announce_window() {
  window_generation_++;
  // A channel that the peer does not allow yet says nothing: allow_open() does.
  if (incoming_ || open_allowed_) want(FrameRef::kWindow);
}

void Channel::adapt(Time now, uint64_t congestion_window) {
  const SendRing& ring = out_.ring();
  const uint64_t messages = ring.published_sequence() - ring.tail_sequence();
  if (messages == 0) return;
  const uint64_t size =
      std::max<uint64_t>((ring.published_position() - ring.tail_position()) / messages, 1);
  WindowController::Path path{};
  path.round_trip = session_->round_trip();
  path.sent = out_.sent_messages();
  // What `resend: 'all'` repeats on purpose says nothing about the path; the receiver's hints do.
  path.resent = out_.policy().resend_all ? 0 : out_.resent_messages();
  path.congestion_messages = congestion_window / size;
  path.limited = window_limited_;
  window_limited_ = false;
  if (!controller_.update(now, path)) return;
  out_.set_window(controller_.window());
  announce_window();
}

void Channel::on_window_hint(const wire::WindowHint& frame) {
  if (gone_ || frame.generation <= peer_hint_generation_) return;
  peer_hint_generation_ = frame.generation;
  controller_.on_advice(static_cast<double>(frame.loss) / wire::kLossUnit, frame.messages,
                        frame.messages_per_ack);
}

bool Channel::on_count(Time now, uint32_t count) {
  if (gone_) return true;
  const uint64_t wire_next = wire::expand32(out_.wire_number(out_.base()), count) + 1;
  const uint64_t next = out_.number_of(wire_next);
  if (next > out_.fully_sent()) return false;
  counts_received_++;
  if (out_.on_count(next) != 0) after_progress(now, true);
  return true;
}

void Channel::on_request(Time now, const wire::Request& frame) {
  if (gone_) return;
  requests_received_++;
  const uint64_t base = out_.wire_number(out_.base());
  for (uint32_t i = 0; i < frame.range_count; i++) {
    const uint64_t first = wire::expand32(base, frame.ranges[i].first32);
    const uint64_t last = first + frame.ranges[i].count - 1;
    if (last < base) continue;
    const uint64_t from = out_.number_of(std::max(first, base));
    out_.on_request(from, out_.number_of(last) + 1 - from, now - session_->round_trip());
  }
  activate();
}

// --- Timeouts.

void Channel::rearm(Time /*now*/) {
  Time deadline = std::min({resend_at_, release_at_, count_at_, request_at_});
  if (expires_after_ != 0) deadline = std::min(deadline, expiry_.next(expires_after_));
  if (deadline == kNever && !timer.armed()) return;
  if (timer.armed() && timer.deadline == deadline) return;
  session_->arm(timer, deadline);
}

void Channel::on_timer(Time now) {
  if (gone_) return;
  if (now >= release_at_) {
    release_at_ = kNever;
    out_.release();
    activate();
  }
  if (expires_after_ != 0) {
    if (const uint64_t end = expiry_.expired_below(now, expires_after_); end != 0) {
      out_.expire_below(end);
      want_skip();
      update_writable();
      after_progress(now, false);
      if (gone_) return;
    }
  }
  if (now >= resend_at_) on_resend_timeout(now);
  if (gone_) return;
  on_receive_timer(now);
  rearm(now);
}

// How long the oldest message in flight may be unacknowledged, without back-off.
Duration Channel::resend_timeout() const {
  if (resend_timeout_ != 0) return resend_timeout_;
  const Duration wait = ack_timeout_ != 0 ? ack_timeout_ : kPolicyDelay;
  return wait + std::max(session_->round_trip_bound(), kSlack);
}

void Channel::start_resend_timer(Time now) {
  const Duration timeout = resend_timeout();
  const Duration most = std::max(timeout, kLongestResendPause);
  Duration pause = timeout;
  for (unsigned i = 0; i < resend_backoff_ && pause < most; i++) pause *= 2;
  resend_at_ = now + std::min(pause, most);
  rearm(now);
}

void Channel::on_resend_timeout(Time now) {
  resend_at_ = kNever;
  if (out_.in_flight() == 0) return;
  resend_timeouts_++;
  if (counted()) {
    if (stalled_since_ == kNever ||
        !session_->may_be_stalled(now, stalled_since_, 3 * resend_timeout())) {
      stalled_since_ = now;
    }
    if (gone_) return;
  }
  resend_backoff_ = std::min(resend_backoff_ + 1, kMostBackoff);
  if (!session_->time_out(this, now, resend_timeout())) return;
  // Perhaps everything is there, and only the COUNT was lost.
  if (counted()) {
    count_now_again_ = true;
    want(FrameRef::kCountNow);
  }
  start_resend_timer(now);
  activate();
}

// Something may have been given up or dropped.
void Channel::want_skip() {
  update_writable();
  if (out_.skip_target() > std::max(skip_sent_, out_.base())) want(FrameRef::kSkip);
}

// --- Fate of frames.

bool Channel::on_frame_acknowledged(Time now, const FrameRef& ref) {
  switch (ref.kind) {
    case FrameRef::kData: {
      if (gone_) return true;
      const uint64_t before = out_.base();
      if (!out_.on_acknowledged(ref.begin, ref.end)) return false;
      // Something gets through, though the base may not move before a long message is whole.
      stalled_since_ = kNever;
      after_progress(now, out_.base() != before);
      break;
    }
    case FrameRef::kSkip:
      // The peer does without what was given up.
      if (!gone_ && out_.on_count(ref.begin) != 0) after_progress(now, true);
      break;
    case FrameRef::kWindow:
      if (gone_ || window_confirmed_) break;
      window_confirmed_ = true;
      out_.hold(false);
      activate();
      break;
    case FrameRef::kEnd:
      end_acknowledged_ = true;
      if (!gone_ && out_.trust_packets() != 0) after_progress(now, true);
      check_done();
      break;
    case FrameRef::kReset:
      lingering_ = false;
      unwant(FrameRef::kReset);
      maybe_free();
      break;
    default:
      break;
  }
  return true;
}

bool Channel::on_frame_lost(const FrameRef& ref) {
  switch (ref.kind) {
    case FrameRef::kData:
      if (gone_) return true;
      if (!out_.on_lost(ref.begin, ref.end, ref.again)) return false;
      if (out_.policy().delivery == wire::Delivery::kUnreliable) want_skip();
      activate();
      break;
    case FrameRef::kReset:
      if (lingering_) want(FrameRef::kReset);
      break;
    case FrameRef::kOpen:
      if (!gone_ && !accepted_) want(FrameRef::kOpen);
      break;
    case FrameRef::kEnd:
      if (!gone_ && !end_acknowledged_) want(FrameRef::kEnd);
      break;
    case FrameRef::kCredit:
      if (!gone_ && ref.begin == in_.announced_credit()) want(FrameRef::kCredit);
      break;
    case FrameRef::kWindow:
      if (!gone_ && ref.begin == window_generation_) want(FrameRef::kWindow);
      break;
    case FrameRef::kSkip:
      if (!gone_ && ref.begin == skip_sent_ && out_.base() < skip_sent_) want(FrameRef::kSkip);
      break;
    case FrameRef::kHint:
      if (!gone_ && ref.begin == hint_generation_) want(FrameRef::kHint);
      break;
    case FrameRef::kCountNow:
      if (!gone_ && out_.in_flight() != 0) want(FrameRef::kCountNow);
      break;
    case FrameRef::kBlocked: {
      uint64_t wanted_cost = 0;
      if (!gone_ && out_.blocked_by_credit(wanted_cost)) want(FrameRef::kBlocked);
      break;
    }
    case FrameRef::kAccept:
      if (!gone_) want(FrameRef::kAccept);
      break;
    default:
      break;
  }
  return true;
}

}  // namespace hawser::transport
