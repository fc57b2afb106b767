#include "test/support/bottleneck.h"

#include <algorithm>
#include <utility>

namespace hawser::test {

using transport::Duration;
using transport::Interval;
using transport::kNever;
using transport::kSecond;
using transport::Time;

namespace {

constexpr Duration kAckDelay = 25 * transport::kMillisecond;
constexpr size_t kMostRanges = 32;

net::ImpairmentOptions forth(const BottleneckOptions& options) {
  net::ImpairmentOptions link;
  link.rate_bytes_per_second = options.rate;
  link.queue_bytes = options.queue;
  link.delay_ns = options.delay;
  link.jitter_ns = options.jitter;
  link.loss = options.loss;
  link.seed = options.seed;
  return link;
}

net::ImpairmentOptions back(const BottleneckOptions& options) {
  net::ImpairmentOptions link;
  link.delay_ns = options.delay;
  link.jitter_ns = options.jitter;
  link.seed = options.seed + 1'000;
  return link;
}

}  // namespace

Flow::Flow(Bottleneck& network, std::unique_ptr<transport::CongestionController> controller)
    : network_(network), controller_(std::move(controller)) {}

void Flow::set_source(uint64_t bytes_per_second) {
  source_ = bytes_per_second;
  supply_ = 0;
  supplied_at_ = wake_at_ = network_.now();
  planned_for_ = kNever;
}

void Flow::resume() {
  stopped_ = false;
  set_source(source_);
}

bool Flow::has_data(Time now) {
  if (stopped_ || now < began_) return false;
  if (source_ == 0) return true;
  supply_ += static_cast<double>(source_) * static_cast<double>(now - supplied_at_) / kSecond;
  supplied_at_ = now;
  return supply_ >= kPacketBytes;
}

void Flow::send(Time now) {
  const auto allowed = [&] {
    return loss_.bytes_in_flight() + kPacketBytes <= controller_->window() &&
           pacer_.budget(now) >= kPacketBytes;
  };
  while (probes_ != 0 || (has_data(now) && allowed())) {
    transport::SentPacket packet;
    packet.number = next_++;
    packet.sent_at = now;
    packet.bytes = kPacketBytes;
    packet.ack_eliciting = packet.in_flight_counted = true;
    supply_ -= source_ == 0 ? 0 : kPacketBytes;
    packet.app_limited = !has_data(now);
    if (!loss_.on_sent(packet)) return;
    controller_->on_sent(now, kPacketBytes, loss_.bytes_in_flight(), packet.number);
    pacer_.on_sent(now, kPacketBytes);
    if (probes_ != 0) probes_--;
    sent_++;
    network_.send_packet(*this, packet.number);
  }
  if (!has_data(now) && allowed()) loss_.note_app_limited();
}

void Flow::on_packet(Time now, uint64_t number) {
  if (network_.options_.lump == 0) {
    waiting_.push_back(number);
    look(now);
    return;
  }
  if (waiting_.empty()) {
    const Duration lump = network_.options_.lump;
    look_at_ = (now / lump + 1) * lump;
  }
  waiting_.push_back(number);
}

void Flow::look(Time now) {
  look_at_ = kNever;
  for (const uint64_t number : waiting_) {
    received_ += kPacketBytes;
    (void)tracker_.on_packet(now, number, true);
    if (network_.options_.lump == 0 && tracker_.ack_due(now)) send_ack(now);
  }
  waiting_.clear();
  if (tracker_.ack_due(now)) send_ack(now);
}

void Flow::send_ack(Time now) {
  std::vector<Interval> ranges;
  for (size_t i = 0; i < std::min(tracker_.range_count(), kMostRanges); i++) {
    ranges.push_back(tracker_.range(i));
  }
  const Duration delay = now - tracker_.largest_received_time();
  tracker_.on_ack_sent(now);
  network_.send_ack(*this, std::move(ranges), delay);
}

// As Session: about eight acknowledgements a window.
void Flow::set_policy() {
  transport::AckPolicy policy = tracker_.policy();
  policy.packets =
      static_cast<uint32_t>(std::clamp<uint64_t>(controller_->window() / kPacketBytes / 8, 2, 64));
  policy.max_delay = std::clamp<Duration>(rtt_.smoothed() / 4, transport::kMillisecond, kAckDelay);
  policy.reordering_threshold = loss_.reordering_threshold();
  policy.generation++;
  tracker_.set_policy(policy);
}

void Flow::set_pace() {
  pacer_.set_rate(paced_ ? controller_->pacing_rate(rtt_) : 0, kPacketBytes);
}

void Flow::on_ack(Time now, const std::vector<Interval>& ranges, Duration delay) {
  const transport::LossDetector::AckResult result =
      loss_.on_ack(now, ranges.data(), ranges.size(), delay, kAckDelay, rtt_, ignore_);
  if (result.rtt_sampled) {
    round_trips_ += rtt_.latest();
    longest_ = std::max(longest_, rtt_.latest());
    samples_++;
  }
  if (result.loss_undone) controller_->on_spurious_loss(now);
  if (result.lost_packets != 0) {
    controller_->on_loss({now, result.lost_bytes, result.largest_lost_sent_at,
                          result.prior_in_flight, result.persistent_congestion});
  }
  if (result.any_on_path) {
    transport::AckEvent event;
    event.now = now;
    event.acked_bytes = result.acked_bytes;
    event.prior_in_flight = result.prior_in_flight;
    event.largest_sent_time = result.largest_newly_acked_sent_at;
    event.rtt_latest = result.rtt_sampled ? rtt_.latest() : 0;
    event.rtt_min = rtt_.minimum();
    event.rtt_smoothed = rtt_.smoothed();
    event.app_limited = result.app_limited;
    event.largest_acked = loss_.largest_acked();
    event.next_packet_number = loss_.next_number();
    event.rate = result.rate;
    controller_->on_ack(event);
    probes_ = 0;
  }
  tracker_.on_ack_of_ack(ranges.front().end - 1);
  set_policy();
  set_pace();
}

void Flow::on_timer(Time now) {
  if (now >= look_at_) look(now);
  if (tracker_.ack_due(now)) send_ack(now);
  if (now >= loss_.deadline(rtt_, kAckDelay)) {
    const auto result = loss_.on_timeout(now, rtt_, kAckDelay, ignore_);
    if (result.loss) {
      controller_->on_loss({now, result.lost_bytes, result.largest_lost_sent_at,
                            result.prior_in_flight, result.persistent_congestion});
    }
    probes_ = result.probes;
    set_pace();
  }
}

Time Flow::deadline(Time now) const {
  Time next = std::min({loss_.deadline(rtt_, kAckDelay), tracker_.deadline(), look_at_});
  if (now < began_) return std::min(next, began_);
  if (!stopped_ && loss_.bytes_in_flight() + kPacketBytes <= controller_->window()) {
    Time ready = now;
    if (source_ != 0) {
      const double missing = std::max(0.0, kPacketBytes - supply_);
      ready = supplied_at_ +
              static_cast<Duration>(missing * kSecond / static_cast<double>(source_)) + 1;
    }
    next = std::min(next, std::max(ready, pacer_.next_release(now)));
  }
  return next;
}

void Flow::plan(Time now) {
  const Time due = deadline(now);
  if (due == planned_for_ && wake_at_ > now) return;
  planned_for_ = due;
  wake_at_ = due;
  const auto lateness = static_cast<uint64_t>(network_.options_.lateness);
  if (due != kNever && lateness != 0) {
    wake_at_ = std::max(due, now) + static_cast<Duration>(network_.luck_.below(lateness));
  }
}

Bottleneck::Bottleneck(const BottleneckOptions& options)
    : options_(options), forth_(forth(options)), back_(back(options)), luck_(options.seed, 77) {}

Flow& Bottleneck::add(std::unique_ptr<transport::CongestionController> controller, Duration delay) {
  flows_.emplace_back(new Flow(*this, std::move(controller)));
  flows_.back()->began_ = flows_.back()->supplied_at_ = now_ + delay;
  return *flows_.back();
}

void Bottleneck::set_rate(uint64_t bytes_per_second) {
  options_.rate = bytes_per_second;
  options_.seed++;
  forth_ = net::Impairment(forth(options_));
}

Duration Bottleneck::wander(Time at, uint64_t direction) const {
  if (options_.wander == 0) return 0;
  const Duration step = 4 * options_.wander;
  const auto most = static_cast<uint64_t>(2 * options_.wander);
  const auto point = [&](Time number) {
    net::Prng luck(options_.seed * 2 + direction, static_cast<uint64_t>(number));
    return static_cast<Duration>(luck.below(most + 1)) - options_.wander;
  };
  const Duration from = point(at / step);
  return from + (point(at / step + 1) - from) * (at % step) / step;
}

void Bottleneck::send_packet(Flow& flow, uint64_t number) {
  const net::ImpairmentDecision decision = forth_.decide(now_, Flow::kPacketBytes);
  for (int i = 0; i < decision.copies; i++) {
    const Time arrives = decision.copy[i].release_time;
    events_.push({arrives + wander(arrives, 0), order_++, &flow, number, false, 0, {}});
  }
}

void Bottleneck::send_ack(Flow& flow, std::vector<Interval> ranges, Duration delay) {
  const net::ImpairmentDecision decision = back_.decide(now_, 80);
  const Time arrives = decision.copy[0].release_time;
  events_.push({arrives + wander(arrives, 1), order_++, &flow, 0, true, delay, std::move(ranges)});
}

void Bottleneck::run(Duration duration) {
  const Time end = now_ + duration;
  for (;;) {
    Time next = events_.empty() ? kNever : events_.top().at;
    for (const auto& flow : flows_) next = std::min(next, flow->wake_at_);
    if (next > end) break;
    now_ = std::max(now_, next);
    if (!events_.empty() && events_.top().at <= now_) {
      const Event event = events_.top();
      events_.pop();
      if (event.ack) {
        event.flow->on_ack(now_, event.ranges, event.delay);
        event.flow->send(now_);
      } else {
        event.flow->on_packet(now_, event.number);
      }
      event.flow->plan(now_);
      continue;
    }
    for (const auto& flow : flows_) {
      if (flow->wake_at_ > now_) continue;
      flow->planned_for_ = kNever;
      flow->on_timer(now_);
      flow->send(now_);
      flow->plan(now_);
    }
  }
  now_ = end;
}

}  // namespace hawser::test
