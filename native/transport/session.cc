#include "transport/session.h"

#include <algorithm>

#include "transport/endpoint.h"
#include "transport/runtime.h"

namespace hawser::transport {

namespace {

constexpr Duration kFirstInitPause = 250 * kMillisecond;
constexpr Duration kHalfOpenLife = 10 * kSecond;
constexpr Duration kLongestClosing = 30 * kSecond;
// Packet numbers below this are looked for among duplicates; a path that reorders more loses them.
constexpr size_t kDuplicateWindow = 8192;

}  // namespace

Session::Session(Endpoint& endpoint, bool initiator, const wire::ConnectionId& local_id)
    : endpoint_(endpoint),
      runtime_(endpoint.runtime()),
      initiator_(initiator),
      local_id_(local_id),
      received_(runtime_.memory()),
      acks_(runtime_.memory()),
      loss_(runtime_.memory()),
      congestion_(endpoint.config().path_datagram),
      refs_(runtime_.memory()),
      next_number_(runtime_.random().next() & wire::kMaxFirstPacketNumber),
      channels_(runtime_.memory(), runtime_.random().next()),
      local_channel_limit_(endpoint.config().max_channels),
      remote_used_(runtime_.memory()),
      timer_(this) {
  loss_.start_at(next_number_);
  AckPolicy policy;
  policy.max_delay = endpoint.config().max_ack_delay;
  acks_.set_policy(policy);
  peer_policy_ = AckPolicy{};
}

Session::~Session() {
  runtime_.wheel().cancel(timer_);
  runtime_.memory().release(candidates_, candidate_count_ * sizeof(PathAddress));
}

uint32_t Session::initial_credit() const { return endpoint_.config().initial_credit; }
uint32_t Session::max_credit() const { return endpoint_.config().max_credit; }
uint64_t Session::first_sequence() const { return endpoint_.config().first_sequence; }

// --- Life.

bool Session::start_connecting(Time now, const wire::PeerIdBytes& remote,
                               const PathAddress* addresses, size_t count, Time deadline) {
  count = std::min(count, kMaxCandidates);
  candidates_ = static_cast<PathAddress*>(runtime_.memory().allocate(count * sizeof(PathAddress)));
  if (candidates_ == nullptr) return false;
  candidate_count_ = count;
  std::copy_n(addresses, count, candidates_);
  if (!received_.ensure(kDuplicateWindow)) return false;
  state_ = State::kConnecting;
  announced_ = true;
  remote_ = remote;
  path_ = candidates_[0];
  connect_deadline_ = deadline;
  next_init_ = now;
  init_pause_ = kFirstInitPause;
  last_received_ = now;
  runtime_.make_ready(this);
  rearm(now);
  return true;
}

bool Session::start_half_open(Time now, const PathAddress& from, const wire::Init& init,
                              uint64_t init_key) {
  if (!received_.ensure(kDuplicateWindow)) return false;
  state_ = State::kHalfOpen;
  remote_ = init.initiator;
  remote_id_ = init.source;
  remote_parameters_ = init.parameters;
  peer_channel_limit_ = init.parameters.max_channels;
  path_ = from;
  init_key_ = init_key;
  channels_allowed_ = peer_channel_limit_;
  connect_deadline_ = now + kHalfOpenLife;
  last_received_ = now;
  response_wanted_ = true;
  runtime_.make_ready(this);
  rearm(now);
  return true;
}

void Session::on_repeated_init() {
  // Also once open: the RESPONSE may have been lost while a stray packet came through.
  if (state_ != State::kHalfOpen && state_ != State::kOpen) return;
  response_wanted_ = true;
  runtime_.make_ready(this);
}

void Session::on_response(Time now, const PathAddress& from, const wire::Response& response) {
  if (state_ != State::kConnecting) return;
  const PathAddress* found = std::find(candidates_, candidates_ + candidate_count_, from);
  if (found == candidates_ + candidate_count_) return;
  path_ = from;
  remote_id_ = response.source;
  remote_parameters_ = response.parameters;
  peer_channel_limit_ = response.parameters.max_channels;
  last_received_ = now;
  ping_wanted_ = true;  // proves to the responder that we are there
  open_now(now);
  for (Channel* c = all_channels_.front(); c != nullptr; c = all_channels_.next(c)) {
    c->outbound().raise_credit(remote_parameters_.initial_credit);
  }
  (void)on_max_channels(peer_channel_limit_);
  rearm(now);
}

// INIT to RESPONSE, or RESPONSE to the first DATA, is a round trip, unless it was sent more than
// once: then it is not known which one was answered.
void Session::sample_handshake(Time now) {
  if (counters_.handshakes_sent != 1) return;
  const Duration sample = now - handshake_sent_at_;
  // The first DATA that comes may be a later attempt, after any number of lost ones: then the time
  // is no round trip. What is longer than the value assumed without a sample is not believed.
  if (!initiator_ && sample > RttEstimator::kInitialRtt) return;
  rtt_.on_sample(sample, 0, 0, true);
}

void Session::open_now(Time now) {
  sample_handshake(now);
  state_ = State::kOpen;
  connect_deadline_ = kNever;
  next_init_ = kNever;
  last_received_ = now;
  last_ping_ = now;
  announced_ = true;
  endpoint_.mutable_counters().sessions_opened++;
  notify(kSessionOpen);
  update_rates(now);
  runtime_.make_ready(this);
}

// RFC 9000, section 10.2, asks for three PTOs; a peer that holds back its ACKs must not make them
// minutes.
Duration Session::closing_time() const {
  return std::min<Duration>(3 * loss_.pto(rtt_, peer_max_ack_delay()), kLongestClosing);
}

void Session::close(Time now, wire::Code code, const char* reason, size_t reason_length) {
  if (state_ == State::kGone || state_ == State::kClosing || state_ == State::kDraining) return;
  const CloseReason why = CloseReason::make(ClosedBy::kLocal, code, reason, reason_length);
  if (state_ != State::kOpen) {
    become_gone(now, why);
    return;
  }
  reason_ = why;
  state_ = State::kClosing;
  close_wanted_ = true;
  closing_until_ = now + closing_time();
  close_channels();
  runtime_.make_ready(this);
  rearm(now);
}

void Session::close_channels() {
  Channel* next = nullptr;
  for (Channel* c = all_channels_.front(); c != nullptr; c = next) {
    next = all_channels_.next(c);
    c->on_session_closed(reason_);
  }
}

void Session::destroy_channels() {
  while (Channel* channel = all_channels_.pop_front()) {
    runtime_.forget(channel);
    channels_.erase(channel->id());
    runtime_.memory().destroy(channel);
  }
}

void Session::become_gone(Time /*now*/, const CloseReason& reason) {
  if (state_ == State::kGone) return;
  if (state_ == State::kHalfOpen) endpoint_.on_half_open_done();
  const bool told = state_ == State::kClosing || state_ == State::kDraining;
  state_ = State::kGone;
  if (!told) reason_ = reason;
  runtime_.wheel().cancel(timer_);
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
  endpoint_.mutable_counters().protocol_errors++;
  if (state_ == State::kOpen) {
    reason_ = CloseReason::make(ClosedBy::kFailure, code, detail, std::strlen(detail));
    state_ = State::kClosing;
    close_wanted_ = true;
    closing_until_ = now + closing_time();
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
  auto* channel = runtime_.memory().create<Channel>(*this, id, incoming);
  if (channel == nullptr) return nullptr;
  if (!channels_.insert(id, channel)) {
    runtime_.memory().destroy(channel);
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
  const uint64_t ordinal = next_ordinal_;
  const uint64_t id = initiator_ ? 2 * ordinal - 1 : 2 * ordinal;
  Channel* channel = make_channel(id, false);
  if (channel == nullptr) return nullptr;
  if (!channel->configure_open(now, config, service, service_length, metadata, metadata_length)) {
    all_channels_.remove(channel);
    idle_watched_.remove(channel);
    control_.remove(channel);
    channels_.erase(id);
    runtime_.memory().destroy(channel);
    return nullptr;
  }
  next_ordinal_++;
  counters_.channels_opened++;
  if (ordinal <= channels_allowed_) channel->allow_open();
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
    if (!channel->announced()) unannounced_--;
    // Only now, when nothing of it is left, may the peer have another one instead.
    remote_gone_++;
    const uint64_t limit = remote_gone_ + endpoint_.config().max_channels;
    // Half of what the peer may use at once is a good moment to tell it.
    if (limit >= local_channel_limit_ + std::max(endpoint_.config().max_channels / 2, 1u) &&
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

Duration Session::round_trip_bound() const { return rtt_.pto_base(); }

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
  SessionCounters c = counters_;
  c.packets_lost = loss_.lost_packets();
  c.packets_acknowledged = loss_.acked_packets();
  c.spurious_losses = loss_.spurious();
  c.bytes_in_flight = loss_.bytes_in_flight();
  c.congestion_window = congestion_.window();
  c.smoothed_rtt = rtt_.has_sample() ? rtt_.smoothed() : 0;
  c.minimum_rtt = rtt_.minimum();
  c.rtt_variation = rtt_.has_sample() ? rtt_.variation() : 0;
  c.channels = channels_.size();
  c.receive_loss = reception_.loss();
  return c;
}

}  // namespace hawser::transport
