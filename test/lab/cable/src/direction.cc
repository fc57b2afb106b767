#include "direction.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace cable {

Direction::Direction(uint64_t seed, unsigned number, FramePool& pool)
    : pool_(pool),
      loss_(seed, number, Purpose::kLoss),
      burst_state_(seed, number, Purpose::kBurstState),
      burst_loss_(seed, number, Purpose::kBurstLoss),
      jitter_(seed, number, Purpose::kJitter),
      duplicate_(seed, number, Purpose::kDuplicate),
      reorder_(seed, number, Purpose::kReorder) {}

void Direction::set_parameters(Time now, const Parameters& parameters) {
  advance(now);
  parameters_ = parameters;
  if (parameters_.rate > 0) return;
  while (!waiting_.empty()) {
    Frame* frame = waiting_.front();
    waiting_.pop_front();
    launch(now, frame);
  }
  waiting_bytes_ = 0;
  free_at_ = now;
}

void Direction::drop(uint64_t& counter, Frame* frame) {
  ++counter;
  pool_.give(frame);
}

void Direction::overflow() {
  ++counters_.packets_in;
  ++counters_.dropped_overflow;
}

bool Direction::is_out(Time now) const {
  if (parameters_.down) return true;
  return parameters_.outage_every > Duration{0} &&
         now % parameters_.outage_every < parameters_.outage_for;
}

bool Direction::doomed(uint64_t index) {
  const BurstLoss& burst = parameters_.burst;
  const double change = burst_state_.at(index);
  in_burst_ = in_burst_ ? change >= burst.leave : change < burst.enter;
  return burst_loss_.at(index) < (in_burst_ ? burst.bad : burst.good) ||
         loss_.at(index) < parameters_.loss;
}

Duration Direction::time_to_send(const Frame& frame) const {
  return Duration{static_cast<int64_t>(static_cast<double>(frame.length) * 8e9 / parameters_.rate)};
}

Duration Direction::jitter_at(Time when, uint64_t index) const {
  const auto most = static_cast<double>(parameters_.jitter.count());
  if (most <= 0) return Duration{0};
  const auto deviation = [&](uint64_t place) { return (2 * jitter_.at(place) - 1) * most; };
  if (parameters_.jitter_reorders) return Duration{static_cast<int64_t>(deviation(index))};
  // Straight lines between random points. Independent values that are then put in order would all
  // but vanish at high rates: each frame would wait for the slowest before it. With lines that fall
  // by at most half of the time that passes, order holds by itself.
  const double place = static_cast<double>(when.count()) / (4 * most);
  const double before = std::floor(place);
  const auto point = static_cast<uint64_t>(before);
  const double from = deviation(point);
  return Duration{static_cast<int64_t>(from + (deviation(point + 1) - from) * (place - before))};
}

void Direction::launch(Time when, Frame* frame) {
  if (frame->doomed) {
    drop(counters_.lost, frame);
    return;
  }
  const uint64_t index = frame->index;
  Time due = when + std::max(parameters_.delay + jitter_at(when, index), Duration{0});
  if (reorder_.at(index) < parameters_.reorder) {
    due += parameters_.reorder_by;
    ++counters_.reordered;
  } else if (!parameters_.jitter_reorders) {
    // Matters only when the delay was lowered.
    due = std::max(due, last_due_);
    last_due_ = due;
  }
  fly(due, frame);
  if (duplicate_.at(index) >= parameters_.duplicate) return;
  Frame* copy = pool_.take();
  if (copy == nullptr) return;
  copy->length = frame->length;
  copy->index = index;
  std::memcpy(copy->data.get(), frame->data.get(), frame->length);
  ++counters_.duplicated;
  fly(due, copy);
}

void Direction::advance(Time now) {
  while (!waiting_.empty() && free_at_ <= now) {
    Frame* frame = waiting_.front();
    waiting_.pop_front();
    waiting_bytes_ -= frame->length;
    free_at_ += time_to_send(*frame);
    launch(free_at_, frame);
  }
}

void Direction::arrive(Time now, Frame* frame) {
  advance(now);
  frame->index = counters_.packets_in++;
  counters_.bytes_in += frame->length;
  frame->doomed = doomed(frame->index);
  if (parameters_.mtu > 0 && frame->length > parameters_.mtu + kEthernetHeader) {
    return drop(counters_.dropped_mtu, frame);
  }
  if (is_out(now)) return drop(counters_.dropped_outage, frame);
  if (parameters_.rate <= 0) return launch(now, frame);
  if (free_at_ <= now) {
    free_at_ = now + time_to_send(*frame);
    return launch(free_at_, frame);
  }
  if (waiting_bytes_ + frame->length > parameters_.queue_bytes) {
    return drop(counters_.dropped_queue, frame);
  }
  waiting_.push_back(frame);
  waiting_bytes_ += frame->length;
  counters_.queue_packets_most = std::max<uint64_t>(counters_.queue_packets_most, waiting_.size());
  counters_.queue_bytes_most = std::max(counters_.queue_bytes_most, waiting_bytes_);
}

void Direction::release(Time now, const std::function<bool(const Frame&)>& write) {
  advance(now);
  while (!flying_.empty() && flying_.top().due <= now) {
    const Flight flight = flying_.top();
    flying_.pop();
    counters_.late_most = std::max(counters_.late_most, now - flight.due);
    if (write(*flight.frame)) {
      ++counters_.packets_out;
      counters_.bytes_out += flight.frame->length;
      pool_.give(flight.frame);
    } else {
      drop(counters_.dropped_write, flight.frame);
    }
  }
}

Time Direction::next_event() const {
  Time next = flying_.empty() ? kNever : flying_.top().due;
  if (!waiting_.empty()) {
    // What waits first cannot come out before this. To wake up when its turn comes would be a
    // wake-up for each frame.
    const Duration wire = std::max(parameters_.delay - parameters_.jitter, Duration{0});
    next = std::min(next, free_at_ + time_to_send(*waiting_.front()) + wire);
  }
  return next;
}

}  // namespace cable
