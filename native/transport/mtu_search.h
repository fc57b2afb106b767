#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "transport/time.h"

namespace hawser::transport {

// Finds the longest datagram that a path carries: DPLPMTUD (RFC 8899) with packets that are padded
// to the size in question. Sizes are UDP payloads, in bytes. Knows no packets but by number and
// size; one search belongs to one path.
//
// Order. First the limit, then downwards through the sizes that networks have, each once; what is
// above the largest that arrived is then tried again, upwards, up to kMaxProbes times each. Why
// from above: a probe that is longer than the local interface's MTU never leaves (the system
// refuses it), which costs nothing. So on loopback the first probe is the answer, after one round
// trip; where the interface is the narrowest part, as on most Ethernet paths, the first probe that
// leaves is the answer as well. Only what is narrower on the way costs lost probes: one for each
// size above it, and the rest of kMaxProbes for the next one. There is no search between the known
// sizes: it would lose more probes, for a gain of a few per cent.
//
// Black hole (RFC 8899, section 4.3): packets longer than the base are lost in kBlackHoleRounds
// rounds, in each of which a shorter one that was sent later arrived, and none as long as the
// shortest of them arrived in between. Then the path is back at the base, and what is below the
// lost size is searched through again.
class MtuSearch {
 public:
  enum class State : uint8_t {
    kSearching,
    kComplete,  // nothing larger is tried before kRaiseAfter
  };

  // The longest UDP payload over IPv4. Over IPv6 it is 20 bytes less.
  static constexpr size_t kLargest = 65'507;
  static constexpr unsigned kMaxProbes = 3;
  static constexpr unsigned kBlackHoleRounds = 3;
  // PMTU_RAISE_TIMER.
  static constexpr Duration kRaiseAfter = 600 * kSecond;

  // `base`: carried by every path. `limit` at or below it: there is no search.
  MtuSearch(size_t base, size_t limit);

  // Lowers the limit. Before the first probe.
  void lower_limit(size_t limit);

  // What the path is known to carry.
  size_t size() const { return size_; }
  size_t base() const { return base_; }
  size_t limit() const { return limit_; }
  State state() const { return state_; }
  // Times that the path was found not to carry any more what it had carried.
  uint64_t black_holes() const { return black_holes_; }

  // The size of the probe that should be sent now; 0: none. At most one is under way.
  size_t next_probe(Time now);
  // `pause`: after its loss the next one waits so long from now on; a PTO.
  void on_probe_sent(Time now, uint64_t number, size_t bytes, Duration pause);
  bool probing() const { return probe_bytes_ != 0; }
  // Whatever becomes of the probe under way says nothing.
  void forget_probe() { probe_bytes_ = 0; }

  // What became of packets that were sent on this path, probes or not. size() may have changed
  // after each call. `next`: the number that the next packet will have.
  void on_acked(Time now, uint64_t number, size_t bytes, uint64_t next);
  void on_lost(Time now, uint64_t number, size_t bytes, uint64_t next);
  // The system refused a datagram because it is longer than the interface's MTU.
  void on_refused(Time now, size_t bytes);

 private:
  // Payloads in packets of: the IPv6 minimum of 1,280; 1,420 with IPv6 (tunnels); 1,500 with IPv6
  // and IPv4; 9,000 with IPv6 and IPv4; loopback with IPv6 and IPv4. And the limit.
  static constexpr std::array<uint16_t, 8> kSizes = {1'232, 1'372, 1'452,  1'472,
                                                     8'952, 8'972, 65'487, 65'507};
  static constexpr size_t kSteps = kSizes.size() + 1;
  static constexpr uint64_t kNone = UINT64_MAX;

  // Ascending with `step`; the last one is the limit. 0: not to be tried.
  size_t step_bytes(size_t step) const;
  void restart(Time now, size_t ceiling);
  // A size turned out not to be carried.
  void fail(Time now, size_t bytes);
  void complete_if_done(Time now);
  void fall_back(Time now, size_t below);
  void judge(Time now, uint64_t next);
  void clear_suspicion();

  size_t base_;
  size_t limit_;
  size_t size_;
  // Nothing larger is tried.
  size_t ceiling_;
  State state_;
  Time completed_at_ = 0;
  std::array<uint8_t, kSteps> tries_{};

  // The probe under way; 0 bytes: none.
  size_t probe_bytes_ = 0;
  uint64_t probe_number_ = 0;
  Time pause_until_ = 0;

  // Of long packets that were lost since one as long arrived: the shortest, and the first of this
  // round.
  size_t lost_bytes_ = SIZE_MAX;
  uint64_t lost_number_ = kNone;
  // The newest packet shorter than that which arrived.
  uint64_t short_acked_ = 0;
  // Packets from here on belong to the next round.
  uint64_t round_begins_ = 0;
  unsigned rounds_ = 0;
  uint64_t black_holes_ = 0;
};

}  // namespace hawser::transport
