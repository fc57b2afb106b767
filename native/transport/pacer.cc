#include "transport/pacer.h"

#include <algorithm>

namespace hawser::transport {

namespace {

// Faster than any path, and what keeps the arithmetic below within 63 bits.
constexpr uint64_t kMaximumRate = 1'000'000'000'000;
constexpr uint64_t kMaximumPacket = 64 * 1024;
constexpr uint64_t kMaximumDebt = uint64_t{1} << 31;

}  // namespace

void Pacer::set_rate(uint64_t bytes_per_second, uint64_t max_packet_bytes) {
  const bool was_unpaced = rate_ == 0;
  rate_ = std::min(bytes_per_second, kMaximumRate);
  packet_bytes_ = std::clamp<uint64_t>(max_packet_bytes, 1, kMaximumPacket);
  quantum_ = std::max(std::min(rate_ / 1000, kMaximumQuantum), 2 * packet_bytes_);
  const uint64_t burst = kIdlePackets * std::min(packet_bytes_, kIdlePacketBytes);
  idle_limit_ = static_cast<int64_t>(std::max(quantum_, burst)) * kUnit;
  // Two quanta, because the one that was waited for must not cut off what a late wake-up earned.
  busy_limit_ = std::max({idle_limit_, static_cast<int64_t>(rate_) * kCatchUp,
                          2 * static_cast<int64_t>(quantum_) * kUnit});
  if (was_unpaced) {
    credit_ = idle_limit_;
    waiting_ = false;
  } else {
    credit_ = std::min(credit_, busy_limit_);
  }
}

uint64_t Pacer::budget(Time now) {
  if (rate_ == 0) return UINT64_MAX;
  advance(now);
  waiting_ = credit_ < static_cast<int64_t>(packet_bytes_) * kUnit;
  return credit_ > 0 ? static_cast<uint64_t>(credit_ / kUnit) : 0;
}

void Pacer::on_sent(Time now, uint64_t bytes) {
  if (rate_ == 0) return;
  advance(now);
  const auto spent = static_cast<int64_t>(std::min(bytes, kMaximumDebt)) * kUnit;
  credit_ = std::max(credit_ - spent, -busy_limit_);
}

void Pacer::give_back(uint64_t bytes) {
  if (rate_ == 0) return;
  const auto unspent = static_cast<int64_t>(std::min(bytes, kMaximumDebt)) * kUnit;
  credit_ = std::min(credit_ + unspent, busy_limit_);
}

Time Pacer::next_release(Time now) const {
  if (rate_ == 0) return now;
  const int64_t credit = credit_at(now);
  if (credit >= static_cast<int64_t>(packet_bytes_) * kUnit) return now;
  const int64_t missing = static_cast<int64_t>(quantum_) * kUnit - credit;
  const auto rate = static_cast<int64_t>(rate_);
  return std::max(now, last_) + (missing + rate - 1) / rate;
}

int64_t Pacer::credit_at(Time now) const {
  if (last_ == kNever || now <= last_) return credit_;
  const Duration elapsed = now - last_;
  const bool busy = waiting_ && elapsed <= kIdle;
  const int64_t limit = busy ? busy_limit_ : idle_limit_;
  if (credit_ >= limit) {
    // More than the idle limit is for spending now; what is left of it after a pause is lost.
    return elapsed > kCatchUp ? limit : credit_;
  }
  const auto rate = static_cast<int64_t>(rate_);
  const Duration until_full = (limit - credit_) / rate + 1;
  return elapsed >= until_full ? limit : credit_ + rate * elapsed;
}

void Pacer::advance(Time now) {
  credit_ = credit_at(now);
  last_ = last_ == kNever ? now : std::max(last_, now);
}

}  // namespace hawser::transport
