#include "transport/channel.h"

#include <algorithm>

#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {

// The automatic N before anything is known, and its bounds in messages.
constexpr uint32_t kFirstWindow = 256;
constexpr uint32_t kSmallestWindow = 8;
// The automatic N holds this many congestion windows: at 5 % loss, 4 use 0.94 of a path.
constexpr uint64_t kWindowsOfCongestion = 4;

uint32_t even(uint64_t messages) { return static_cast<uint32_t>(messages & ~uint64_t{1}); }

}  // namespace

Channel::Channel(Session& session, uint64_t id, bool incoming)
    : session_(&session),
      id_(id),
      out_(session.runtime().memory(), session.first_sequence()),
      in_(session.runtime().memory(), session.runtime().pool(), session.first_sequence(),
          session.initial_credit()),
      incoming_(incoming),
      counted_(session.first_sequence()) {
  out_.raise_credit(session.initial_credit_received());
  in_.set_max_window(session.max_credit());
  out_.set_window(kFirstWindow);
}

Channel::~Channel() {
  session_->runtime().memory().release(service_, size_t{service_length_} + metadata_length_);
}

// --- Sending.

Channel::Push Channel::push(const uint8_t* data, size_t length) {
  if (!writable_.load(std::memory_order_acquire)) return Push::kClosed;
  if (length > max_send_.load(std::memory_order_relaxed)) return Push::kTooLarge;
  SendRing& ring = out_.ring();
  if (ring.unsent() >= max_buffered_) return Push::kRefused;
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
  last_activity_ = now;
  activate();
  // What the peer's window or the network held back may have gone since push() saw it.
  update_writable();
}

void Channel::trim() { out_.ring().trim(); }

void Channel::activate() {
  if (gone_ || !accepted_) return;
  if (out_.has_work()) {
    session_->activate(this);
    return;
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

uint8_t* Channel::write_data(uint8_t* out, uint8_t* end, FrameRef& ref) {
  uint8_t* after = out_.write(id_, out, end, ref);
  if (after != out) {
    update_writable();
    if (!out_.has_work()) activate();  // END or BLOCKED may be due now
  }
  return after;
}

void Channel::after_progress() {
  if (watched_ != 0 && out_.base() >= watched_) {
    watched_ = 0;
    notify(kChannelAcknowledged);
  }
  activate();
  check_done();
}

void Channel::watch_acknowledged(Time now, uint64_t sequence) {
  watched_ = sequence;
  flush(now);
  if (!gone_ && out_.base() >= watched_) {
    watched_ = 0;
    notify(kChannelAcknowledged);
  }
}

void Channel::set_window(uint32_t messages, bool announce) {
  const uint32_t every = configured_ack_every_ != 0 ? std::min(configured_ack_every_, messages)
                                                    : std::max(messages / 2, 1u);
  if (messages == out_.window() && every == ack_every_) return;
  out_.set_window(messages);
  ack_every_ = every;
  if (!announce) return;
  window_generation_++;
  want(FrameRef::kWindow);
}

void Channel::on_congestion_window(uint64_t bytes) {
  if (configured_window_ != 0) return;
  const SendRing& ring = out_.ring();
  const uint64_t messages = ring.published_sequence() - ring.tail_sequence();
  if (messages == 0) return;
  const uint64_t size =
      std::max<uint64_t>((ring.published_position() - ring.tail_position()) / messages, 1);
  const uint64_t wanted_messages =
      std::clamp<uint64_t>(kWindowsOfCongestion * bytes / size, kSmallestWindow, wire::kMaxWindow);
  // Small changes are not worth a frame.
  const uint32_t now = out_.window();
  if (wanted_messages > now + now / 2 || wanted_messages < now / 2) {
    set_window(even(wanted_messages), true);
  }
}

uint32_t Channel::max_send() const { return max_send_.load(std::memory_order_relaxed); }

// --- Opening and closing.

void Channel::apply(Time now, const ChannelConfig& config) {
  local_max_message_ = config.max_message;
  high_water_mark_ = config.high_water_mark;
  max_buffered_ = config.max_buffered;
  configured_window_ = config.window;
  configured_ack_every_ = config.ack_every;
  ack_timeout_ = config.ack_timeout;
  idle_timeout_ = config.idle_timeout;
  last_activity_ = now;
  in_.set_max_message(config.max_message);
  const bool given = config.window != 0 || config.ack_every != 0 || config.ack_timeout != 0;
  set_window(config.window != 0 ? config.window : kFirstWindow, false);
  if (given) {
    window_generation_++;
    want(FrameRef::kWindow);
  }
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
      session_->runtime().memory().allocate(service_length + metadata_length));
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
  out_.raise_credit(frame.limit);
  notify(kChannelIncoming);
  return true;
}

void Channel::accept(Time now, const ChannelConfig& config) {
  if (gone_ || accepted_) return;
  apply(now, config);
  accepted_ = true;
  max_send_.store(std::min(local_max_message_, remote_max_message_), std::memory_order_relaxed);
  writable_.store(true, std::memory_order_release);
  want(FrameRef::kAccept);
  update_credit();  // BLOCKED may have come before
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
  out_.raise_credit(frame.limit);
  writable_.store(true, std::memory_order_release);
  unwant(FrameRef::kOpen);
  notify(kChannelAccepted);
  activate();
  update_credit();  // BLOCKED may have come before
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
  flush(now);
}

void Channel::reset(Time now, wire::Code code, const char* reason, size_t reason_length) {
  if (gone_) return;
  reset_final_ = out_.next_sequence() - 1;
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
  reason_ = reason;
  writable_.store(false, std::memory_order_release);
  control_ = 0;
  out_.abandon();
  session_->on_channel_gone(this);
  if (hand_over && in_.delivered() != in_.expected()) {
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

// --- Receiving.

Inbound::Result Channel::on_message(Time now, const wire::Message& frame) {
  if (gone_) return Inbound::Result::kDuplicate;
  const uint64_t before = in_.expected();
  const uint64_t sequence = wire::expand32(before, frame.sequence32);
  return after_receive(now, before,
                       in_.on_message(*this, sequence, frame.data, frame.length, frame.count,
                                      session_->runtime().sink()));
}

Inbound::Result Channel::on_fragment(Time now, const wire::Fragment& frame) {
  if (gone_) return Inbound::Result::kDuplicate;
  const uint64_t before = in_.expected();
  const uint64_t sequence = wire::expand32(before, frame.sequence32);
  return after_receive(now, before,
                       in_.on_fragment(*this, sequence, frame.total, frame.offset, frame.data,
                                       frame.length, session_->runtime().sink()));
}

Inbound::Result Channel::after_receive(Time now, uint64_t expected_before, Inbound::Result result) {
  if (result != Inbound::Result::kTaken) return result;
  last_activity_ = now;
  if (in_.expected() != expected_before) {
    session_->want_count(this, now, in_.expected() - counted_ >= peer_ack_every_,
                         peer_ack_timeout_);
    after_handing_over();
  }
  return result;
}

void Channel::after_handing_over() {
  if (in_.readable()) notify(kChannelReadable);
  update_credit();
  // What was cut off by an error did not end.
  if (in_.drained() && !ended_reported_ && (!gone_ || reason_.code == wire::Code::kNoError)) {
    ended_reported_ = true;
    notify(kChannelEnded);
  }
  if (gone_ && !closed_reported_ && in_.delivered() == in_.expected()) {
    in_.abandon();
    closed_reported_ = true;
    notify(kChannelClosed);
  }
  check_done();
}

void Channel::update_credit() {
  if (!gone_ && accepted_ && in_.credit_due()) want(FrameRef::kCredit);
}

void Channel::set_demand(Time now, Demand demand) {
  if (closed_reported_) return;
  if (gone_) return;  // the rest is handed over without being asked for
  last_activity_ = now;
  in_.set_demand(demand);
  after_handing_over();
}

void Channel::deliver(Time /*now*/) {
  if (closed_reported_) return;
  in_.deliver(*this, session_->runtime().sink());
  after_handing_over();
}

void Channel::on_window(const wire::Window& frame) {
  if (frame.generation <= peer_generation_) return;
  peer_generation_ = frame.generation;
  peer_ack_every_ = frame.messages_per_ack;
  peer_ack_timeout_ = Duration{frame.ack_after_us} * kMicrosecond;
}

void Channel::on_credit(Time /*now*/, uint64_t limit) {
  if (!gone_ && out_.raise_credit(limit)) activate();
}

void Channel::on_blocked(uint64_t wanted_cost) {
  in_.on_blocked(wanted_cost);
  update_credit();
}

bool Channel::on_count(Time /*now*/, uint32_t count) {
  if (gone_) return true;
  const uint64_t next = wire::expand32(out_.base(), count) + 1;
  if (next > out_.fully_sent()) return false;
  counts_received_++;
  if (out_.on_count(next) != 0) after_progress();
  return true;
}

void Channel::on_count_sent() {
  counted_ = in_.expected();
  counts_sent_++;
}

// --- Fate of frames.

bool Channel::on_frame_acknowledged(Time /*now*/, const FrameRef& ref) {
  switch (ref.kind) {
    case FrameRef::kData:
      if (gone_) return true;
      if (!out_.on_acknowledged(ref.begin, ref.end)) return false;
      after_progress();
      break;
    case FrameRef::kEnd:
      end_acknowledged_ = true;
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
      if (!out_.on_lost(ref.begin, ref.end)) return false;
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
  const uint32_t events = events_;
  events_ = 0;
  return events;
}

uint8_t* Channel::write_control(Time now, uint8_t* out, uint8_t* end, FrameRef* refs,
                                size_t& ref_count, size_t ref_capacity) {
  // OPEN and ACCEPT first: what else is in the packet then finds the channel.
  static constexpr FrameRef::Kind kOrder[] = {
      FrameRef::kOpen,  FrameRef::kAccept,  FrameRef::kWindow, FrameRef::kCredit,
      FrameRef::kReset, FrameRef::kBlocked, FrameRef::kEnd,
  };
  for (const FrameRef::Kind kind : kOrder) {
    if (!wanted(kind)) continue;
    if (ref_count == ref_capacity) return out;
    FrameRef ref{id_, 0, 0, kind};
    uint8_t* after = write_one(now, kind, out, end, ref);
    if (after == nullptr) return out;
    unwant(kind);
    if (after == out) continue;  // no longer called for
    refs[ref_count++] = ref;
    out = after;
  }
  return out;
}

uint8_t* Channel::write_one(Time now, FrameRef::Kind kind, uint8_t* out, uint8_t* end,
                            FrameRef& ref) {
  switch (kind) {
    case FrameRef::kOpen:
      return wire::write(out, end,
                         wire::Open{id_, service_, service_length_, metadata_, metadata_length_,
                                    in_.credit_limit(), local_max_message_});
    case FrameRef::kAccept:
      return wire::write(out, end, wire::Accept{id_, in_.announced_credit(), local_max_message_});
    case FrameRef::kWindow: {
      const auto timeout =
          std::min<uint64_t>(static_cast<uint64_t>(ack_timeout_ / kMicrosecond), UINT32_MAX);
      ref.begin = window_generation_;
      return wire::write(out, end,
                         wire::Window{id_, window_generation_, out_.window(), ack_every_,
                                      static_cast<uint32_t>(timeout), wire::WindowMode::kEarly});
    }
    case FrameRef::kCredit: {
      uint8_t* after = wire::write(out, end, wire::Credit{id_, in_.credit_limit()});
      if (after != nullptr) {
        in_.on_credit_announced(now, session_->round_trip());
        ref.begin = in_.announced_credit();
      }
      return after;
    }
    case FrameRef::kBlocked: {
      uint64_t wanted_cost = 0;
      if (!out_.blocked_by_credit(wanted_cost)) return out;
      return wire::write(out, end, wire::Blocked{id_, wanted_cost});
    }
    case FrameRef::kEnd:
      return wire::write(out, end, wire::End{id_, out_.next_sequence() - 1});
    case FrameRef::kReset:
      return wire::write(
          out, end,
          wire::Reset{id_, static_cast<uint64_t>(reason_.code), reset_final_, reset_cost_,
                      reinterpret_cast<const uint8_t*>(reason_.detail), reason_.detail_length});
    default:
      return out;
  }
}

ChannelCounters Channel::counters() const {
  ChannelCounters c{};
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
  c.ack_every = ack_every_;
  c.unsent_bytes = out_.ring().unsent();
  const uint64_t used = out_.cost_below(out_.next_sequence());
  c.credit_left = out_.credit() > used ? out_.credit() - used : 0;
  c.held_messages = in_.held_messages();
  c.memory_bytes = out_.memory_bytes();
  return c;
}

}  // namespace hawser::transport
