#include "transport/session.h"

#include <algorithm>

#include "crypto/secret.h"
#include "transport/endpoint.h"
#include "transport/runtime.h"

namespace hawser::transport {

namespace {

constexpr Duration kLongestClosing = 30 * kSecond;

}  // namespace

Session::Session(Endpoint& endpoint, bool initiator, const wire::ConnectionId& local_id,
                 const wire::PeerIdBytes& remote)
    : endpoint_(endpoint),
      runtime_(endpoint.runtime()),
      initiator_(initiator),
      reason_(endpoint.memory()),
      remote_(remote),
      local_id_(local_id),
      path_(endpoint.memory(), PathAddress{}, 0, endpoint.config().path_datagram,
            endpoint.config().path_datagram_limit, endpoint.config().congestion),
      paths_(endpoint_.memory()),
      received_(endpoint_.memory()),
      acks_(endpoint_.memory()),
      loss_(endpoint_.memory()),
      refs_(endpoint_.memory()),
      next_number_(runtime_.random().next() & wire::kMaxFirstPacketNumber),
      channels_(endpoint_.memory(), runtime_.random()),
      remote_used_(endpoint_.memory()),
      timer_(this) {
  loss_.start_at(next_number_);
  limits_.told = endpoint.config().max_channels;
  AckPolicy policy;
  policy.max_delay = endpoint.config().max_ack_delay;
  acks_.set_policy(policy);
  peer_policy_ = AckPolicy{};
  plan_skip();
}

Session::~Session() {
  runtime_.wheel().cancel(timer_);
  drop_handshake();
  drop_opening();
  if (keys_.protection != nullptr) {
    endpoint_.security().release(endpoint_.memory(), keys_.protection);
  }
  refund_keys();
  crypto::wipe(remote_reset_.bytes, sizeof remote_reset_.bytes);
}

// A sender in slow start doubles its rate each round trip, credit takes one to have an effect, and
// a lost message keeps what comes in another one from being consumed: eight times what was consumed
// in one. Of the path without a queue, since no start is in sight of one; larger windows than last
// two round trips as they are only cost caches their content.
Duration Session::credit_lead() const {
  return std::max(2 * path_.rtt.smoothed(), 8 * path_.rtt.minimum());
}

uint32_t Session::initial_credit() const { return endpoint_.config().initial_credit; }
uint32_t Session::max_credit() const { return endpoint_.config().max_credit; }
uint64_t Session::first_sequence() const { return endpoint_.config().first_sequence; }

// --- Life.

void Session::open_now(Time now) {
  sample_handshake(now);
  drop_opening();
  state_ = State::kOpen;
  last_received_ = now;
  last_ping_ = now;
  announced_ = true;
  keys_.renew_at = initiator_ ? now + endpoint_.config().renew_after : now;
  endpoint_.mutable_counters().sessions_opened++;
  notify(kSessionOpen);
  update_rates(now);
  runtime_.make_ready(this);
}

void Session::refuse_now(Time now) {
  static constexpr char kWhy[] = "no more sessions";
  sample_handshake(now);
  drop_opening();
  last_received_ = now;
  state_ = State::kClosing;
  reason_.set(
      CloseReason::make(ClosedBy::kLocal, wire::Code::kSessionLimit, kWhy, sizeof kWhy - 1));
  closing_.wanted = true;
  closing_.until = now + closing_time();
  runtime_.make_ready(this);
  rearm(now);
}

// RFC 9000, section 10.2, asks for three PTOs; a peer that holds back its ACKs must not make them
// minutes.
Duration Session::closing_time() const {
  return std::min<Duration>(3 * loss_.pto(path_.rtt, peer_max_ack_delay()), kLongestClosing);
}

void Session::close(Time now, wire::Code code, const char* reason, size_t reason_length) {
  if (state_ == State::kGone || state_ == State::kClosing || state_ == State::kDraining) return;
  const CloseReason why = CloseReason::make(ClosedBy::kLocal, code, reason, reason_length);
  if (state_ != State::kOpen) {
    become_gone(now, why);
    return;
  }
  reason_.set(why);
  state_ = State::kClosing;
  closing_.wanted = true;
  closing_.until = now + closing_time();
  close_channels();
  runtime_.make_ready(this);
  rearm(now);
}

void Session::close_channels() {
  const CloseReason why = reason_.get();
  Channel* next = nullptr;
  for (Channel* c = all_channels_.front(); c != nullptr; c = next) {
    next = all_channels_.next(c);
    c->on_session_closed(why);
  }
}

void Session::destroy_channels() {
  while (Channel* channel = all_channels_.pop_front()) {
    runtime_.forget(channel);
    channels_.erase(channel->id());
    endpoint_.memory().destroy(channel);
  }
}

void Session::become_gone(Time /*now*/, const CloseReason& reason) {
  if (state_ == State::kGone) return;
  const bool told = state_ == State::kClosing || state_ == State::kDraining;
  state_ = State::kGone;
  if (!told) reason_.set(reason);
  runtime_.wheel().cancel(timer_);
  drop_handshake();
  drop_opening();
  paths_.end_trial();
  paths_.drop_answers();
  runtime_.not_ready(this);
  endpoint_.forget(this);
  endpoint_.keep_gone(this);
  endpoint_.mutable_counters().sessions_closed++;
  close_channels();
  notify(kSessionClosed);
  if (!announced_) released_ = true;
  maybe_bury();
}

void Session::release() {
  released_ = true;
  runtime_.forget(this);
  events_ = 0;
  maybe_bury();
}

void Session::maybe_bury() {
  if (state_ != State::kGone || !released_ || channels_.size() != 0 || buried_) return;
  buried_ = true;
  endpoint_.on_buried(this);
  runtime_.bury(this);
}

Session::Taken Session::protocol_error(Time now, wire::Code code, const char* detail) {
  if (state_ == State::kOpen) {
    endpoint_.mutable_counters().protocol_errors++;
    reason_.set(CloseReason::make(ClosedBy::kFailure, code, detail, std::strlen(detail)));
    state_ = State::kClosing;
    closing_.wanted = true;
    closing_.until = now + closing_time();
    close_channels();
    runtime_.make_ready(this);
    rearm(now);
  }
  return Taken::kClosed;
}

void Session::notify(uint32_t events) {
  if (!announced_ || released_) return;
  events_ |= events;
  runtime_.notify(this);
}

uint32_t Session::take_events() {
  const uint32_t events = events_;
  events_ = 0;
  return events;
}

// --- Channels.

Channel* Session::make_channel(uint64_t id, bool incoming) {
  auto* channel = endpoint_.memory().create<Channel>(*this, id, incoming);
  if (channel == nullptr) return nullptr;
  if (!channels_.insert(id, channel)) {
    endpoint_.memory().destroy(channel);
    return nullptr;
  }
  all_channels_.push_back(channel);
  if (reception_.grade() != ReceptionMonitor::Grade::kClean) channel->advise(reception_.loss());
  return channel;
}

Channel* Session::open_channel(Time now, const ChannelConfig& config, const uint8_t* service,
                               size_t service_length, const uint8_t* metadata,
                               size_t metadata_length) {
  if (state_ != State::kConnecting && state_ != State::kOpen) return nullptr;
  if (service_length < wire::kMinService || service_length > wire::kMaxService ||
      metadata_length > wire::kMaxMetadata ||
      service_length + metadata_length > wire::kMaxOpenText) {
    return nullptr;
  }
  const uint64_t ordinal = limits_.next_ordinal;
  const uint64_t id = initiator_ ? 2 * ordinal - 1 : 2 * ordinal;
  Channel* channel = make_channel(id, false);
  if (channel == nullptr) return nullptr;
  if (!channel->configure_open(now, config, service, service_length, metadata, metadata_length)) {
    all_channels_.remove(channel);
    idle_watched_.remove(channel);
    control_.remove(channel);
    channels_.erase(id);
    endpoint_.memory().destroy(channel);
    return nullptr;
  }
  limits_.next_ordinal++;
  totals_.channels_opened++;
  if (ordinal <= limits_.allowed) channel->allow_open();
  rearm(now);
  return channel;
}

void Session::on_channel_gone(Channel* channel) {
  active_.remove(channel);
  control_.remove(channel);
  counts_.remove(channel);
  idle_watched_.remove(channel);
}

void Session::free_channel(Channel* channel) {
  if (channel->incoming()) {
    if (!channel->announced()) limits_.unannounced--;
    // Only now, when nothing of it is left, may the peer have another one instead.
    limits_.remote_gone++;
    const uint64_t limit = limits_.remote_gone + endpoint_.config().max_channels;
    // Half of what the peer may use at once is a good moment to tell it.
    if (limit >= limits_.told + std::max(endpoint_.config().max_channels / 2, 1u) &&
        state_ == State::kOpen) {
      max_channels_wanted_ = true;
      runtime_.make_ready(this);
    }
  }
  channels_.erase(channel->id());
  all_channels_.remove(channel);
  active_.remove(channel);
  control_.remove(channel);
  counts_.remove(channel);
  idle_watched_.remove(channel);
  runtime_.bury(channel);
  maybe_bury();
}

void Session::activate(Channel* channel) {
  active_.push_back(channel);
  if (state_ == State::kOpen) runtime_.make_ready(this);
}

void Session::want_control(Channel* channel) {
  control_.push_back(channel);
  if (state_ == State::kOpen) runtime_.make_ready(this);
}

void Session::want_count(Channel* channel, Time now, bool at_once, Duration timeout) {
  const bool first = !counts_.linked(channel);
  counts_.push_back(channel);
  if (at_once) acks_.request_now(AckCause::kMessages);
  if (first && timeout != 0) count_deadline_ = std::min(count_deadline_, now + timeout);
}

void Session::want_counted(Channel* channel, AckCause cause) {
  counts_.push_back(channel);
  acks_.request_now(cause);
  if (state_ == State::kOpen) runtime_.make_ready(this);
}

void Session::arm(RuntimeTimer& timer, Time deadline) {
  if (deadline == kNever) {
    runtime_.wheel().cancel(timer);
  } else {
    runtime_.wheel().arm(timer, deadline);
  }
}

Duration Session::round_trip_bound() const { return path_.rtt.pto_base(); }

void Session::advise_channels() {
  for (Channel* c = all_channels_.front(); c != nullptr; c = all_channels_.next(c)) {
    c->advise(reception_.loss());
  }
}

void Session::watch_idle(Channel* channel, Time now) {
  idle_watched_.push_back(channel);
  idle_check_ = std::min(idle_check_, channel->idle_deadline());
  rearm(now);
}

void Session::check_idle_channels(Time now) {
  idle_check_ = kNever;
  Channel* next = nullptr;
  for (Channel* c = idle_watched_.front(); c != nullptr; c = next) {
    next = idle_watched_.next(c);
    if (c->idle_deadline() <= now) {
      c->on_idle(now);
    } else {
      idle_check_ = std::min(idle_check_, c->idle_deadline());
    }
  }
}

// --- Counters.

SessionCounters Session::counters() const {
  SessionCounters c{};
  static_cast<SessionTotals&>(c) = totals_;
  c.packets_lost = loss_.lost_packets();
  c.packets_acknowledged = loss_.acked_packets();
  c.spurious_losses = loss_.spurious();
  c.packets_in_flight = loss_.packets_in_flight();
  c.bytes_in_flight = loss_.bytes_in_flight();
  c.congestion_window = path_.congestion.window();
  c.congestion_algorithm = path_.congestion.algorithm();
  c.pacing_rate = path_.congestion.pacing_rate(path_.rtt);
  c.smoothed_rtt = path_.rtt.has_sample() ? path_.rtt.smoothed() : 0;
  c.minimum_rtt = path_.rtt.minimum();
  c.rtt_variation = path_.rtt.has_sample() ? path_.rtt.variation() : 0;
  c.channels = channels_.size();
  c.receive_loss = reception_.loss();
  c.path_datagram = path_.datagram();
  c.black_holes = path_.mtu.black_holes();
  return c;
}

}  // namespace hawser::transport
