// One direction of the cable: a bottleneck with a queue, then a long wire. Knows no clock and no
// device: it is told the time, and gives frames to whoever calls.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <vector>

#include "clock_time.h"
#include "frames.h"
#include "parameters.h"
#include "random.h"

namespace cable {

/// Bytes are those of Ethernet frames with their headers of 14 bytes.
struct Counters {
  uint64_t packets_in = 0;
  uint64_t bytes_in = 0;
  uint64_t packets_out = 0;
  uint64_t bytes_out = 0;
  uint64_t lost = 0;
  uint64_t dropped_queue = 0;
  uint64_t dropped_mtu = 0;
  uint64_t dropped_outage = 0;
  /// The cable itself had no memory left.
  uint64_t dropped_overflow = 0;
  /// The other end did not take the frame.
  uint64_t dropped_write = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t queue_packets_most = 0;
  uint64_t queue_bytes_most = 0;
  /// By how much a frame came out later than it should have.
  Duration late_most{0};
};

class Direction {
 public:
  Direction(uint64_t seed, unsigned number, FramePool& pool);

  const Parameters& parameters() const { return parameters_; }
  /// What is being sent keeps the time it was given; what waits is sent as the new ones say.
  void set_parameters(Time now, const Parameters& parameters);

  /// A frame of the pool comes in; it is the direction's from now on. Times never go back.
  void arrive(Time now, Frame* frame);
  /// A frame came for which the pool had no room.
  void overflow();

  /// Gives what is due to `write`, which returns false if it could not take it.
  void release(Time now, const std::function<bool(const Frame&)>& write);
  /// When `release` has to be called next at the latest. kNever: not before a frame arrives.
  Time next_event() const;

  /// Moves the queue on to `now`, so that what it holds can be read.
  void advance(Time now);
  const Counters& counters() const { return counters_; }
  uint64_t queue_packets() const { return waiting_.size(); }
  uint64_t queue_bytes() const { return waiting_bytes_; }
  /// Frames after the queue that did not come out yet.
  uint64_t in_flight() const { return flying_.size(); }

 private:
  struct Flight {
    Time due;
    uint64_t order;
    Frame* frame;
    bool operator>(const Flight& other) const {
      return due != other.due ? due > other.due : order > other.order;
    }
  };

  bool is_out(Time now) const;
  /// Whether the frame gets lost on the wire. Called once for each frame, in order.
  bool doomed(uint64_t index);
  Duration time_to_send(const Frame& frame) const;
  Duration jitter_at(Time when, uint64_t index) const;
  /// The frame has left the bottleneck at `when`.
  void launch(Time when, Frame* frame);
  void fly(Time due, Frame* frame) { flying_.push({due, order_++, frame}); }
  void drop(uint64_t& counter, Frame* frame);

  Parameters parameters_;
  Counters counters_;
  FramePool& pool_;

  Numbers loss_;
  Numbers burst_state_;
  Numbers burst_loss_;
  Numbers jitter_;
  Numbers duplicate_;
  Numbers reorder_;
  bool in_burst_ = false;
  std::deque<Frame*> waiting_;
  uint64_t waiting_bytes_ = 0;
  /// When the bottleneck has sent what it is sending.
  Time free_at_{0};

  std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flying_;
  uint64_t order_ = 0;
  /// When the last frame that kept its place is due.
  Time last_due_{0};
};

}  // namespace cable
