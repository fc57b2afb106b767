#include "engine/engine.h"

#include <algorithm>
#include <cerrno>

#include "transport/noise_security.h"

namespace hawser::engine {

using transport::kNever;
using transport::Time;

Engine::Engine(Time now, size_t memory_limit, const Surroundings& surroundings)
    : memory_(memory_limit),
      network_(surroundings.network),
      runtime_(memory_, surroundings.random == nullptr ? random_ : *surroundings.random, now),
      wheel_(now) {}

Engine::~Engine() {
  while (Host* host = hosts_.front()) destroy_host(host);
  wheel_.cancel(alarm_);
}

int Engine::open() {
  const bool can_send = queue_.init();
  if (network_ != nullptr) return can_send ? 0 : ENOMEM;
  const int error = sockets_.open();
  if (error != 0) return error;
  if (!can_send || !batch_.init()) return ENOMEM;
  return 0;
}

// --- Hosts.

Host* Engine::create_host(const HostOptions& options, HostError* error) {
  auto* security = memory_.create<transport::NoiseSecurity>();
  if (security == nullptr) {
    *error = {0, ENOMEM};
    return nullptr;
  }
  transport::NoiseSecurityConfig keys;
  keys.seed = options.identity_seed;
  keys.network_key = options.network_key;
  keys.suite = crypto::preferred_suite();
  if (!security->init(keys)) {
    security->retire(memory_);
    *error = {0, ENOSYS};
    return nullptr;
  }
  auto* host = memory_.create<Host>(runtime_, options.endpoint, *security);
  if (host == nullptr) {
    security->retire(memory_);
    *error = {0, ENOMEM};
    return nullptr;
  }
  if (!host->open(options, network_ == nullptr ? &sockets_ : nullptr, error)) {
    memory_.destroy(host);
    return nullptr;
  }
  host->endpoint_.user = reinterpret_cast<uintptr_t>(host);
  hosts_.push_back(host);
  if (options.group != nullptr) grouped_ = host;
  return host;
}

void Engine::close_host(Host* host, Time now, wire::Code code, const char* reason,
                        size_t reason_length) {
  if (host->closing_) return;
  host->closing_ = true;
  host->closing_until_ = now + kLinger;
  host->endpoint_.set_accepting(false);
  host->endpoint_.close_all(now, code, reason, reason_length);
  closing_.push_back(host);
  rearm(host);
  // Nobody to take leave of: the next look at the timers closes it.
  if (host->endpoint_.session_count() == 0) wheel_.arm(host->timer_, now);
}

void Engine::destroy_host(Host* host) {
  queue_.forget(host);
  if (grouped_ == host) grouped_ = nullptr;
  hosts_.remove(host);
  closing_.remove(host);
  reports_.remove(host);
  wheel_.cancel(host->timer_);
  host->endpoint_.destroy_all();
  guess_.forget();
  host->close_sockets(&sockets_);
  memory_.destroy(host);
}

void Engine::report(Host* host, uint32_t event) {
  host->events_ |= event;
  reports_.push_back(host);
}

void Engine::finish_closed(Time now) {
  for (Host* host = closing_.front(); host != nullptr;) {
    Host* next = closing_.next(host);
    const bool silent = host->endpoint_.session_count() == 0 &&
                        (host->link_ == nullptr || host->link_->next_release() == kNever);
    if (silent || now >= host->closing_until_) {
      queue_.forget(host);
      guess_.forget();
      host->close_sockets(&sockets_);
      closing_.remove(host);
      host->closing_until_ = kNever;
      wheel_.cancel(host->timer_);
      report(host, kHostClosed);
    }
    host = next;
  }
}

bool Engine::take_alarm() {
  const bool due = alarm_due_;
  alarm_due_ = false;
  return due;
}

// --- Receiving.

size_t Engine::receive(Time now, size_t max_bytes) {
  size_t datagrams = grouped_ == nullptr ? 0 : grouped_->receive_handed_over(now);
  size_t guessed = 0;
  if (HostSocket* guess = guess_.next()) {
    guessed = receive_from(guess, now, 1);
    if (guessed > 1) guess_.forget();
  }
  datagrams += guessed;
  if (guessed != 1) datagrams += receive_ready(now, max_bytes);
  count_progress(datagrams);
  return datagrams;
}

size_t Engine::receive_ready(Time now, size_t max_bytes) {
  ReadySocket ready[SocketSet::kMaxReady];
  const size_t count = sockets_.ready(ready, SocketSet::kMaxReady);
  if (count == 0) return 0;
  // A share each, so that one busy socket does not starve the others; at least one full read.
  const size_t share = std::max(max_bytes / count, net::ReceiveBatch::kBufferBytes);
  size_t datagrams = 0;
  HostSocket* source = nullptr;
  for (size_t i = 0; i < count; i++) {
    if (ready[i].writable) on_writable(ready[i].socket, now);
    if (!ready[i].readable) continue;
    const size_t got = receive_from(ready[i].socket, now, share);
    // Of several sockets, which does not matter: that is more than one datagram in all.
    if (got != 0 && ready[i].socket->udp.is_open()) source = ready[i].socket;
    datagrams += got;
  }
  guess_.learn(source, datagrams);
  return datagrams;
}

void Engine::receive_datagram(Time now, Host* host, size_t socket, const net::Address& from,
                              uint8_t* data, size_t length) {
  if (socket >= host->socket_count_ || !host->sockets_[socket].simulated) return;
  net::SocketCounters& counters = host->sockets_[socket].simulated_counters;
  counters.datagrams_in++;
  counters.bytes_in += length;
  host->endpoint_.receive(now, to_path_address(from, static_cast<uint32_t>(socket)), data, length);
  count_progress(1);
}

size_t Engine::receive_from(HostSocket* socket, Time now, size_t budget) {
  // What a datagram costs beyond its bytes; bounds the work when many are small or dropped.
  constexpr size_t kReadCost = 256;
  Host* host = socket->host;
  const uint32_t index = socket->index;
  size_t datagrams = 0;
  for (size_t used = 0; used < budget;) {
    const net::ReceiveResult result = socket->udp.receive(&batch_);
    if (result.status == net::IoStatus::kWouldBlock) break;
    if (result.status == net::IoStatus::kError) {
      on_receive_error(socket, result.error);
      break;
    }
    socket->receive_errors = 0;
    batch_.for_each_datagram([&](const net::Address& from, uint8_t* data, size_t size) {
      host->receive(now, to_path_address(from, index), data, size);
    });
    datagrams += result.datagrams;
    used += result.bytes + kReadCost;
  }
  return datagrams;
}

void Engine::on_receive_error(HostSocket* socket, int error) {
  const bool broken = error == EBADF || error == ENOTSOCK || error == EINVAL || error == EFAULT;
  if (!broken && ++socket->receive_errors < kMaxReceiveErrors) return;
  queue_.forget(socket);
  guess_.forget();
  sockets_.remove(socket);
  socket->udp.close();
  socket->blocked = false;
  socket->host->failure_ = error;
  report(socket->host, kHostFailed);
}

// --- Sending.

void Engine::set_blocked(HostSocket* socket, bool blocked) {
  if (socket->blocked == blocked) return;
  socket->blocked = blocked;
  sockets_.want_write(socket, blocked);
}

void Engine::on_writable(HostSocket* socket, Time now) {
  set_blocked(socket, false);
  if (socket->host->link_ != nullptr) release_due(socket->host, now);
}

void Engine::transmit(Time now) {
  // What a full socket has left goes first.
  if (!queue_.empty() && (stalled() || !flush(now))) return;
  // Again for what sessions build in place of what was refused.
  for (size_t sent = 0; sent < kTransmitBudget && runtime_.has_output();) {
    sent += gather(now, kTransmitBudget - sent);
    if (!queue_.empty() && !flush(now)) return;
  }
}

size_t Engine::gather(Time now, size_t budget) {
  size_t bytes = 0;
  while (bytes < budget && !queue_.due() && runtime_.has_output()) {
    transport::Train train;
    train.buffer = queue_.room();
    train.capacity = SendQueue::kTrainBytes;
    train.max_segments = SendQueue::kMaxSegments;
    if (!runtime_.transmit(now, train)) break;
    send(now, train);
    bytes += train.length;
  }
  return bytes;
}

bool Engine::flush(Time now) {
  const SendQueue::Flushed flushed = queue_.flush(now);
  count_progress(flushed.datagrams);
  if (flushed.full != nullptr) set_blocked(flushed.full, true);
  return flushed.full == nullptr;
}

void Engine::send(Time now, const transport::Train& train) {
  auto* host = reinterpret_cast<Host*>(static_cast<uintptr_t>(train.from->user));
  const Path path = from_path_address(train.to);
  if (network_ != nullptr) {
    send_to_network(host, path, train);
    return;
  }
  // A socket that is gone is a network that loses everything.
  if (path.socket >= host->socket_count_ || !host->sockets_[path.socket].udp.is_open()) return;
  if (host->link_ != nullptr) {
    send_impaired(now, host, path, train);
    return;
  }
  queue_.push(&host->sockets_[path.socket], path.address, train);
}

void Engine::send_to_network(Host* host, const Path& path, const transport::Train& train) {
  const bool open = path.socket < host->socket_count_ && host->sockets_[path.socket].simulated;
  if (open) {
    net::SocketCounters& counters = host->sockets_[path.socket].simulated_counters;
    counters.datagrams_out += train.segments;
    counters.bytes_out += train.length;
  }
  network_->send(open ? &host->sockets_[path.socket] : nullptr, path.address, train.buffer,
                 train.length, train.segment_size);
  count_progress(train.segments);
}

void Engine::send_impaired(Time now, Host* host, const Path& path, const transport::Train& train) {
  for (size_t offset = 0; offset < train.length; offset += train.segment_size) {
    host->link_->push(now, path.address, path.socket, train.buffer + offset,
                      std::min(train.segment_size, train.length - offset));
  }
  release_due(host, now);
}

bool Engine::transmit_foreign(Time now, transport::Session& session, const uint8_t* frames,
                              size_t length) {
  transport::Train train;
  train.buffer = queue_.room();
  train.capacity = SendQueue::kTrainBytes;
  if (!queue_.empty() || !session.build_foreign(now, frames, length, train)) return false;
  send(now, train);
  flush(now);
  return true;
}

void Engine::release_due(Host* host, Time now) {
  while (const net::DelayedDatagram* datagram = host->link_->front(now)) {
    HostSocket* socket = &host->sockets_[datagram->tag];
    if (socket->udp.is_open()) {
      if (socket->blocked) break;
      const net::SendResult result =
          socket->udp.send_train(datagram->address, datagram->data, datagram->size, datagram->size);
      count_progress(result.segments);
      if (result.status == net::IoStatus::kWouldBlock) {
        set_blocked(socket, true);
        break;
      }
    }
    host->link_->pop();
  }
  rearm(host);
}

// --- Time.

void Engine::rearm(Host* host) {
  Time due = host->closing_until_;
  // What waits for a full socket is released by on_writable().
  if (host->link_ != nullptr && !host->link_->waiting()) {
    due = std::min(due, host->link_->next_release());
  }
  wheel_.arm(host->timer_, due);
}

void Engine::compute_handshakes(Time now) {
  while (transport::Handshake* next = runtime_.next_handshake()) {
    next->compute();
    runtime_.finish(now, next);
  }
}

void Engine::run_timers(Time now) {
  runtime_.run_timers(now);
  if (runtime_.has_handshakes()) {
    if (computer_ != nullptr) {
      computer_->look();
    } else {
      compute_handshakes(now);
    }
  }
  while (transport::TimerWheel::Entry* entry = wheel_.pop_expired(now)) {
    Host* host = static_cast<Host::Timer*>(entry)->host;
    if (host == nullptr) {
      alarm_due_ = true;
    } else if (host->link_ != nullptr) {
      release_due(host, now);
    }
  }
  if (!closing_.empty()) finish_closed(now);
}

bool Engine::resting() const {
  if (runtime_.has_output() || has_events() || !closing_.empty()) return false;
  bool resting = true;
  for (const Host* host = hosts_.front(); host != nullptr && resting; host = hosts_.next(host)) {
    host->endpoint_.each_session(
        [&resting](const transport::Session* session) { resting = resting && session->resting(); });
  }
  return resting;
}

Time Engine::next_timeout() const {
  // What is left, should the socket that it waited behind be gone.
  if (!queue_.empty() && !stalled()) return 0;
  const Time due = stalled() ? const_cast<transport::Runtime&>(runtime_).wheel().next_expiry()
                             : runtime_.next_timeout();
  return std::min(due, wheel_.next_expiry());
}

}  // namespace hawser::engine
