// How a session comes about: INIT, RESPONSE and COOKIE (PROTOCOL.md 3).

#include <algorithm>
#include <cstring>

#include "transport/endpoint.h"
#include "transport/runtime.h"
#include "transport/session.h"

namespace hawser::transport {

namespace {

constexpr Duration kFirstInitPause = 250 * kMillisecond;
constexpr Duration kLongestInitPause = 4 * kSecond;
// From the last INIT that was answered. After as long from the first one no more are.
constexpr Duration kHalfOpenLife = 10 * kSecond;

}  // namespace

wire::Parameters Session::parameters(const EndpointConfig& config) {
  wire::Parameters parameters;
  parameters.idle_timeout_ms = config.idle_timeout_ms;
  parameters.max_datagram = config.max_datagram;
  parameters.max_ack_delay_us = static_cast<uint32_t>(config.max_ack_delay / kMicrosecond);
  parameters.max_channels = config.max_channels;
  parameters.initial_credit = config.initial_credit;
  return parameters;
}

void Session::drop_handshake() {
  runtime_.abandon(handshake_);
  handshake_ = nullptr;
  answers_waiting_.release();
  renewal_ = Renewal::kNone;
  crypto_wanted_ = false;
}

void Session::drop_first_flight() {
  endpoint_.memory().release(first_flight_, first_flight_length_);
  first_flight_ = nullptr;
  first_flight_length_ = 0;
}

bool Session::keep_first_flight(size_t length) {
  first_flight_ = static_cast<uint8_t*>(endpoint_.memory().allocate(length));
  if (first_flight_ == nullptr) return false;
  first_flight_length_ = length;
  return true;
}

void Session::fail_handshake(Time now, wire::Code code, const char* why) {
  become_gone(now, CloseReason::make(ClosedBy::kFailure, code, why, std::strlen(why)));
}

void Session::on_handshake(Time now, Handshake* /*handshake*/) {
  switch (state_) {
    case State::kConnecting:
      if (first_flight_ == nullptr) {
        on_init_computed(now);
      } else {
        on_answer_computed(now);
      }
      return;
    case State::kOpen:
      on_renewal_computed(now);
      return;
    case State::kHalfOpen:
    case State::kClosing:
    case State::kDraining:
    case State::kGone:
      drop_handshake();
      return;
  }
}

// --- Initiator.

bool Session::start_connecting(Time now, const PathAddress* addresses, size_t count,
                               Time deadline) {
  count = std::min(count, kMaxCandidates);
  candidates_ = static_cast<PathAddress*>(endpoint_.memory().allocate(count * sizeof(PathAddress)));
  if (candidates_ == nullptr) return false;
  candidate_count_ = count;
  std::copy_n(addresses, count, candidates_);
  Security& security = endpoint_.security();
  suite_ = security.suite();
  wire::InitHeader header;
  header.suite = suite_;
  header.source = local_id_;
  wire::InitPayload payload{};
  payload.initiator = endpoint_.id();
  payload.parameters = parameters(endpoint_.config());
  if (!security.reset_token(local_id_, &payload.reset)) return false;
  handshake_ = endpoint_.counted(security.initiate(runtime_.memory(), remote_, header, payload));
  if (handshake_ == nullptr) return false;
  handshake_->session = this;
  runtime_.submit(handshake_);
  state_ = State::kConnecting;
  announced_ = true;
  path_.address = candidates_[0];
  connecting_since_ = now;
  connect_deadline_ = deadline;
  last_received_ = now;
  rearm(now);
  return true;
}

void Session::on_init_computed(Time now) {
  if (!handshake_->succeeded()) {
    fail_handshake(now, wire::Code::kNoError, "the id is not that of a peer");
    return;
  }
  uint8_t key[crypto::SipHash::kKeyBytes];
  if (!endpoint_.security().mac_key(remote_, key) || !keep_first_flight(wire::kInitBytes)) {
    fail_handshake(now, wire::Code::kOutOfMemory, "out of memory");
    return;
  }
  wire::InitHeader header;
  header.suite = suite_;
  header.source = local_id_;
  wire::write_init_header(first_flight_, header);
  std::memcpy(wire::init_message(first_flight_), handshake_->message(), wire::kInitMessageBytes);
  InitGuard::sign_mac1(key, first_flight_);
  std::memset(wire::init_mac2(first_flight_), 0, wire::kHandshakeMacBytes);
  next_init_ = now;
  init_pause_ = kFirstInitPause;
  runtime_.make_ready(this);
  rearm(now);
}

void Session::on_cookie(Time now, const PathAddress& from, const wire::Cookie& cookie) {
  if (state_ != State::kConnecting || first_flight_ == nullptr || tries_ == 0) return;
  const PathAddress* found = std::find(candidates_, candidates_ + candidate_count_, from);
  uint8_t key[crypto::SipHash::kKeyBytes];
  if (found == candidates_ + candidate_count_ || !endpoint_.security().mac_key(remote_, key)) {
    return;
  }
  tries_--;
  if (!InitGuard::cookie_valid(key, first_flight_, cookie)) {
    endpoint_.mutable_counters().unauthenticated++;
    return;
  }
  // One for each address and pause: whoever sees our INIT can make cookies, and each of them is
  // answered with a packet many times as long.
  const auto candidate = static_cast<size_t>(found - candidates_);
  if (now >= next_cookies_) {
    cookies_taken_ = 0;
    next_cookies_ = now + init_pause_;
  }
  if ((cookies_taken_ >> candidate & 1) != 0) return;
  cookies_taken_ |= 1u << candidate;
  InitGuard::sign_mac2(cookie.cookie, first_flight_);
  // A cookie is good for the address that it came from; the others have their turn later.
  next_candidate_ = candidate;
  next_init_ = now;
  runtime_.make_ready(this);
  rearm(now);
}

void Session::on_response(Time now, const PathAddress& from, const uint8_t* message,
                          size_t length) {
  if (state_ != State::kConnecting || first_flight_ == nullptr || tries_ == 0) return;
  const PathAddress* found = std::find(candidates_, candidates_ + candidate_count_, from);
  if (found == candidates_ + candidate_count_) return;
  if (!submit_answer(from, message, length) && !answers_waiting_.push(from, message, length)) {
    return;
  }
  tries_--;
  rearm(now);
}

bool Session::submit_answer(const PathAddress& from, const uint8_t* message, size_t length) {
  if (!handshake_->take_answer(message, length)) return false;
  handshake_->from = from;
  runtime_.submit(handshake_);
  return true;
}

void Session::on_answer_computed(Time now) {
  // Anybody may have sent it: the right one may be here already, or still come.
  if (!handshake_->succeeded()) {
    endpoint_.mutable_counters().unauthenticated++;
    const AnswerQueue::Answer* next = answers_waiting_.pop();
    if (next != nullptr) (void)submit_answer(next->from, next->message, next->length);
    return;
  }
  wire::ResponsePayload payload{};
  if (!wire::read_response_payload(handshake_->payload(), handshake_->payload_length(), payload)) {
    fail_handshake(now, wire::Code::kNoError, "the peer's answer cannot be read");
    return;
  }
  handshake_->refund();  // as good as gone
  protection_ = endpoint_.security().protect(endpoint_.memory(), *handshake_, binding_);
  if (protection_ == nullptr || !charge_keys() || !received_.ensure(kDuplicateWindow)) {
    fail_handshake(now, wire::Code::kOutOfMemory, "out of memory");
    return;
  }
  path_.address = handshake_->from;
  drop_handshake();
  ping_wanted_ = true;  // proves to the responder that we are there
  begin(now, payload.source, payload.reset, payload.parameters);
}

// The peer is known, and so is what it has told us.
void Session::begin(Time now, const wire::ConnectionId& remote_id, const wire::ResetToken& reset,
                    const wire::Parameters& parameters) {
  remote_id_ = remote_id;
  remote_reset_ = reset;
  remote_parameters_ = parameters;
  path_.mtu.lower_limit(longest_datagram());
  // Without memory for it, a reset is not understood and the session ends by its silence.
  if (!expects_reset_) (void)endpoint_.expect_reset(this, reset);
  open_now(now);
  // Messages were pushed, and channels opened, before it was known how much the peer takes.
  for (Channel* c = all_channels_.front(); c != nullptr; c = all_channels_.next(c)) {
    c->outbound().raise_credit(remote_parameters_.initial_credit);
  }
  (void)on_max_channels(remote_parameters_.max_channels);
  rearm(now);
}

// --- Responder.

bool Session::start_half_open(Time now, Handshake& handshake, const wire::InitPayload& payload) {
  Security& security = endpoint_.security();
  if (!keep_first_flight(wire::kResponseHeaderBytes + handshake.message_length())) return false;
  wire::ResponseHeader header;
  header.destination = handshake.source;
  uint8_t* message = wire::write_response_header(first_flight_, header);
  std::memcpy(message, handshake.message(), handshake.message_length());
  protection_ = security.protect(endpoint_.memory(), handshake, binding_);
  if (protection_ == nullptr || !charge_keys() || !received_.ensure(kDuplicateWindow)) return false;
  state_ = State::kHalfOpen;
  suite_ = handshake.suite;
  remote_id_ = handshake.source;
  remote_reset_ = payload.reset;
  remote_parameters_ = payload.parameters;
  peer_channel_limit_ = payload.parameters.max_channels;
  channels_allowed_ = peer_channel_limit_;
  path_.address = handshake.from;
  init_key_ = handshake.key;
  connecting_since_ = now;
  connect_deadline_ = now + kHalfOpenLife;
  last_received_ = now;
  response_wanted_ = true;
  runtime_.make_ready(this);
  rearm(now);
  return true;
}

bool Session::outlives_init(Time now) const {
  return state_ == State::kHalfOpen && now - connecting_since_ >= kHalfOpenLife;
}

void Session::give_way(Time now) { become_gone(now, CloseReason{}); }

void Session::on_repeated_init(Time now) {
  if (state_ != State::kHalfOpen) return;
  // Who is answered now may take as long as who was answered at first.
  connect_deadline_ = now + kHalfOpenLife;
  response_wanted_ = true;
  runtime_.make_ready(this);
}

// Channels that were opened as by an initiator become those of a responder.
bool Session::swap_channel_ids() {
  for (Channel* c = all_channels_.front(); c != nullptr; c = all_channels_.next(c)) {
    if (channels_.insert(c->id() + 1, c)) continue;
    for (Channel* d = all_channels_.front(); d != c; d = all_channels_.next(d)) {
      channels_.erase(d->id() + 1);
    }
    return false;
  }
  for (Channel* c = all_channels_.front(); c != nullptr; c = all_channels_.next(c)) {
    channels_.erase(c->id());
    c->change_id(c->id() + 1);
  }
  return true;
}

bool Session::adopt(Time now, Session& proven) {
  if (!received_.ensure(kDuplicateWindow) || !swap_channel_ids()) return false;
  endpoint_.inherit(this, &proven);
  drop_handshake();
  drop_first_flight();
  initiator_ = false;
  local_id_ = proven.local_id_;
  init_key_ = proven.init_key_;
  path_.address = proven.path_.address;
  expects_reset_ = proven.expects_reset_;
  protection_ = proven.protection_;
  proven.protection_ = nullptr;
  keys_charged_ = proven.keys_charged_;
  proven.keys_charged_ = 0;
  suite_ = proven.suite_;
  std::memcpy(binding_, proven.binding_, sizeof binding_);
  handshake_sent_at_ = proven.handshake_sent_at_;
  counters_.handshakes_sent = proven.counters_.handshakes_sent;
  begin(now, proven.remote_id_, proven.remote_reset_, proven.remote_parameters_);

  // Nobody knows of the other object, and the tables name this one.
  runtime_.wheel().cancel(proven.timer_);
  proven.state_ = State::kGone;
  proven.buried_ = true;
  runtime_.bury(&proven);
  return true;
}

// INIT to RESPONSE, or RESPONSE to the first DATA, is a round trip, unless it was sent more than
// once: then it is not known which one was answered.
void Session::sample_handshake(Time now) {
  if (counters_.handshakes_sent != 1) return;
  const Duration sample = now - handshake_sent_at_;
  // The first DATA that comes may be a later attempt, after any number of lost ones: then the time
  // is no round trip. What is longer than the value assumed without a sample is not believed.
  if (!initiator_ && sample > RttEstimator::kInitialRtt) return;
  path_.rtt.on_sample(sample, 0, 0, true);
}

// --- Both.

bool Session::transmit_handshake(Time now, Train& train) {
  if (state_ == State::kConnecting) {
    if (now < next_init_) {
      runtime_.not_ready(this);
      rearm(now);
      return false;
    }
    tries_ = kTriesPerInit;
    train.to = candidates_[next_candidate_];
    // One INIT to each address, then a pause.
    next_candidate_++;
    if (next_candidate_ == candidate_count_) {
      next_candidate_ = 0;
      next_init_ = now + init_pause_;
      init_pause_ = std::min(init_pause_ * 2, kLongestInitPause);
      runtime_.not_ready(this);
    }
  } else {
    runtime_.not_ready(this);
    if (!response_wanted_) return false;
    response_wanted_ = false;
  }
  if (first_flight_length_ > train.capacity) return false;
  std::memcpy(train.buffer, first_flight_, first_flight_length_);
  train.length = first_flight_length_;
  train.segments = 1;
  train.segment_size = train.length;
  if (counters_.handshakes_sent == 0) handshake_sent_at_ = now;
  counters_.handshakes_sent++;
  rearm(now);
  return true;
}

}  // namespace hawser::transport
