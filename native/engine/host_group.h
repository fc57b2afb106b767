// The hosts of one peer that has several engines: what they have to know of each other. Each is in
// an engine of its own, under its own lock; what is here has its own, which is taken last.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/hand_over_queue.h"
#include "engine/os_thread.h"
#include "engine/random.h"
#include "engine/steering.h"
#include "engine/waker.h"
#include "transport/id_table.h"
#include "transport/memory.h"
#include "transport/shared_use.h"
#include "transport/siblings.h"

namespace hawser::engine {

class HostGroup final : public transport::Siblings {
 public:
  // `members`: 1 to Steering::kMaxMembers.
  explicit HostGroup(uint32_t members);
  ~HostGroup();
  HostGroup(const HostGroup&) = delete;
  HostGroup& operator=(const HostGroup&) = delete;

  uint32_t size() const { return steering_.members(); }
  const Steering& steering() const { return steering_; }
  transport::SharedUse& shared() { return shared_; }
  HandOverQueue& queue(uint32_t member) { return members_[member].queue; }
  // Who is told that something waits in its queue; before set_passing().
  void set_waker(uint32_t member, Waker* waker) { members_[member].waker = waker; }
  // All members run, and their wakers may be called. Until then what is handed over gets lost.
  void set_passing() { passing_.store(true, std::memory_order_release); }

  // Datagrams that got lost on their way to this member. Any thread.
  uint64_t lost(uint32_t member) const {
    return members_[member].lost.load(std::memory_order_relaxed);
  }

  // Sessions that a member begins, from before the first INIT to their end. When two begin one with
  // the same peer, the later one counts. Any thread.
  void add_dial(const wire::PeerIdBytes& remote, uint32_t member);
  void remove_dial(const wire::PeerIdBytes& remote, uint32_t member);

  // --- transport::Siblings.
  uint32_t member_of(const wire::ConnectionId& id) const override {
    return steering_.member_of(id);
  }
  bool any_dials() const override { return dial_count_.load(std::memory_order_relaxed) != 0; }
  int32_t dialler_of(const wire::PeerIdBytes& remote) override;
  void expect_reset(uint32_t member, uint64_t token) override;
  void forget_reset(uint32_t member, uint64_t token) override;
  int32_t expecting_reset(uint64_t token) override;
  void hand_over(uint32_t member, const transport::PathAddress& from, const uint8_t* data,
                 size_t length, bool admitted) override;

 private:
  struct Member {
    HandOverQueue queue;
    Waker* waker = nullptr;
    std::atomic<uint64_t> lost{0};
  };
  struct Dial {
    uint32_t member;
    uint32_t count;
  };

  static uint32_t random_key(SystemRandom& random);
  uint64_t key_of(const wire::PeerIdBytes& remote) const;
  int32_t number_of(const Member* member) const {
    return member == nullptr ? kNobody : static_cast<int32_t>(member - members_);
  }

  SystemRandom random_;
  const Steering steering_;
  transport::SharedUse shared_;
  Member members_[Steering::kMaxMembers];
  uint8_t hash_key_[crypto::SipHash::kKeyBytes];
  std::atomic<bool> passing_{false};
  std::atomic<uint32_t> dial_count_{0};

  Mutex mutex_;
  transport::HeapMemory memory_;
  transport::IdTable<Dial> dials_;
  transport::IdTable<Member> resets_;
};

}  // namespace hawser::engine
