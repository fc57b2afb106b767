#include "engine/host_group.h"

#include <algorithm>

namespace hawser::engine {

HostGroup::HostGroup(uint32_t members)
    : steering_(std::clamp(members, 1u, Steering::kMaxMembers), random_key(random_)),
      dials_(memory_, random_),
      resets_(memory_, random_) {
  random_.fill(hash_key_, sizeof hash_key_);
}

HostGroup::~HostGroup() {
  dials_.each([this](Dial* dial) { memory_.destroy(dial); });
}

uint32_t HostGroup::random_key(SystemRandom& random) {
  return static_cast<uint32_t>(random.next());
}

void HostGroup::hand_over(uint32_t member, const transport::PathAddress& from, const uint8_t* data,
                          size_t length, bool admitted) {
  Member& to = members_[member];
  HandOverQueue::Push pushed = HandOverQueue::Push::kFull;
  if (passing_.load(std::memory_order_acquire)) {
    pushed = to.queue.push(from, data, length, admitted);
  }
  if (pushed == HandOverQueue::Push::kFirst) {
    to.waker->wake();
  } else if (pushed == HandOverQueue::Push::kFull) {
    to.lost.fetch_add(1, std::memory_order_relaxed);
  }
}

// --- Dials.

uint64_t HostGroup::key_of(const wire::PeerIdBytes& remote) const {
  // An id and its negation are one key.
  wire::PeerIdBytes unsigned_id = remote;
  unsigned_id.bytes[sizeof remote.bytes - 1] &= 0x7f;
  return crypto::SipHash(hash_key_)(unsigned_id.bytes, sizeof unsigned_id.bytes);
}

void HostGroup::add_dial(const wire::PeerIdBytes& remote, uint32_t member) {
  const uint64_t key = key_of(remote);
  MutexLock lock(mutex_);
  if (Dial* known = dials_.find(key); known != nullptr) {
    known->count = known->member == member ? known->count + 1 : 1;
    known->member = member;
    return;
  }
  // Without memory for it, a peer that dials us meanwhile gets a session of its own.
  auto* dial = memory_.create<Dial>(Dial{member, 1});
  if (dial == nullptr) return;
  if (!dials_.insert(key, dial)) {
    memory_.destroy(dial);
    return;
  }
  dial_count_.store(static_cast<uint32_t>(dials_.size()), std::memory_order_relaxed);
}

void HostGroup::remove_dial(const wire::PeerIdBytes& remote, uint32_t member) {
  const uint64_t key = key_of(remote);
  MutexLock lock(mutex_);
  Dial* known = dials_.find(key);
  if (known == nullptr || known->member != member || --known->count > 0) return;
  dials_.erase(key);
  memory_.destroy(known);
  dial_count_.store(static_cast<uint32_t>(dials_.size()), std::memory_order_relaxed);
}

int32_t HostGroup::dialler_of(const wire::PeerIdBytes& remote) {
  const uint64_t key = key_of(remote);
  MutexLock lock(mutex_);
  const Dial* known = dials_.find(key);
  return known == nullptr ? kNobody : static_cast<int32_t>(known->member);
}

// --- Stateless resets, which bear no connection id.

void HostGroup::expect_reset(uint32_t member, uint64_t token) {
  MutexLock lock(mutex_);
  if (resets_.find(token) != nullptr) return;
  // Without memory for it, a reset is understood only where it happens to arrive.
  (void)resets_.insert(token, &members_[member]);
}

void HostGroup::forget_reset(uint32_t member, uint64_t token) {
  MutexLock lock(mutex_);
  if (resets_.find(token) == &members_[member]) resets_.erase(token);
}

int32_t HostGroup::expecting_reset(uint64_t token) {
  MutexLock lock(mutex_);
  return number_of(resets_.find(token));
}

}  // namespace hawser::engine
