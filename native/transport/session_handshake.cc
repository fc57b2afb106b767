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
  runtime_.abandon(keys_.handshake);
  keys_.handshake = nullptr;
  if (opening_ != nullptr) opening_->waiting.release();
  keys_.renewal = Renewal::kNone;
  keys_.crypto_wanted = false;
}

bool Session::begin_opening(Time now, Time deadline) {
  if (!path_.congestion.ready()) return false;
  opening_ = endpoint_.memory().create<Opening>(endpoint_.memory(), now, deadline);
  return opening_ != nullptr;
}

void Session::drop_opening() {
  endpoint_.memory().destroy(opening_);
  opening_ = nullptr;
}

void Session::fail_handshake(Time now, wire::Code code, const char* why) {
  become_gone(now, CloseReason::make(ClosedBy::kFailure, code, why, std::strlen(why)));
}

void Session::on_handshake(Time now, Handshake* /*handshake*/) {
  switch (state_) {
    case State::kConnecting:
      if (opening_->flight == nullptr) {
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
  if (!begin_opening(now, deadline) || !opening_->keep_candidates(addresses, count)) return false;
  Security& security = endpoint_.security();
  keys_.suite = security.suite();
  wire::InitHeader header;
  header.suite = keys_.suite;
  header.source = local_id_;
  wire::InitPayload payload{};
  payload.initiator = endpoint_.id();
  payload.parameters = parameters(endpoint_.config());
  if (!security.reset_token(local_id_, &payload.reset)) return false;
  keys_.handshake =
      endpoint_.counted(security.initiate(runtime_.memory(), remote_, header, payload));
  if (keys_.handshake == nullptr) return false;
  keys_.handshake->session = this;
  runtime_.submit(keys_.handshake);
  state_ = State::kConnecting;
  announced_ = true;
  path_.address = opening_->candidates[0];
  last_received_ = now;
  rearm(now);
  return true;
}

void Session::on_init_computed(Time now) {
  if (!keys_.handshake->succeeded()) {
    fail_handshake(now, wire::Code::kNoError, "the id is not that of a peer");
    return;
  }
  uint8_t key[crypto::SipHash::kKeyBytes];
  if (!endpoint_.security().mac_key(remote_, key) || !opening_->keep_flight(wire::kInitBytes)) {
    fail_handshake(now, wire::Code::kOutOfMemory, "out of memory");
    return;
  }
  wire::InitHeader header;
  header.suite = keys_.suite;
  header.source = local_id_;
  wire::write_init_header(opening_->flight, header);
  std::memcpy(wire::init_message(opening_->flight), keys_.handshake->message(),
              wire::kInitMessageBytes);
  InitGuard::sign_mac1(key, opening_->flight);
  std::memset(wire::init_mac2(opening_->flight), 0, wire::kHandshakeMacBytes);
  opening_->next_init = now;
  opening_->init_pause = kFirstInitPause;
  runtime_.make_ready(this);
  rearm(now);
}

void Session::on_cookie(Time now, const PathAddress& from, const wire::Cookie& cookie) {
  if (state_ != State::kConnecting || opening_->flight == nullptr || opening_->tries == 0) return;
  const size_t candidate = opening_->index_of(from);
  uint8_t key[crypto::SipHash::kKeyBytes];
  if (candidate == opening_->candidate_count || !endpoint_.security().mac_key(remote_, key)) {
    return;
  }
  opening_->tries--;
  if (!InitGuard::cookie_valid(key, opening_->flight, cookie)) {
    endpoint_.mutable_counters().unauthenticated++;
    return;
  }
  // One for each address and pause: whoever sees our INIT can make cookies, and each of them is
  // answered with a packet many times as long.
  if (now >= opening_->next_cookies) {
    opening_->cookies_taken = 0;
    opening_->next_cookies = now + opening_->init_pause;
  }
  if ((opening_->cookies_taken >> candidate & 1) != 0) return;
  opening_->cookies_taken |= 1u << candidate;
  InitGuard::sign_mac2(cookie.cookie, opening_->flight);
  // A cookie is good for the address that it came from; the others have their turn later.
  opening_->next_candidate = candidate;
  opening_->next_init = now;
  runtime_.make_ready(this);
  rearm(now);
}

void Session::on_response(Time now, const PathAddress& from, const uint8_t* message,
                          size_t length) {
  if (state_ != State::kConnecting || opening_->flight == nullptr || opening_->tries == 0) return;
  if (opening_->index_of(from) == opening_->candidate_count) return;
  if (!submit_answer(from, message, length) && !opening_->waiting.push(from, message, length)) {
    return;
  }
  opening_->tries--;
  rearm(now);
}

bool Session::submit_answer(const PathAddress& from, const uint8_t* message, size_t length) {
  if (!keys_.handshake->take_answer(message, length)) return false;
  keys_.handshake->from = from;
  runtime_.submit(keys_.handshake);
  return true;
}

void Session::on_answer_computed(Time now) {
  // Anybody may have sent it: the right one may be here already, or still come.
  if (!keys_.handshake->succeeded()) {
    endpoint_.mutable_counters().unauthenticated++;
    const AnswerQueue::Answer* next = opening_->waiting.pop();
    if (next != nullptr) (void)submit_answer(next->from, next->message, next->length);
    return;
  }
  wire::ResponsePayload payload{};
  if (!wire::read_response_payload(keys_.handshake->payload(), keys_.handshake->payload_length(),
                                   payload)) {
    fail_handshake(now, wire::Code::kNoError, "the peer's answer cannot be read");
    return;
  }
  keys_.handshake->refund();  // as good as gone
  keys_.protection =
      endpoint_.security().protect(endpoint_.memory(), *keys_.handshake, keys_.binding);
  if (keys_.protection == nullptr || !charge_keys() || !ensure_least()) {
    fail_handshake(now, wire::Code::kOutOfMemory, "out of memory");
    return;
  }
  path_.address = keys_.handshake->from;
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
  if (!begin_opening(now, now + kHalfOpenLife) ||
      !opening_->keep_flight(wire::kResponseHeaderBytes + handshake.message_length())) {
    return false;
  }
  wire::ResponseHeader header;
  header.destination = handshake.source;
  uint8_t* message = wire::write_response_header(opening_->flight, header);
  std::memcpy(message, handshake.message(), handshake.message_length());
  keys_.protection = security.protect(endpoint_.memory(), handshake, keys_.binding);
  if (keys_.protection == nullptr || !charge_keys() ||
      !received_.ensure(PacketWindow::kMinimumBits))
    return false;
  state_ = State::kHalfOpen;
  keys_.suite = handshake.suite;
  remote_id_ = handshake.source;
  remote_reset_ = payload.reset;
  remote_parameters_ = payload.parameters;
  path_.mtu.lower_limit(longest_datagram());
  limits_.allowed = payload.parameters.max_channels;
  path_.address = handshake.from;
  init_key_ = handshake.key;
  last_received_ = now;
  opening_->response_wanted = true;
  runtime_.make_ready(this);
  rearm(now);
  return true;
}

bool Session::outlives_init(Time now) const {
  return state_ == State::kHalfOpen && now - opening_->began_at >= kHalfOpenLife;
}

void Session::give_way(Time now) { become_gone(now, CloseReason{}); }

void Session::on_repeated_init(Time now) {
  if (state_ != State::kHalfOpen) return;
  // Who is answered now may take as long as who was answered at first.
  opening_->deadline = now + kHalfOpenLife;
  opening_->response_wanted = true;
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
  if (!ensure_least() || !swap_channel_ids()) return false;
  endpoint_.inherit(this, &proven);
  drop_handshake();
  initiator_ = false;
  local_id_ = proven.local_id_;
  init_key_ = proven.init_key_;
  path_.address = proven.path_.address;
  expects_reset_ = proven.expects_reset_;
  keys_.protection = proven.keys_.protection;
  proven.keys_.protection = nullptr;
  keys_.charged = proven.keys_.charged;
  proven.keys_.charged = 0;
  keys_.suite = proven.keys_.suite;
  std::memcpy(keys_.binding, proven.keys_.binding, sizeof keys_.binding);
  opening_->sent_at = proven.opening_->sent_at;
  totals_.handshakes_sent = proven.totals_.handshakes_sent;
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
  if (totals_.handshakes_sent != 1) return;
  const Duration sample = now - opening_->sent_at;
  // The first DATA that comes may be a later attempt, after any number of lost ones: then the time
  // is no round trip. What is longer than the value assumed without a sample is not believed.
  if (!initiator_ && sample > RttEstimator::kInitialRtt) return;
  path_.rtt.on_sample(sample, 0, 0, true);
}

// --- Both.

bool Session::transmit_handshake(Time now, Train& train) {
  if (state_ == State::kConnecting) {
    if (now < opening_->next_init) {
      runtime_.not_ready(this);
      rearm(now);
      return false;
    }
    opening_->tries = Opening::kTriesPerInit;
    train.to = opening_->candidates[opening_->next_candidate];
    // One INIT to each address, then a pause.
    opening_->next_candidate++;
    if (opening_->next_candidate == opening_->candidate_count) {
      opening_->next_candidate = 0;
      opening_->next_init = now + opening_->init_pause;
      opening_->init_pause = std::min(opening_->init_pause * 2, kLongestInitPause);
      runtime_.not_ready(this);
    }
  } else {
    runtime_.not_ready(this);
    if (!opening_->response_wanted) return false;
    opening_->response_wanted = false;
  }
  if (opening_->flight_length > train.capacity) return false;
  std::memcpy(train.buffer, opening_->flight, opening_->flight_length);
  train.length = opening_->flight_length;
  train.segments = 1;
  train.segment_size = train.length;
  if (totals_.handshakes_sent == 0) opening_->sent_at = now;
  totals_.handshakes_sent++;
  rearm(now);
  return true;
}

}  // namespace hawser::transport
