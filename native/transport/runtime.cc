#include "transport/runtime.h"

#include "transport/endpoint.h"

namespace hawser::transport {

void Runtime::run_timers(Time now) {
  collect();
  while (TimerWheel::Entry* entry = wheel_.pop_expired(now)) {
    const auto* timer = static_cast<RuntimeTimer*>(entry);
    if (timer->channel != nullptr) {
      timer->channel->on_timer(now);
    } else {
      timer->session->on_timer(now);
    }
  }
}

void Runtime::submit(Handshake* handshake) {
  handshake->state = Handshake::State::kQueued;
  handshakes_.push_back(handshake);
}

Handshake* Runtime::next_handshake() {
  Handshake* next = handshakes_.pop_front();
  if (next != nullptr) next->state = Handshake::State::kComputing;
  return next;
}

void Runtime::finish(Time now, Handshake* handshake) {
  handshake->state = Handshake::State::kIdle;
  if (handshake->session != nullptr) {
    handshake->session->on_handshake(now, handshake);
  } else if (handshake->endpoint != nullptr) {
    handshake->endpoint->on_handshake(now, handshake);
  } else {
    handshake->security().release(memory_, handshake);
  }
}

void Runtime::abandon(Handshake* handshake) {
  if (handshake == nullptr) return;
  handshake->session = nullptr;
  handshake->endpoint = nullptr;
  // Whose memory it counts in may be gone before it comes back.
  handshake->refund();
  if (handshake->state == Handshake::State::kComputing) return;
  handshakes_.remove(handshake);
  handshake->security().release(memory_, handshake);
}

void Runtime::make_ready(Endpoint* endpoint) { replying_.push_back(endpoint); }
void Runtime::not_ready(Endpoint* endpoint) { replying_.remove(endpoint); }

bool Runtime::transmit(Time now, Train& train) {
  while (Endpoint* endpoint = replying_.front()) {
    if (endpoint->transmit_reply(train)) return true;
    replying_.remove(endpoint);
  }
  while (Session* session = ready_.front()) {
    if (session->transmit(now, train)) {
      train.more = ready_.linked(session);
      return true;
    }
    ready_.remove(session);
  }
  return false;
}

void Runtime::bury(Session* session) {
  sessions_.remove(session);
  ready_.remove(session);
  dead_sessions_.push_back(session);
}

void Runtime::bury(Channel* channel) {
  channels_.remove(channel);
  dead_channels_.push_back(channel);
}

void Runtime::collect() {
  while (Channel* channel = dead_channels_.pop_front()) {
    channel->session().endpoint().memory().destroy(channel);
  }
  while (Session* session = dead_sessions_.pop_front()) {
    session->endpoint().memory().destroy(session);
  }
}

}  // namespace hawser::transport
