#include "transport/channel.h"

#include <algorithm>

#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

Channel::Channel(Session& session, uint64_t id, bool incoming)
    : timer(this),
      session_(&session),
      id_(id),
      out_(session.endpoint().memory(), session.endpoint().queues(), session.first_sequence()),
      in_(session.endpoint().memory(), session.endpoint().pool(), session.first_sequence(),
          session.initial_credit()),
      reason_(session.endpoint().memory()),
      incoming_(incoming),
      expiry_(session.endpoint().memory()),
      counted_(session.first_sequence()),
      due_count_(session.first_sequence()),
      requested_below_(session.first_sequence()) {
  out_.raise_credit(session.initial_credit_received());
  in_.set_max_window(session.max_credit());
  out_.set_window(controller_.window());
}

Channel::~Channel() {
  session_->endpoint().memory().release(service_, size_t{service_length_} + metadata_length_);
}

// --- Opening and closing.

void Channel::apply(Time now, const ChannelConfig& config) {
  local_max_message_ = config.max_message;
  high_water_mark_ = config.high_water_mark;
  max_buffered_ = config.max_buffered;
  ack_timeout_ = config.ack_timeout;
  resend_timeout_ = config.resend_timeout;
  flush_after_ = config.flush_after;
  expires_after_ = config.expires_after;
  priority_ = std::min<uint8_t>(config.priority, Scheduler::kPriorities - 1);
  weight_ = std::max<uint16_t>(config.weight, 1);
  OutboundPolicy policy;
  policy.counted = config.counted;
  policy.fill = config.fill;
  policy.resend_all = config.resend_all;
  policy.delivery = config.delivery;
  out_.set_policy(policy);
  // The literal rules hold from the first message on.
  out_.hold(config.counted);
  idle_timeout_ = config.idle_timeout;
  last_activity_ = now;
  in_.set_max_message(config.max_message);
  controller_.configure(config.window, config.ack_every, config.window_minimum,
                        config.window_maximum);
  out_.set_window(controller_.window());
  const bool given = config.window != 0 || config.ack_every != 0 || config.ack_timeout != 0 ||
                     config.window_minimum != 0 || config.window_maximum != 0 || config.counted;
  if (given) announce_window();
  if (idle_timeout_ != 0) session_->watch_idle(this, now);
}

bool Channel::configure_open(Time now, const ChannelConfig& config, const uint8_t* service,
                             size_t service_length, const uint8_t* metadata,
                             size_t metadata_length) {
  if (!keep_names(service, service_length, metadata, metadata_length)) return false;
  apply(now, config);
  return true;
}

bool Channel::keep_names(const uint8_t* service, size_t service_length, const uint8_t* metadata,
                         size_t metadata_length) {
  auto* block = static_cast<uint8_t*>(
      session_->endpoint().memory().allocate(service_length + metadata_length));
  if (block == nullptr) return false;
  std::memcpy(block, service, service_length);
  if (metadata_length != 0) std::memcpy(block + service_length, metadata, metadata_length);
  service_ = block;
  metadata_ = block + service_length;
  service_length_ = static_cast<uint16_t>(service_length);
  metadata_length_ = static_cast<uint16_t>(metadata_length);
  return true;
}

void Channel::allow_open() {
  open_allowed_ = true;
  if (!gone_) {
    want(FrameRef::kOpen);
    if (window_generation_ != 0) want(FrameRef::kWindow);
  } else if (lingering_) {
    want(FrameRef::kReset);
  }
}

bool Channel::on_open(Time now, const wire::Open& frame) {
  if (announced_ || gone_) return true;
  if (!keep_names(frame.service, frame.service_length, frame.metadata, frame.metadata_length)) {
    return false;
  }
  announced_ = true;
  last_activity_ = now;
  remote_max_message_ = static_cast<uint32_t>(frame.max_message);
  in_.set_delivery(frame.delivery);
  out_.raise_credit(frame.limit);
  notify(kChannelIncoming);
  after_handing_over();  // END may have come before
  return true;
}

void Channel::accept(Time now, const ChannelConfig& config) {
  if (gone_ || accepted_) return;
  apply(now, config);
  accepted_ = true;
  max_send_.store(std::min(local_max_message_, remote_max_message_), std::memory_order_relaxed);
  writable_.store(true, std::memory_order_release);
  want(FrameRef::kAccept);
  after_handing_over();  // messages and BLOCKED may have come before
}

void Channel::refuse(Time now, wire::Code code, const char* reason, size_t reason_length) {
  reset(now, code, reason, reason_length);
}

void Channel::on_accept(Time now, const wire::Accept& frame) {
  if (incoming_ || accepted_ || gone_) return;
  accepted_ = true;
  last_activity_ = now;
  remote_max_message_ = static_cast<uint32_t>(frame.max_message);
  max_send_.store(std::min(local_max_message_, remote_max_message_), std::memory_order_relaxed);
  in_.set_delivery(frame.delivery);
  out_.raise_credit(frame.limit);
  writable_.store(true, std::memory_order_release);
  unwant(FrameRef::kOpen);
  notify(kChannelAccepted);
  activate();
  after_handing_over();  // messages and BLOCKED may have come before
}

void Channel::end(Time now) {
  if (gone_ || end_wanted_) return;
  if (!accepted_) {
    reset(now, wire::Code::kCancelled, nullptr, 0);
    return;
  }
  writable_.store(false, std::memory_order_release);
  end_wanted_ = true;
  if (first_ender_ == ClosedBy::kNobody) first_ender_ = ClosedBy::kLocal;
  request_flush(now);
}

void Channel::reset(Time now, wire::Code code, const char* reason, size_t reason_length) {
  if (gone_) return;
  reset_final_ = out_.wire_number(out_.next_sequence()) - 1;
  reset_cost_ = out_.cost_below(out_.next_sequence());
  // Also for a channel that the peer has not heard of yet: its number is used up, and the peer
  // must count it as gone before it allows another.
  lingering_ = true;
  last_activity_ = now;
  become_gone(CloseReason::make(ClosedBy::kLocal, code, reason, reason_length), false);
  if (lingering_ && (incoming_ || open_allowed_)) want(FrameRef::kReset);
  maybe_free();
}

void Channel::release(Time now) {
  if (released_) return;
  reset(now, wire::Code::kCancelled, nullptr, 0);
  released_ = true;
  session_->runtime().forget(this);
  maybe_free();
}

// `hand_over`: what is here in sequence still goes to the application, whether it asks or not.
void Channel::become_gone(const CloseReason& reason, bool hand_over) {
  if (gone_) return;
  // Frames came before their OPEN, and now it will not come: the owner knows nothing of it.
  if (incoming_ && !announced_) released_ = true;
  last_base_ = out_.base();
  last_unacknowledged_ = out_.ring().published_sequence() - out_.base();
  gone_ = true;
  reason_.set(reason);
  writable_.store(false, std::memory_order_release);
  control_ = 0;
  out_.abandon();
  expiry_.release();
  session_->arm(timer, kNever);
  session_->on_channel_gone(this);
  if (hand_over && in_.deliverable()) {
    in_.set_demand(Demand::kContinuous);
    notify(kChannelReadable);
    return;
  }
  in_.abandon();
  closed_reported_ = true;
  notify(kChannelClosed);
}

void Channel::maybe_free() {
  if (gone_ && released_ && !lingering_) session_->free_channel(this);
}

void Channel::check_done() {
  if (gone_ || !end_acknowledged_ || !out_.all_acknowledged() || !in_.drained()) return;
  become_gone(CloseReason::make(first_ender_, wire::Code::kNoError, nullptr, 0), true);
  maybe_free();
}

void Channel::on_end(Time now) {
  last_activity_ = now;
  if (first_ender_ == ClosedBy::kNobody) first_ender_ = ClosedBy::kRemote;
  if (peer_counted_ && in_.complete()) make_count_due(in_.expected(), AckCause::kEnd);
  after_handing_over();
}

void Channel::on_reset(Time now, const wire::Reset& frame) {
  lingering_ = false;
  unwant(FrameRef::kReset);
  if (!gone_) {
    last_activity_ = now;
    become_gone(CloseReason::make(ClosedBy::kRemote, wire::code_from_wire(frame.code),
                                  reinterpret_cast<const char*>(frame.reason), frame.reason_length),
                true);
  }
  maybe_free();
}

void Channel::on_session_closed(const CloseReason& reason) {
  lingering_ = false;
  control_ = 0;
  become_gone(reason, reason.by != ClosedBy::kLocal);
  maybe_free();
}

Time Channel::idle_deadline() const {
  return gone_ || idle_timeout_ == 0 ? kNever : last_activity_ + idle_timeout_;
}

void Channel::on_idle(Time now) {
  static constexpr char kText[] = "idle timeout";
  reset(now, wire::Code::kIdle, kText, sizeof kText - 1);
}

void Channel::want(FrameRef::Kind kind) {
  control_ |= 1u << kind;
  session_->want_control(this);
}

void Channel::notify(uint32_t events) {
  if (released_) return;
  events_ |= events;
  session_->runtime().notify(this);
}

uint32_t Channel::take_events() {
  uint32_t events = events_;
  events_ = 0;
  // The event is as old as the last batch, and when it arose it did not know of what was pushed but
  // not published.
  if ((events & kChannelWritable) != 0 && out_.ring().unsent() > high_water_mark_ / 2) {
    events &= ~uint32_t{kChannelWritable};
    drain_wanted_.store(true, std::memory_order_relaxed);
  }
  return events;
}

ChannelCounters Channel::counters() const {
  ChannelCounters c{};
  c.expired = out_.expired_messages();
  c.skipped = in_.skipped_messages();
  c.requests_sent = requests_sent_;
  c.requests_received = requests_received_;
  c.resend_timeouts = resend_timeouts_;
  for (size_t i = 0; i < kAckCauses; i++) c.counts_by_cause[i] = counts_by_cause_[i];
  c.loss = controller_.loss();
  c.advised_loss = controller_.advised_loss();
  c.window_cause = controller_.cause();
  c.peer_window = peer_window_;
  c.peer_ack_every = peer_ack_every_;
  c.messages_sent = out_.sent_messages();
  c.messages_received = in_.received_messages();
  c.bytes_received = in_.received_bytes();
  c.messages_resent = out_.resent_messages();
  c.bytes_resent = out_.resent_bytes();
  c.duplicates = in_.duplicate_messages();
  c.counts_sent = counts_sent_;
  c.counts_received = counts_received_;
  c.in_flight = out_.in_flight();
  c.window = out_.window();
  c.ack_every = controller_.ack_every();
  c.unsent_bytes = out_.ring().unsent();
  const uint64_t used = out_.cost_below(out_.next_sequence());
  c.credit_left = out_.credit() > used ? out_.credit() - used : 0;
  c.held_messages = in_.held_messages();
  c.memory_bytes = out_.memory_bytes();
  return c;
}

}  // namespace hawser::transport
