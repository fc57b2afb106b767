#pragma once

#include <cstdint>

#include "transport/time.h"

namespace hawser::transport {

// Says from round-trip samples whether a queue stands on a path.
//
// A single sample is no measure where delays vary: the shortest of thousands lies far below what a
// train of packets meets on an empty path. So the samples of a round trip (at least kSamples) are
// averaged, and the base is the smallest such average within kBaseWindow. A queue stands when an
// average is above the base by more than the margin: the largest of an eighth of the base, three
// mean deviations of the samples from the last few, four of a round's average from the one before
// (in which a step counts for an eighth of the base at most), the grain, and kShortestMargin.
class QueueSignal {
 public:
  static constexpr unsigned kSamples = 4;
  static constexpr Duration kBaseWindow = 10 * kSecond;
  static constexpr Duration kShortestMargin = kMillisecond;

  // What the sender sends at once takes so long to leave: it is a queue of its own making.
  void set_grain(Duration grain) { grain_ = grain; }
  void on_sample(Duration round_trip);
  // A round trip has passed. True: it was measured (else its samples count for the next one).
  bool end_round(Time now);

  bool known() const { return base_ != 0; }
  // Average round trip on the empty path, and of the last measured round. 0 before the first.
  Duration base() const { return base_; }
  Duration latest() const { return latest_; }
  Duration margin() const;
  // In the last measured round.
  bool standing() const { return base_ != 0 && latest_ > base_ + margin(); }
  // Now, as far as the last few samples say.
  bool rising() const { return base_ != 0 && recent_ > base_ + margin(); }
  // The base was not confirmed for kBaseWindow.
  bool stale(Time now) const { return base_ != 0 && now - base_at_ > kBaseWindow; }
  // What is measured from now on is the base, whatever it is: the sender has just let the path run
  // empty.
  void renew() {
    renew_ = true;
    sum_ = 0;
    count_ = 0;
  }
  bool renewing() const { return renew_; }
  // The last measured round is the base.
  void rebase() {
    if (latest_ != 0) base_ = latest_;
  }

 private:
  Duration base_ = 0;
  Time base_at_ = 0;
  Duration latest_ = 0;
  Duration recent_ = 0;
  // Mean deviation of the samples from the last few, and of a round from the one before.
  Duration deviation_ = 0;
  Duration wander_ = 0;
  Duration grain_ = 0;
  Duration sum_ = 0;
  unsigned count_ = 0;
  bool renew_ = false;
};

}  // namespace hawser::transport
