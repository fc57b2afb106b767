#include "engine/host.h"

#include <cerrno>

#include "engine/socket_set.h"

namespace hawser::engine {

Host::Host(transport::Runtime& runtime, const transport::EndpointConfig& config,
           transport::Security& security)
    : memory_(runtime.memory()), endpoint_(runtime, config, security), timer_(this) {}

Host::~Host() {
  for (size_t i = 0; i < socket_count_; i++) sockets_[i].~HostSocket();
  memory_.release(sockets_, socket_count_ * sizeof(HostSocket));
  memory_.destroy(link_);
}

bool Host::open(const HostOptions& options, SocketSet* set, HostError* error) {
  const size_t count = options.address_count;
  *error = {0, ENOMEM};
  group_ = options.group;
  member_ = options.member;
  if (group_ != nullptr) endpoint_.join(group_, member_);
  if (options.impairment != nullptr && options.impairment->active()) {
    link_ = memory_.create<ImpairedLink>(*options.impairment);
    if (link_ == nullptr) return false;
  }
  if (count == 0) return true;
  sockets_ = static_cast<HostSocket*>(memory_.allocate(count * sizeof(HostSocket)));
  if (sockets_ == nullptr) return false;
  socket_count_ = count;
  for (size_t i = 0; i < count; i++) {
    auto* socket = new (&sockets_[i]) HostSocket;
    socket->host = this;
    socket->index = static_cast<uint32_t>(i);
  }
  for (size_t i = 0; set == nullptr && i < count; i++) {
    sockets_[i].simulated = true;
    sockets_[i].simulated_address = options.addresses[i];
  }
  for (size_t i = 0; set != nullptr && i < count; i++) {
    int code = sockets_[i].udp.open(options.addresses[i], options.sockets);
    if (code == 0) {
      code = set->add(&sockets_[i]);
      if (code != 0) sockets_[i].udp.close();
    }
    if (code != 0) {
      close_sockets(set);
      *error = {i, code};
      return false;
    }
    // Probes that are cut up on the way find out nothing (RFC 8899, section 3).
    if (!sockets_[i].udp.features().dont_fragment) endpoint_.fix_path_datagram();
  }
  return true;
}

int Host::share_ports() {
  for (size_t i = 0; i < socket_count_; i++) {
    if (const int error = sockets_[i].udp.share_port(); error != 0) return error;
  }
  return 0;
}

int Host::steer() {
  net::FilterInstruction program[Steering::kProgramLength];
  group_->steering().write_program(program);
  for (size_t i = 0; i < socket_count_; i++) {
    const int error = sockets_[i].udp.steer(program, Steering::kProgramLength);
    if (error != 0) return error;
  }
  return 0;
}

bool Host::pass(const transport::PathAddress& from, const uint8_t* data, size_t length) {
  const uint32_t owner = group_->steering().member_for(data, length);
  if (owner == member_) return false;
  group_->hand_over(owner, from, data, length, false);
  return true;
}

size_t Host::receive_handed_over(transport::Time now) {
  HandOverQueue& queue = group_->queue(member_);
  if (queue.empty()) return 0;
  const size_t count = queue.take_all([&](const HandOverQueue::Item& item) {
    endpoint_.receive_handed_over(now, item.from, item.data, item.length, item.admitted);
  });
  handed_over_ += count;
  return count;
}

void Host::close_sockets(SocketSet* set) {
  for (size_t i = 0; i < socket_count_; i++) {
    sockets_[i].simulated = false;
    if (!sockets_[i].udp.is_open()) continue;
    set->remove(&sockets_[i]);
    sockets_[i].udp.close();
    sockets_[i].blocked = false;
  }
  if (link_ != nullptr) link_->clear();
}

int Host::socket_for(const net::Address& to) const {
  int best = -1;
  int best_score = 0;
  for (size_t i = 0; i < socket_count_; i++) {
    const net::Address& local = sockets_[i].local_address();
    if (!sockets_[i].is_open() || local.family != to.family) continue;
    // Bound to the loopback interface: reaches nothing else. Bound to another one: reaches
    // this machine too, but a wildcard or loopback socket does so with the expected address.
    int score = 1;
    if (local.is_wildcard()) {
      score = 2;
    } else if (local.is_loopback()) {
      score = to.is_loopback() ? 3 : 0;
    } else if (!to.is_loopback()) {
      score = local.is_link_local() == to.is_link_local() ? 3 : 1;
    }
    if (score > best_score) {
      best = static_cast<int>(i);
      best_score = score;
    }
  }
  return best;
}

void Host::move_socket(size_t index, const net::Address& address) {
  if (index < socket_count_ && sockets_[index].simulated)
    sockets_[index].simulated_address = address;
}

uint32_t Host::take_events() {
  const uint32_t events = events_;
  events_ = 0;
  return events;
}

net::SocketCounters Host::counters() const {
  net::SocketCounters sum;
  for (size_t i = 0; i < socket_count_; i++) {
    // A closed one keeps its counters, and has none of the other kind.
    const net::SocketCounters& simulated = sockets_[i].simulated_counters;
    sum.datagrams_in += simulated.datagrams_in;
    sum.datagrams_out += simulated.datagrams_out;
    sum.bytes_in += simulated.bytes_in;
    sum.bytes_out += simulated.bytes_out;
    const net::SocketCounters& one = sockets_[i].udp.counters();
    sum.datagrams_in += one.datagrams_in;
    sum.datagrams_out += one.datagrams_out;
    sum.bytes_in += one.bytes_in;
    sum.bytes_out += one.bytes_out;
    sum.syscalls_in += one.syscalls_in;
    sum.syscalls_out += one.syscalls_out;
    sum.trains_in += one.trains_in;
    sum.trains_out += one.trains_out;
    sum.would_block_out += one.would_block_out;
    sum.truncated += one.truncated;
    sum.foreign += one.foreign;
    const net::SocketErrorCounters& out = one.errors_out;
    // Only the total is reported; which error it was is for a debugger.
    sum.errors_out.other += out.refused + out.unreachable + out.not_permitted + out.too_big +
                            out.no_buffers + out.other;
  }
  return sum;
}

}  // namespace hawser::engine
