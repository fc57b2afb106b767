// The receiving side of a channel: what came, what is acknowledged and asked for, and what is
// handed over.

#include <algorithm>

#include "transport/channel.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {
constexpr Duration kShortestRequestPause = 10 * kMillisecond;
constexpr Duration kLongestRequestPause = 2 * kSecond;
}  // namespace

Inbound::Result Channel::on_message(Time now, const wire::Message& frame) {
  if (gone_) return Inbound::Result::kDuplicate;
  const uint64_t before = in_.expected();
  const uint64_t sequence = wire::expand32(before, frame.sequence32);
  return after_receive(
      now, before, in_.on_message(*this, sequence, frame.data, frame.length, frame.count, sink()));
}

Inbound::Result Channel::on_fragment(Time now, const wire::Fragment& frame) {
  if (gone_) return Inbound::Result::kDuplicate;
  const uint64_t before = in_.expected();
  const uint64_t sequence = wire::expand32(before, frame.sequence32);
  return after_receive(now, before,
                       in_.on_fragment(*this, sequence, frame.total, frame.offset, frame.data,
                                       frame.length, sink()));
}

Inbound::Result Channel::on_skip(Time now, const wire::Skip& frame) {
  if (gone_) return Inbound::Result::kDuplicate;
  const uint64_t before = in_.expected();
  const uint64_t next = wire::expand32(before, frame.next32);
  return after_receive(now, before, in_.on_skip(*this, next, frame.cost, sink()));
}

Inbound::Result Channel::after_receive(Time now, uint64_t expected_before, Inbound::Result result) {
  const bool moved = in_.expected() != expected_before;
  // Of several messages some may have found memory.
  const bool some = result == Inbound::Result::kNoMemory && moved;
  const bool taken = result == Inbound::Result::kTaken || some;
  if (!taken && result != Inbound::Result::kDuplicate) return result;
  if (taken) last_activity_ = now;
  if (peer_counted_) {
    count_receipt(now);
  } else if (moved) {
    session_->want_count(this, now, in_.expected() - counted_ >= peer_ack_every_,
                         peer_ack_timeout_);
  }
  if (hint_owed_ && taken) say_hint();
  if (moved || in_.has_gap()) look_for_gaps(now, moved);
  if (moved || (taken && in_.deliverable())) after_handing_over();
  return result;
}

// --- Counted acknowledgements.

Duration Channel::count_delay() const {
  return peer_ack_timeout_ != 0 ? peer_ack_timeout_ : session_->ack_delay();
}

// A message came, a new one or one again.
void Channel::count_receipt(Time now) {
  const uint64_t have = in_.expected() - counted_;
  if (in_.complete()) {
    make_count_due(in_.expected(), AckCause::kEnd);
  } else if (have >= peer_ack_every_) {
    make_count_due(counted_ + have / peer_ack_every_ * peer_ack_every_, AckCause::kMessages);
  } else if (count_at_ == kNever) {
    count_at_ = now + count_delay();
    rearm(now);
  }
}

void Channel::make_count_due(uint64_t count, AckCause cause) {
  // What is due already and was not said yet is not taken back.
  if (count >= due_count_) {
    due_count_ = count;
    due_cause_ = cause;
  }
  session_->want_counted(this, cause);
}

void Channel::on_count_now(Time now) {
  if (gone_) return;
  if (peer_counted_) {
    make_count_due(in_.expected(), AckCause::kRequested);
  } else {
    session_->want_count(this, now, true, 0);
  }
}

void Channel::on_count_sent(Time now, AckCause cause) {
  counts_sent_++;
  counts_by_cause_[static_cast<size_t>(peer_counted_ ? due_cause_ : cause)]++;
  if (!peer_counted_) {
    counted_ = in_.expected();
    return;
  }
  counted_ = due_count_;
  count_at_ = in_.expected() != counted_ ? now + count_delay() : kNever;
  rearm(now);
}

// --- Requests.

// Something is missing below what has come; `moved`: what was missing first has come.
void Channel::look_for_gaps(Time now, bool moved) {
  requested_below_ = std::max(requested_below_, in_.expected());
  if (!in_.has_gap()) {
    request_pause_ = 0;
    if (request_at_ == kNever) return;
    request_at_ = kNever;
    rearm(now);
    return;
  }
  if (peer_counted_) {
    if (moved && request_at_ != kNever && request_pause_ > request_pause()) {
      // The gap that it was doubled for is filled.
      request_pause_ = request_pause();
      request_at_ = std::min(request_at_, now + request_pause_);
      rearm(now);
    }
    // Nothing is acknowledged soon, so nobody else would say it.
    if (gap_below(request_limit())) {
      want(FrameRef::kRequest);
    } else {
      requested_below_ = std::max(requested_below_, request_limit());
    }
    return;
  }
  if (request_at_ != kNever && !moved) return;
  // The ACK that reported the gap had 1.5 round trips to bring what is missing.
  request_pause_ = 0;
  request_at_ = now + session_->ack_delay() + request_pause();
  rearm(now);
}

Duration Channel::request_pause() const {
  return std::max(session_->round_trip() * 3 / 2, kShortestRequestPause);
}

// Messages from here on may only be late.
uint64_t Channel::request_limit() const {
  const uint64_t frontier = in_.frontier();
  // The newest may still be coming.
  if (request_all_ || !peer_counted_) return frontier - 1;
  const uint64_t threshold = session_->reordering_threshold();
  return frontier > threshold ? frontier - threshold : 0;
}

// Something is missing below `limit` that was not asked for.
bool Channel::gap_below(uint64_t limit) const {
  bool found = false;
  in_.each_gap(requested_below_, limit, [&](uint64_t, uint64_t) {
    found = true;
    return false;
  });
  return found;
}

bool Channel::compose_request(Time now, wire::Request& request) {
  const uint64_t limit = request_limit();
  request.channel = id_;
  request.range_count = 0;
  uint64_t reached = limit;
  in_.each_gap(requested_below_, limit, [&](uint64_t first, uint64_t end) {
    if (request.range_count == wire::kMaxRequestRanges) {
      reached = first;
      return false;
    }
    // A gap is at most a window long.
    const uint64_t count = std::min<uint64_t>(end - first, wire::kMaxRequestRun);
    request.ranges[request.range_count++] =
        wire::RequestRange{wire::truncate32(first), static_cast<uint32_t>(count)};
    return true;
  });
  request_all_ = false;
  if (request.range_count == 0) return false;
  requested_below_ = std::max(requested_below_, reached);
  request_pause_ = request_pause_ == 0 ? request_pause() : request_pause_;
  // What was asked for before is asked for again in time, whatever new gaps there are.
  if (request_at_ == kNever) request_at_ = now + request_pause_;
  rearm(now);
  return true;
}

void Channel::on_receive_timer(Time now) {
  if (now >= count_at_) {
    count_at_ = kNever;
    make_count_due(in_.expected(), AckCause::kTimeout);
  }
  if (now < request_at_) return;
  request_at_ = kNever;
  if (!in_.has_gap()) return;
  // Once more for all that is still missing.
  if (request_pause_ != 0) request_pause_ = std::min(request_pause_ * 2, kLongestRequestPause);
  request_all_ = true;
  requested_below_ = in_.expected();
  want(FrameRef::kRequest);
}

// Before ACCEPT it is not known how the peer wants its messages handed over.
MessageSink* Channel::sink() const {
  return accepted_ || gone_ ? session_->runtime().sink() : nullptr;
}

// What the session measures of the peer's packets has changed its grade.
void Channel::advise(double loss) {
  measured_loss_ = loss;
  if (gone_) return;
  // Nobody waits for advice on a channel that is silent; it is given when messages come again.
  hint_owed_ = true;
  if (in_.received_messages() != advised_at_) say_hint();
}

void Channel::say_hint() {
  if (!accepted_) return;
  hint_owed_ = false;
  advised_at_ = in_.received_messages();
  hint_generation_++;
  want(FrameRef::kHint);
}

wire::WindowHint Channel::compose_hint() const {
  wire::WindowHint hint{};
  hint.channel = id_;
  hint.generation = hint_generation_;
  hint.loss = static_cast<uint32_t>(std::clamp(measured_loss_, 0.0, 1.0) * wire::kLossUnit);
  const uint64_t room = in_.room_in_messages();
  hint.messages =
      static_cast<uint32_t>(std::clamp<uint64_t>(room, wire::kMinWindow, wire::kMaxWindow));
  if (peer_window_ == 0) return hint;
  const uint64_t divisor = measured_loss_ > WindowController::kPoor ? 4 : 2;
  hint.messages_per_ack =
      static_cast<uint32_t>(std::clamp<uint64_t>(peer_window_ / divisor, 1, hint.messages));
  return hint;
}

// --- Handing over.

void Channel::after_handing_over() {
  if ((accepted_ || gone_) && in_.readable()) notify(kChannelReadable);
  update_credit();
  // What was cut off by an error did not end; what is not announced is nobody's yet.
  if (in_.drained() && !ended_reported_ && (!incoming_ || announced_) &&
      (!gone_ || reason_.code() == wire::Code::kNoError)) {
    ended_reported_ = true;
    notify(kChannelEnded);
  }
  if (gone_ && !closed_reported_ && !in_.deliverable()) {
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
  in_.deliver(*this, sink());
  after_handing_over();
}

bool Channel::on_window(const wire::Window& frame) {
  const bool counted = frame.mode == wire::WindowMode::kCounted;
  if (peer_generation_ != 0 && counted != peer_counted_) return false;
  if (frame.generation <= peer_generation_) return true;
  peer_generation_ = frame.generation;
  peer_counted_ = counted;
  peer_window_ = frame.messages;
  peer_ack_every_ = frame.messages_per_ack;
  peer_ack_timeout_ = Duration{frame.ack_after_us} * kMicrosecond;
  return true;
}

void Channel::on_credit(Time /*now*/, uint64_t limit) {
  if (!gone_ && out_.raise_credit(limit)) activate();
}

void Channel::on_blocked(uint64_t wanted_cost) {
  in_.on_blocked(wanted_cost);
  update_credit();
}

}  // namespace hawser::transport
