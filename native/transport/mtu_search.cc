#include "transport/mtu_search.h"

#include <algorithm>

namespace hawser::transport {

MtuSearch::MtuSearch(size_t base, size_t limit)
    : base_(base), limit_(std::min(limit, kLargest)), size_(base) {
  restart(0, limit_);
}

void MtuSearch::lower_limit(size_t limit) {
  limit_ = std::min(limit_, limit);
  restart(0, limit_);
}

void MtuSearch::restart(Time now, size_t ceiling) {
  ceiling_ = ceiling;
  tries_.fill(0);
  state_ = State::kSearching;
  complete_if_done(now);
}

size_t MtuSearch::step_bytes(size_t step) const {
  const size_t bytes = step + 1 == kSteps ? limit_ : kSizes[step];
  // The limit takes the place of a size that is equal to it.
  if (step + 1 != kSteps && bytes >= limit_) return 0;
  return bytes > size_ && bytes <= ceiling_ ? bytes : 0;
}

size_t MtuSearch::next_probe(Time now) {
  if (limit_ <= size_ || probing() || now < pause_until_) return 0;
  if (state_ == State::kComplete) {
    if (now - completed_at_ < kRaiseAfter) return 0;
    restart(now, limit_);
  }
  for (size_t step = kSteps; step-- > 0;) {
    if (tries_[step] == 0 && step_bytes(step) != 0) return step_bytes(step);
  }
  for (size_t step = 0; step < kSteps; step++) {
    if (step_bytes(step) != 0) return step_bytes(step);
  }
  return 0;
}

void MtuSearch::on_probe_sent(Time now, uint64_t number, size_t bytes, Duration pause) {
  probe_bytes_ = bytes;
  probe_number_ = number;
  pause_until_ = now + pause;
  for (size_t step = 0; step < kSteps; step++) {
    if (step_bytes(step) == bytes) tries_[step]++;
  }
}

void MtuSearch::fail(Time now, size_t bytes) {
  ceiling_ = std::min(ceiling_, bytes - 1);
  complete_if_done(now);
}

void MtuSearch::complete_if_done(Time now) {
  for (size_t step = 0; step < kSteps; step++) {
    if (step_bytes(step) != 0) return;
  }
  state_ = State::kComplete;
  completed_at_ = now;
}

void MtuSearch::fall_back(Time now, size_t below) {
  size_ = base_;
  black_holes_++;
  probe_bytes_ = 0;
  pause_until_ = 0;
  clear_suspicion();
  restart(now, std::min(limit_, below - 1));
}

void MtuSearch::on_acked(Time now, uint64_t number, size_t bytes, uint64_t next) {
  if (probing() && number == probe_number_) {
    size_ = probe_bytes_;
    probe_bytes_ = 0;
    pause_until_ = 0;
    clear_suspicion();
    complete_if_done(now);
    return;
  }
  if (bytes >= lost_bytes_) {
    clear_suspicion();
  } else {
    short_acked_ = std::max(short_acked_, number);
    judge(now, next);
  }
}

void MtuSearch::on_lost(Time now, uint64_t number, size_t bytes, uint64_t next) {
  if (probing() && number == probe_number_) {
    probe_bytes_ = 0;
    for (size_t step = 0; step < kSteps; step++) {
      if (step_bytes(step) == bytes && tries_[step] >= kMaxProbes) {
        fail(now, bytes);
        break;
      }
    }
    return;
  }
  // What every path carries was lost for another reason.
  if (bytes <= base_ || bytes > size_ || number < round_begins_) return;
  lost_bytes_ = std::min(lost_bytes_, bytes);
  lost_number_ = std::min(lost_number_, number);
  judge(now, next);
}

void MtuSearch::judge(Time now, uint64_t next) {
  if (lost_number_ == kNone || lost_number_ >= short_acked_) return;
  lost_number_ = kNone;
  // What is in flight now was sent before this was known, and is lost for the same reason.
  round_begins_ = next;
  if (++rounds_ >= kBlackHoleRounds) fall_back(now, lost_bytes_);
}

void MtuSearch::clear_suspicion() {
  lost_bytes_ = SIZE_MAX;
  lost_number_ = kNone;
  rounds_ = 0;
}

void MtuSearch::on_refused(Time now, size_t bytes) {
  if (bytes <= base_) return;
  if (bytes <= size_) {
    fall_back(now, bytes);
    return;
  }
  if (probe_bytes_ == bytes) probe_bytes_ = 0;
  pause_until_ = 0;
  fail(now, bytes);
}

}  // namespace hawser::transport
