#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/time.h"

namespace hawser::transport {

// A hashed hierarchical timing wheel (Varghese and Lauck, 1987, scheme 7): arming and cancelling
// are O(1), nothing is allocated, and no tick runs: the next expiry is computed.
//
// A tick is 2^16 ns (66 us). Level 0 has a slot for each of the 64 ticks of the current block,
// level 1 a slot for each of the 64 blocks of the current block of blocks, and so on: a deadline
// sits on the level of the highest 6-bit digit in which its tick differs from the current one, so
// whatever is on a lower level is due before anything on a higher one. When the current tick
// enters a slot of a higher level, its entries move down. Six levels span 2^52 ns (52 days);
// what is beyond waits on an overflow list.
// The tick decides only where an entry waits; it is due by its exact deadline.
class TimerWheel {
  struct Link {
    Link* next = nullptr;
    Link* previous = nullptr;
  };

 public:
  // Lives in what it times. May be destroyed while armed, and may outlive a wheel that was
  // destroyed with nothing armed.
  class Entry : private Link {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { unlink(); }

    // kNever when not armed. Set by the wheel; do not write it.
    Time deadline = kNever;
    bool armed() const { return next != nullptr; }

   private:
    friend class TimerWheel;
    void unlink();
  };

  explicit TimerWheel(Time now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  // Disarms what is still armed.
  ~TimerWheel();

  // Arms or re-arms. A deadline in the past is due at once; kNever cancels.
  void arm(Entry& entry, Time deadline);
  void cancel(Entry& entry);

  // Never later than the earliest deadline; kNever when nothing is armed. Mostly exact; when it is
  // a lower bound, pop_expired(next_expiry()) brings the bound nearer.
  Time next_expiry() const;

  // An entry whose deadline is not after `now`, disarmed; nullptr when there is none. In the order
  // of ticks; entries of one tick in any order. A handler that arms again for `now` or before is
  // served again at once, so it must not do so for ever. Time that goes back is ignored.
  Entry* pop_expired(Time now);

 private:
  static constexpr unsigned kTickBits = 16;
  static constexpr unsigned kDigitBits = 6;
  static constexpr unsigned kSlots = 1u << kDigitBits;
  static constexpr unsigned kLevels = 6;
  // A slot with more entries than this is not searched for its exact minimum.
  static constexpr unsigned kExactSearch = 16;

  static uint64_t tick_of(Time time);
  static Time start_of(uint64_t tick);
  static void append(Link& list, Entry& entry);
  static bool is_empty(const Link& list) { return list.next == &list; }
  static void make_empty(Link& list) { list.next = list.previous = &list; }
  static void take_all(Link& from, Link& to);

  void place(Entry& entry);
  // Unlinks and places again.
  void replace(Entry& entry);
  // The first slot after the current tick that has entries. false: none.
  bool next_slot(unsigned& level, unsigned& slot) const;
  // The first tick of a slot that is to come.
  uint64_t slot_start(unsigned level, unsigned slot) const;
  // The first tick beyond the levels.
  uint64_t overflow_start() const;
  // First tick after the current one at which something must be looked at; UINT64_MAX: none.
  uint64_t next_tick() const;
  // Makes `tick` the current one and moves down what is due in its slots. No slot that has entries
  // may start between.
  void enter(uint64_t tick);
  // Moves what is due from the slot of the current tick to due_.
  void collect(Time now);
  Time find_next() const;
  static Time minimum_of(const Link& list, Time lower_bound, unsigned at_most);

  Link slots_[kLevels][kSlots];
  // A bit says that the slot may have entries: destroying an entry leaves its bit behind.
  mutable uint64_t occupied_[kLevels] = {};
  Link overflow_;
  Link due_;
  // Lower bound of the deadlines in due_.
  Time due_minimum_ = kNever;
  uint64_t tick_;
  Time now_;
  mutable Time next_ = kNever;
  mutable bool next_known_ = true;
};

}  // namespace hawser::transport
