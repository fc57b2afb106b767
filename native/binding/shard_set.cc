#include "binding/shard_set.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <vector>

namespace hawser::binding {

namespace {

// The few sessions of one peer are not spread evenly: of its limit each engine may have so many in
// any case, so that a peer that was started anew gets in beside what it has left behind.
constexpr uint32_t kFewestPerPeer = 8;

// Of limits that cannot be counted together each engine has an equal part, rounded up: INITs are
// spread evenly.
void divide(uint32_t parts, transport::EndpointConfig* config) {
  const uint32_t per_peer = std::min(config->max_sessions_per_peer, kFewestPerPeer);
  for (uint32_t* limit :
       {&config->max_sessions_per_peer, &config->max_half_open, &config->cookies_above,
        &config->unproven_rate, &config->handshake_rate, &config->reset_rate}) {
    *limit = *limit / parts + (*limit % parts == 0 ? 0 : 1);
  }
  config->max_sessions_per_peer = std::max(config->max_sessions_per_peer, per_peer);
}

}  // namespace

ShardSet::~ShardSet() {
  stop();
  for (Shard* shard : shards_) delete shard;
}

bool ShardSet::open(const engine::HostOptions& options, bool steered, transport::Time now,
                    Objects& objects, SlabSink& sink, EventTable& events, engine::Waker& js,
                    engine::HostError* error) {
  engine::HostOptions part = options;
  part.group = &group_;
  part.endpoint.shared = &group_.shared();
  divide(size(), &part.endpoint);
  std::vector<net::Address> addresses(options.addresses, options.addresses + options.address_count);
  part.addresses = addresses.data();
  net::ImpairmentOptions impairment;
  if (options.impairment != nullptr) impairment = *options.impairment;
  for (uint32_t i = 0; i < size(); i++) {
    shards_[i] = new (std::nothrow) Shard(*this, i, now, objects, sink, events, js);
    *error = {0, ENOMEM};
    if (shards_[i] == nullptr) return false;
    if (const int failed = shards_[i]->open(); failed != 0) {
      *error = {0, failed};
      return false;
    }
    if (options.impairment != nullptr) part.impairment = &impairment;
    if (!open_shard(i, part, error)) return false;
    impairment.seed++;  // each has bad luck of its own
    if (i > 0) continue;
    // The others open what the first one got.
    engine::Host& first = *shards_[0]->host();
    for (size_t s = 0; s < addresses.size(); s++) addresses[s] = first.socket(s).local_address();
  }
  // Without it, engines hand over to each other what the kernel gives to the wrong one.
  if (steered) static_cast<void>(shards_[0]->host()->steer());
  for (uint32_t i = 0; i < size(); i++) {
    if (const int failed = shards_[i]->start(); failed != 0) {
      *error = {0, failed};
      return false;
    }
    group_.set_waker(i, &shards_[i]->inbox_waker());
  }
  group_.set_passing();
  return true;
}

// The first one has its ports for itself until all of them are bound, so that a port that somebody
// else has is not shared with him.
bool ShardSet::open_shard(uint32_t index, engine::HostOptions options, engine::HostError* error) {
  options.member = index;
  options.sockets.reuse_port = index > 0 || !net::UdpSocket::kSharesPortLater;
  engine::Host* host = shards_[index]->create_host(options, error);
  if (host == nullptr) return false;
  if (index > 0 || !net::UdpSocket::kSharesPortLater) return true;
  const int failed = host->share_ports();
  *error = {0, failed};
  return failed == 0;
}

void ShardSet::stop() {
  for (Shard* shard : shards_) {
    if (shard != nullptr) shard->stop();
  }
}

}  // namespace hawser::binding
