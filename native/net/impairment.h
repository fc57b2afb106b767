// What a bad network does to datagrams, as a pure function of options, seed, times and sizes: no
// clock, no I/O, no memory. The engine uses it for the `impair` option, the simulator for links.
//
// One direction of one path, in this order:
//   1. Loss: independent, or in bursts (Gilbert-Elliott). A lost datagram takes no link time.
//   2. Duplication: a second copy takes the same way behind the first, with draws of its own.
//   3. Link: `rate_bytes_per_second` serialises; what would wait behind more than `queue_bytes` is
//      dropped at the tail.
//   4. Delay: `delay_ns` plus jitter, drawn evenly from -jitter_ns to +jitter_ns, never below 0.
//      Jitter by itself keeps the order: a datagram is not released before its predecessor. (So
//      where datagrams are closer together than the jitter, the mean delay moves up.)
//   5. Reordering: with probability `reorder` a datagram skips the delay and overtakes those before
//      it; where there is no delay to skip it is held back by jitter_ns, or 1 ms when that is 0,
//      and those behind it overtake. It leaves the order of the others alone.
//   6. Corruption: one bit of the copy is to be flipped.
// Every effect draws from a stream of its own: turning one on does not change what another one
// does to the n-th datagram, and the same seed gives the same run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/prng.h"

namespace hawser::net {

struct ImpairmentOptions {
  static constexpr int64_t kMaxDelayNs = int64_t{3600} * 1'000'000'000;
  static constexpr uint64_t kMaxRate = 10'000'000'000;  // bytes a second
  static constexpr uint64_t kMaxQueueBytes = uint64_t{1} << 40;

  // Probabilities, 0 to 1.
  double loss = 0;
  double duplicate = 0;
  double reorder = 0;
  double corrupt = 0;

  // Gilbert-Elliott bursts (Gilbert 1960, Elliott 1963), on when burst_enter > 0: before each
  // datagram the state goes from good to bad with burst_enter, from bad to good with burst_leave.
  // Bad loses with burst_loss, good with `loss`. Mean burst: 1 / burst_leave datagrams.
  double burst_enter = 0;
  double burst_leave = 1;
  double burst_loss = 1;

  int64_t delay_ns = 0;   // one way, 0 to kMaxDelayNs
  int64_t jitter_ns = 0;  // 0 to kMaxDelayNs

  uint64_t rate_bytes_per_second = 0;  // 0: unlimited; up to kMaxRate
  uint64_t queue_bytes = 0;  // waiting for the link; up to kMaxQueueBytes; 0: a day's worth

  uint64_t seed = 0;

  // The name of the first field out of range, or nullptr.
  const char* first_invalid() const;

  // Whether any effect is on at all.
  bool active() const;
};

struct ImpairedCopy {
  int64_t release_time = 0;  // when it arrives; not before the `now` of the call
  int64_t corrupt_bit = -1;  // the bit of the datagram to flip, -1 for none
};

struct ImpairmentDecision {
  int copies = 0;  // 0 to 2
  ImpairedCopy copy[2];
};

struct ImpairmentCounters {
  uint64_t datagrams = 0;  // decided upon
  uint64_t lost = 0;
  uint64_t overflowed = 0;  // copies dropped by the full queue
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t corrupted = 0;
};

class Impairment {
 public:
  // Lets everything through at once.
  Impairment() : Impairment(ImpairmentOptions()) {}
  // The options must be valid.
  explicit Impairment(const ImpairmentOptions& options);

  // Decides about a datagram of `size` bytes that enters at `now` (ns, never going back).
  ImpairmentDecision decide(int64_t now, size_t size);

  const ImpairmentOptions& options() const { return options_; }
  const ImpairmentCounters& counters() const { return counters_; }

 private:
  // The luck of one copy, drawn whether the copy comes to be or not.
  struct Draw {
    int64_t delay = 0;
    int64_t corrupt_bit = -1;
    bool reordered = false;
  };

  bool is_lost();
  Draw draw_copy(size_t size);
  // Passes one copy over link and delay. False when the queue dropped it.
  bool pass(int64_t now, size_t size, const Draw& draw, ImpairedCopy* copy);
  bool serialise(int64_t now, size_t size, int64_t* departure);
  int64_t draw_delay();

  ImpairmentOptions options_;
  ImpairmentCounters counters_;

  Chance loss_;
  Chance burst_enter_;
  Chance burst_leave_;
  Chance burst_loss_;
  Chance duplicate_;
  Chance reorder_;
  Chance corrupt_;

  Prng loss_prng_;
  Prng burst_prng_;
  Prng duplicate_prng_;
  Prng reorder_prng_;
  Prng jitter_prng_;
  Prng corrupt_prng_;

  int64_t queue_ns_ = 0;         // longest wait for the link
  int64_t link_free_at_ = 0;     // when the link has sent all that it took
  uint64_t link_remainder_ = 0;  // part of a nanosecond, in units of 1 / rate
  int64_t last_release_ = INT64_MIN;
  bool in_burst_ = false;
};

}  // namespace hawser::net
