// What one direction of the cable does to frames. All of it can be changed at any time.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clock_time.h"
#include "json.h"

namespace cable {

/// The model of Gilbert and Elliott: two states, with a loss each, between which every frame may
/// change.
struct BurstLoss {
  /// Probability to go from the good state to the bad one, per frame. 0: stays good.
  double enter = 0;
  /// Probability to go back, per frame.
  double leave = 1;
  /// Probability of loss in the good state.
  double good = 0;
  /// Probability of loss in the bad state.
  double bad = 1;
};

struct Parameters {
  /// Bits a second, of Ethernet frames. 0: unlimited, without a queue.
  double rate = 0;
  /// What may wait for its turn, the frame that is being sent not counted. What does not fit is
  /// dropped.
  uint64_t queue_bytes = 0;
  Duration delay{0};
  /// Added to `delay` or taken from it, at most.
  Duration jitter{0};
  /// Every frame has a jitter of its own and may overtake others. Otherwise the delay wanders, and
  /// order is kept.
  bool jitter_reorders = false;
  /// Probability that a frame is lost after it was sent: it has used the rate.
  double loss = 0;
  BurstLoss burst;
  /// Probability that a frame arrives twice.
  double duplicate = 0;
  /// Probability that a frame comes later than its turn.
  double reorder = 0;
  /// By how much.
  Duration reorder_by{0};
  /// IP packets of more bytes vanish. 0: none do.
  uint64_t mtu = 0;
  /// Everything that comes is dropped.
  bool down = false;
  /// Everything that comes in the first `outage_for` of every `outage_every` is dropped. 0: never.
  Duration outage_every{0};
  Duration outage_for{0};

  /// Sets one by its name in the control protocol. Returns what is wrong, or nothing.
  std::string set(std::string_view name, const JsonValue& value);
};

}  // namespace cable
