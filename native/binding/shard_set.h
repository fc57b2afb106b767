// The engines of a peer that has several, and its host in each of them.
#pragma once

#include <cstdint>

#include "binding/shard.h"
#include "engine/host_group.h"

namespace hawser::binding {

// JS thread.
class ShardSet {
 public:
  // `size`: 1 to engine::Steering::kMaxMembers.
  explicit ShardSet(uint32_t size) : group_(size) {}
  ~ShardSet();
  ShardSet(const ShardSet&) = delete;
  ShardSet& operator=(const ShardSet&) = delete;

  // Opens the sockets of all, on the same addresses, and starts the threads. `limits` are those of
  // the whole peer. `steered`: the kernel is asked to give each datagram to the right engine.
  // False: `error` says why; nothing but the end may follow.
  bool open(const engine::HostOptions& options, bool steered, transport::Time now, Objects& objects,
            SlabSink& sink, EventTable& events, engine::Waker& js, engine::HostError* error);
  // Ends all threads. What they have told so far can still be collected.
  void stop();

  uint32_t size() const { return group_.size(); }
  Shard& operator[](uint32_t index) { return *shards_[index]; }
  engine::HostGroup& group() { return group_; }
  // The one that begins the next session of ours.
  uint32_t next_dialler() { return next_dialler_++ % size(); }

 private:
  bool open_shard(uint32_t index, engine::HostOptions options, engine::HostError* error);

  engine::HostGroup group_;
  Shard* shards_[engine::Steering::kMaxMembers] = {};
  uint32_t next_dialler_ = 0;
};

}  // namespace hawser::binding
