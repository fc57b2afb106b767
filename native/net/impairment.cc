#include "net/impairment.h"

#include <algorithm>

namespace hawser::net {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

// How long a reordered datagram is held back where there is neither delay nor jitter: longer than
// what is sent in one go, far below any retransmission timeout.
constexpr int64_t kHoldBackNs = 1'000'000;

// Even an unlimited queue ends somewhere, before times overflow.
constexpr int64_t kLongestWaitNs = 24 * ImpairmentOptions::kMaxDelayNs;

bool is_probability(double value) { return value >= 0.0 && value <= 1.0; }

bool is_delay(int64_t value) { return value >= 0 && value <= ImpairmentOptions::kMaxDelayNs; }

// kMaxRate times a second in ns still fits 64 bits, which the remainder below relies on.
static_assert(ImpairmentOptions::kMaxRate <= UINT64_MAX / kNsPerSecond);

int64_t time_on_link(uint64_t bytes, uint64_t rate) {
  const uint64_t seconds = bytes / rate;
  const uint64_t rest = (bytes % rate) * kNsPerSecond / rate;
  if (seconds >= INT64_MAX / kNsPerSecond) return INT64_MAX;
  return static_cast<int64_t>(seconds * kNsPerSecond + rest);
}

}  // namespace

const char* ImpairmentOptions::first_invalid() const {
  if (!is_probability(loss)) return "loss";
  if (!is_probability(duplicate)) return "duplicate";
  if (!is_probability(reorder)) return "reorder";
  if (!is_probability(corrupt)) return "corrupt";
  if (!is_probability(burst_enter)) return "burst_enter";
  if (!is_probability(burst_leave)) return "burst_leave";
  if (!is_probability(burst_loss)) return "burst_loss";
  if (!is_delay(delay_ns)) return "delay_ns";
  if (!is_delay(jitter_ns)) return "jitter_ns";
  if (rate_bytes_per_second > kMaxRate) return "rate_bytes_per_second";
  if (queue_bytes > kMaxQueueBytes) return "queue_bytes";
  return nullptr;
}

bool ImpairmentOptions::active() const {
  return loss > 0 || duplicate > 0 || reorder > 0 || corrupt > 0 || burst_enter > 0 ||
         delay_ns > 0 || jitter_ns > 0 || rate_bytes_per_second > 0;
}

Impairment::Impairment(const ImpairmentOptions& options)
    : options_(options),
      loss_(options.loss),
      burst_enter_(options.burst_enter),
      burst_leave_(options.burst_leave),
      burst_loss_(options.burst_loss),
      duplicate_(options.duplicate),
      reorder_(options.reorder),
      corrupt_(options.corrupt),
      loss_prng_(options.seed, 1),
      burst_prng_(options.seed, 2),
      duplicate_prng_(options.seed, 3),
      reorder_prng_(options.seed, 4),
      jitter_prng_(options.seed, 5),
      corrupt_prng_(options.seed, 6) {
  queue_ns_ = kLongestWaitNs;
  if (options.rate_bytes_per_second > 0 && options.queue_bytes > 0) {
    queue_ns_ =
        std::min(queue_ns_, time_on_link(options.queue_bytes, options.rate_bytes_per_second));
  }
}

ImpairmentDecision Impairment::decide(int64_t now, size_t size) {
  ImpairmentDecision decision;
  ++counters_.datagrams;
  // All is drawn before anything is decided, and for two copies: so the n-th datagram meets the
  // same luck in each effect, whatever the other effects do.
  const bool lost = is_lost();
  const bool twice = duplicate_.happens(&duplicate_prng_);
  const Draw draws[2] = {draw_copy(size), draw_copy(size)};
  if (lost) {
    ++counters_.lost;
    return decision;
  }
  for (int i = 0; i < (twice ? 2 : 1); ++i) {
    if (pass(now, size, draws[i], &decision.copy[decision.copies])) ++decision.copies;
  }
  if (decision.copies == 2) ++counters_.duplicated;
  return decision;
}

bool Impairment::is_lost() {
  const bool lost_alone = loss_.happens(&loss_prng_);
  if (options_.burst_enter <= 0) return lost_alone;
  const Chance& turn = in_burst_ ? burst_leave_ : burst_enter_;
  if (turn.happens(&burst_prng_)) in_burst_ = !in_burst_;
  return in_burst_ ? burst_loss_.happens(&burst_prng_) : lost_alone;
}

Impairment::Draw Impairment::draw_copy(size_t size) {
  Draw draw;
  draw.delay = draw_delay();
  draw.reordered = reorder_.happens(&reorder_prng_);
  if (corrupt_.happens(&corrupt_prng_)) {
    const uint64_t position = corrupt_prng_.below(std::max<uint64_t>(uint64_t{size} * 8, 1));
    if (size > 0) draw.corrupt_bit = static_cast<int64_t>(position);
  }
  return draw;
}

bool Impairment::pass(int64_t now, size_t size, const Draw& draw, ImpairedCopy* copy) {
  int64_t departure = now;
  if (!serialise(now, size, &departure)) {
    ++counters_.overflowed;
    return false;
  }
  if (draw.reordered) {
    ++counters_.reordered;
    const int64_t hold = options_.jitter_ns > 0 ? options_.jitter_ns : kHoldBackNs;
    copy->release_time = options_.delay_ns > 0 ? departure : departure + hold;
  } else {
    last_release_ = std::max(last_release_, departure + draw.delay);
    copy->release_time = last_release_;
  }
  copy->corrupt_bit = draw.corrupt_bit;
  if (draw.corrupt_bit >= 0) ++counters_.corrupted;
  return true;
}

bool Impairment::serialise(int64_t now, size_t size, int64_t* departure) {
  const uint64_t rate = options_.rate_bytes_per_second;
  if (rate == 0) return true;
  if (link_free_at_ <= now) {
    // Idle: goes out at once, whatever the queue could hold.
    link_free_at_ = now;
    link_remainder_ = 0;
  } else if (time_on_link(size, rate) > queue_ns_ - (link_free_at_ - now)) {
    return false;
  }
  // The part of a nanosecond is carried on: otherwise small packets would make the link faster.
  const uint64_t scaled = (uint64_t{size} % rate) * kNsPerSecond + link_remainder_;
  link_free_at_ += static_cast<int64_t>(size / rate * kNsPerSecond + scaled / rate);
  link_remainder_ = scaled % rate;
  *departure = link_free_at_;
  return true;
}

int64_t Impairment::draw_delay() {
  if (options_.jitter_ns == 0) return options_.delay_ns;
  const auto span = static_cast<uint64_t>(options_.jitter_ns) * 2 + 1;
  const auto offset = static_cast<int64_t>(jitter_prng_.below(span)) - options_.jitter_ns;
  return std::max<int64_t>(0, options_.delay_ns + offset);
}

}  // namespace hawser::net
