// What an environment does for peers that have several engines.

#include <algorithm>
#include <cerrno>
#include <new>

#include "binding/environment.h"
#include "binding/shard_set.h"

namespace hawser::binding {

Shard* Environment::shard_of(const transport::Session& session) {
  const auto* host =
      reinterpret_cast<const engine::Host*>(static_cast<uintptr_t>(session.endpoint().user));
  return static_cast<Shard*>(host->context);
}

int32_t Environment::create_shards(const engine::HostOptions& options, uint32_t engines,
                                   bool steered, engine::HostError* error) {
  *error = {0, ENOMEM};
  auto* set = new (std::nothrow) ShardSet(engines);
  if (set == nullptr) return kNoHandle;
  engine::Waker* waker = driver_->waker();
  if (waker == nullptr) *error = {0, ENOSYS};
  if (waker == nullptr ||
      !set->open(options, steered, now(), objects, sink_, events_, *waker, error)) {
    delete set;
    return kNoHandle;
  }
  const int32_t handle = objects.add_host((*set)[0].host());
  if (handle == kNoHandle) {
    *error = {0, ENOMEM};
    delete set;
    return kNoHandle;
  }
  objects.hosts.get(handle)->shards = set;
  for (uint32_t i = 0; i < set->size(); i++) {
    Shard& shard = (*set)[i];
    shard.host()->user = (*set)[0].host()->user;
    shards_.push_back(&shard);
  }
  return handle;
}

void Environment::forget_dial(const SessionEntry& entry) {
  if (!entry.dialled) return;
  Shard* shard = shard_of(*entry.session);
  shard->set().group().remove_dial(entry.session->remote(), shard->index());
}

void Environment::destroy_shards(HostEntry* entry) {
  ShardSet* set = entry->shards;
  set->stop();
  // Nobody else is left who could use them.
  release_objects(entry);
  const auto of_set = [set](Shard* shard) { return &shard->set() == set; };
  shards_.erase(std::remove_if(shards_.begin(), shards_.end(), of_set), shards_.end());
  delete set;
  entry->shards = nullptr;
}

void Environment::collect_shards() {
  if (shards_.empty()) return;
  // In turn, so that the first ones do not take all the room.
  first_shard_ = (first_shard_ + 1) % shards_.size();
  for (size_t i = 0; i < shards_.size(); i++) {
    Shard* shard = shards_[(first_shard_ + i) % shards_.size()];
    if (shard->wants_look()) shard->collect(sink_);
  }
}

bool Environment::shards_waiting() const {
  return std::any_of(shards_.begin(), shards_.end(),
                     [](const Shard* shard) { return shard->waiting(); });
}

void Environment::flush_shards() {
  for (Shard* shard : shards_) {
    if (!shard->outbox().empty()) shard->flush();
  }
}

}  // namespace hawser::binding
