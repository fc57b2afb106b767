#include "sim/peer.h"

#include <algorithm>
#include <cstring>

#include "sim/application.h"
#include "sim/clear_security.h"
#include "sim/network.h"
#include "transport/noise_security.h"

namespace hawser::sim {

using transport::Channel;
using transport::PathAddress;
using transport::Session;

namespace {

constexpr size_t kGrowth = 16;
// A ring may have grown for a message that then found no room.
constexpr size_t kForRefused = 2u << 20;

// nullptr: there is no libcrypto.
transport::Security* make_security(transport::Memory& memory, const SimNetwork& network,
                                   int index) {
  const wire::PeerIdBytes name = SimPeer::id_of(index);
  if (network.protection() == Protection::kClear) return memory.create<ClearSecurity>(name);
  auto* made = memory.create<transport::NoiseSecurity>();
  transport::NoiseSecurityConfig config;
  config.seed = name.bytes;
  config.suite = network.protection() == Protection::kAes256Gcm
                     ? crypto::AeadSuite::kAes256Gcm
                     : crypto::AeadSuite::kChaCha20Poly1305;
  config.limits = network.protection_limits();
  if (made->init(config)) return made;
  made->retire(memory);
  return nullptr;
}

}  // namespace

SimPeer::SimPeer(SimNetwork& network, int index, const transport::EndpointConfig& config)
    : network_(network),
      index_(index),
      config_(config),
      memory_(network.seed() * 1000 + static_cast<uint64_t>(index)),
      random_(network.seed(), 0x1000 + static_cast<uint64_t>(index)),
      runtime_(new transport::Runtime(memory_, random_, network.now())),
      train_(kTrainBytes) {
  transport::Security* security = make_security(memory_, network, index);
  if (security == nullptr) {
    network.fail("there is no libcrypto");
    security = memory_.create<ClearSecurity>(id_of(index));
  }
  id_ = security->id();
  endpoint_ = std::make_unique<transport::Endpoint>(*runtime_, config_, *security);
  runtime_->set_tap(this);
  endpoint_->set_accepting(true);
}

SimPeer::~SimPeer() {
  if (alive()) destroy();
}

wire::PeerIdBytes SimPeer::id_of(int index) {
  wire::PeerIdBytes id{};
  std::memset(id.bytes, 0xa5, sizeof id.bytes);
  wire::store_u32(id.bytes, static_cast<uint32_t>(index));
  return id;
}

PathAddress SimPeer::address_of(int index, uint32_t move) {
  PathAddress address;
  address.bytes[0] = 0x51;
  wire::store_u32(address.bytes + 1, static_cast<uint32_t>(index));
  address.bytes[7] = static_cast<uint8_t>(move / 2);
  static_assert(PathAddress::kSourceBytes == 8);
  wire::store_u32(address.bytes + 8, move);
  return address;
}

uint32_t SimPeer::move_of(const PathAddress& address) { return wire::load_u32(address.bytes + 8); }

int SimPeer::index_of(const PathAddress& address) {
  return address.bytes[0] == 0x51 ? static_cast<int>(wire::load_u32(address.bytes + 1)) : -1;
}

Session* SimPeer::connect(int remote, transport::Duration give_up_after) {
  const PathAddress address = network_.peer(remote).address();
  Session* session = endpoint_->connect(network_.now(), network_.peer(remote).id(), &address, 1,
                                        network_.now() + give_up_after);
  if (session != nullptr) {
    sessions_[session->local_id().as_u64()] = session;
    network_.oracle().on_connect(session->local_id().as_u64(), index_, remote);
  }
  return session;
}

Session* SimPeer::session(uint64_t connection_id) const {
  const auto found = sessions_.find(connection_id);
  return found == sessions_.end() ? nullptr : found->second;
}

transport::Time SimPeer::next_timeout() const {
  if (!alive()) return transport::kNever;
  if (runtime_->has_events() || runtime_->has_handshakes()) return 0;
  transport::Time next = runtime_->next_timeout();
  for (const auto& [due, handshake] : computing_) next = std::min(next, due);
  return next;
}

void SimPeer::receive(const PathAddress& from, uint8_t* data, size_t length) {
  if (!alive()) return;
  runtime_->set_sink(this);
  endpoint_->receive(network_.now(), from, data, length);
}

void SimPeer::on_timer(uint64_t tag) {
  if (!alive()) return;
  runtime_->set_sink(nullptr);
  network_.application().on_timer(*this, tag);
}

void SimPeer::deliver(Channel& channel) {
  transport::MessageSink* before = runtime_->sink();
  runtime_->set_sink(this);
  channel.deliver(network_.now());
  runtime_->set_sink(before);
}

bool SimPeer::take(Channel& channel, uint64_t first, const uint8_t* run, size_t length,
                   uint32_t count) {
  return network_.application().take(*this, channel, first, run, length, count);
}

void SimPeer::service() {
  // More rounds than any honest work takes: the core keeps itself busy.
  constexpr int kTooManyRounds = 100'000;
  for (int round = 0; alive() && !network_.failed(); round++) {
    if (round == kTooManyRounds) {
      network_.fail("peer %d never comes to rest", index_);
      return;
    }
    runtime_->set_sink(this);
    runtime_->run_timers(network_.now());
    compute_handshakes();
    transmit();
    runtime_->set_sink(nullptr);
    handle_events();
    network_.application().after_batch(*this);
    if (!runtime_->has_events() && !runtime_->has_output() && !runtime_->has_handshakes()) break;
  }
  check();
}

void SimPeer::compute_handshakes() {
  const transport::Time now = network_.now();
  while (transport::Handshake* handshake = runtime_->next_handshake()) {
    handshake->compute();
    const transport::Duration longest = network_.longest_computation();
    const auto span = static_cast<uint64_t>(longest) + 1;
    const auto takes = static_cast<transport::Duration>(longest == 0 ? 0 : random_.next() % span);
    computing_.emplace_back(now + takes, handshake);
  }
  for (size_t i = 0; i < computing_.size();) {
    transport::Handshake* handshake = computing_[i].second;
    if (computing_[i].first > now) {
      i++;
      continue;
    }
    computing_.erase(computing_.begin() + static_cast<long>(i));
    runtime_->finish(now, handshake);
  }
}

void SimPeer::on_packet(const Session& session, uint64_t number, const uint8_t* frames,
                        size_t length) {
  const size_t at = clear_.size();
  clear_.resize(at + wire::kPacketOverhead + length);
  uint8_t* out = wire::write_data_header(
      clear_.data() + at,
      wire::DataHeader{session.remote_id(), static_cast<uint32_t>(number), false});
  std::memcpy(out, frames, length);
  // Keys differ from run to run; what is compared and shown must not.
  wire::FrameReader reader(out, length);
  wire::Frame frame;
  while (reader.next(frame) == wire::FrameReader::Next::kFrame) {
    if (frame.type() != wire::FrameType::kCrypto) continue;
    std::memset(out + (frame.crypto.message - out), 0, frame.crypto.length);
  }
  clear_lengths_.push_back(wire::kPacketOverhead + length);
  network_.oracle().on_packet(*this, session);
}

void SimPeer::transmit() {
  transport::Train train;
  train.buffer = train_.data();
  train.capacity = train_.size();
  clear_.clear();
  clear_lengths_.clear();
  while (runtime_->transmit(network_.now(), train)) {
    if (network_.failed()) return;
    if (train.length == 0 || train.segment_size == 0 || train.length > train.capacity ||
        train.segments != (train.length + train.segment_size - 1) / train.segment_size ||
        train.segments > train.max_segments || train.from != endpoint_.get()) {
      network_.fail("peer %d built a train that contradicts itself", index_);
      return;
    }
    const int to = index_of(train.to);
    const bool refused = train.has_packets && network_.refuses(index_, to, train.segment_size);
    network_.oracle().begin_train(refused);
    size_t segment = 0;
    size_t clear_at = 0;
    for (size_t at = 0; at < train.length; at += train.segment_size) {
      Datagram datagram;
      datagram.data = train.buffer + at;
      datagram.length = std::min(train.length - at, train.segment_size);
      if (segment < clear_lengths_.size()) {
        datagram.clear = clear_.data() + clear_at;
        if (clear_lengths_[segment] != datagram.length) {
          network_.fail("peer %d sealed %zu bytes to %zu", index_, clear_lengths_[segment],
                        datagram.length);
        }
        clear_at += clear_lengths_[segment++];
      } else if (datagram.data[0] >= 0x90) {
        datagram.clear = datagram.data;
      }
      network_.send(index_, train.to, datagram);
    }
    network_.oracle().end_train(*this);
    if (refused) {
      endpoint_->on_refused(network_.now(), train.session, train.first_number, 0,
                            train.segment_size);
    }
    clear_.clear();
    clear_lengths_.clear();
    train.max_segments = 64;
    train.segments = train.segment_size = train.length = 0;
  }
}

void SimPeer::handle_events() {
  while (Session* session = runtime_->next_session()) {
    const uint32_t events = session->take_events();
    const uint64_t id = session->local_id().as_u64();
    if ((events & transport::kSessionOpen) != 0) sessions_[id] = session;
    if ((events & transport::kSessionClosed) != 0) sessions_.erase(id);
    network_.note(3, events);
    network_.application().on_session(*this, *session, events);
  }
  while (Channel* channel = runtime_->next_channel()) {
    const uint32_t events = channel->take_events();
    network_.note(4, events);
    network_.application().on_channel(*this, *channel, events);
  }
}

void SimPeer::check() {
  if (memory_.misuse() != nullptr) network_.fail("peer %d: %s", index_, memory_.misuse());
  if (memory_bound_ == 0 || memory_.in_use() <= memory_bound_ + kGrowth * most_held_) return;
  if (held_) most_held_ = std::max(most_held_, held_());
  size_t bound = memory_bound_ + kGrowth * most_held_;
  if (memory_.refused() != 0) bound += kForRefused;
  if (memory_.in_use() > bound) {
    network_.fail("peer %d uses %zu bytes of memory, bound %zu", index_, memory_.in_use(), bound);
  }
}

void SimPeer::destroy() {
  sessions_.clear();
  runtime_->set_sink(nullptr);
  endpoint_->destroy_all();
  endpoint_.reset();
  for (const auto& [due, handshake] : computing_) runtime_->finish(network_.now(), handshake);
  computing_.clear();
  runtime_.reset();
  if (memory_.in_use() != 0 || memory_.blocks() != 0) {
    network_.fail("peer %d left %zu bytes in %zu blocks", index_, memory_.in_use(),
                  memory_.blocks());
  }
  if (memory_.misuse() != nullptr) network_.fail("peer %d: %s", index_, memory_.misuse());
}

}  // namespace hawser::sim
