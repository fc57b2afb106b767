#include "transport/range_set.h"

#include <algorithm>

namespace hawser::transport {

bool RangeSet::add(uint64_t begin, uint64_t end) {
  if (begin >= end) return true;
  if (empty() || begin > back().end) {
    if (!insert(intervals_.size(), Interval{begin, end})) return false;
    total_ += end - begin;
    return true;
  }
  Interval& last = intervals_.back();
  if (begin >= last.begin) {
    if (end > last.end) {
      total_ += end - last.end;
      last.end = end;
    }
    return true;
  }

  const size_t low = first_ending_at_or_after(begin);
  if (intervals_[low].begin > end) {
    if (!insert(low, Interval{begin, end})) return false;
    total_ += end - begin;
    return true;
  }
  size_t high = low;
  total_ -= intervals_[low].end - intervals_[low].begin;
  while (high + 1 < intervals_.size() && intervals_[high + 1].begin <= end) {
    high++;
    total_ -= intervals_[high].end - intervals_[high].begin;
  }
  const Interval joined{std::min(begin, intervals_[low].begin),
                        std::max(end, intervals_[high].end)};
  intervals_[low] = joined;
  total_ += joined.end - joined.begin;
  if (high > low) intervals_.erase(low + 1, high - low);
  return true;
}

bool RangeSet::remove(uint64_t begin, uint64_t end) {
  if (begin >= end) return true;
  size_t low = first_ending_after(begin);
  if (low == intervals_.size() || intervals_[low].begin >= end) return true;

  if (intervals_[low].begin < begin && intervals_[low].end > end) {
    const Interval right{end, intervals_[low].end};
    const size_t old_head = head_;
    if (!insert(low + 1, right)) return false;
    intervals_[low - (old_head - head_)].end = begin;
    total_ -= end - begin;
    return true;
  }
  if (intervals_[low].begin < begin) {
    total_ -= intervals_[low].end - begin;
    intervals_[low].end = begin;
    low++;
  }
  size_t high = low;
  while (high < intervals_.size() && intervals_[high].end <= end) {
    total_ -= intervals_[high].end - intervals_[high].begin;
    high++;
  }
  if (high < intervals_.size() && intervals_[high].begin < end) {
    total_ -= end - intervals_[high].begin;
    intervals_[high].begin = end;
  }
  if (low == head_) {
    head_ = high;
    if (empty()) clear();
  } else if (high > low) {
    intervals_.erase(low, high - low);
  }
  return true;
}

void RangeSet::remove_below(uint64_t bound) {
  while (!empty() && front().end <= bound) {
    total_ -= front().end - front().begin;
    head_++;
  }
  if (empty()) {
    clear();
    return;
  }
  if (intervals_[head_].begin < bound) {
    total_ -= bound - intervals_[head_].begin;
    intervals_[head_].begin = bound;
  }
}

const Interval* RangeSet::first_ending_above(uint64_t value) const {
  const size_t index = first_ending_after(value);
  return index == intervals_.size() ? nullptr : &intervals_[index];
}

bool RangeSet::contains(uint64_t value) const {
  if (empty() || value >= back().end) return false;
  if (value >= back().begin) return true;
  return intervals_[first_ending_after(value)].begin <= value;
}

bool RangeSet::contains_all(uint64_t begin, uint64_t end) const {
  if (begin >= end) return true;
  const size_t index = first_ending_after(begin);
  return index < intervals_.size() && intervals_[index].begin <= begin &&
         intervals_[index].end >= end;
}

bool RangeSet::intersects(uint64_t begin, uint64_t end) const {
  if (begin >= end) return false;
  const size_t index = first_ending_after(begin);
  return index < intervals_.size() && intervals_[index].begin < end;
}

void RangeSet::clear() {
  intervals_.clear();
  head_ = 0;
  total_ = 0;
}

void RangeSet::release() {
  clear();
  intervals_.clear_and_release();
}

size_t RangeSet::first_ending_at_or_after(uint64_t value) const {
  const Interval* found =
      std::lower_bound(intervals_.begin() + head_, intervals_.end(), value,
                       [](const Interval& interval, uint64_t v) { return interval.end < v; });
  return static_cast<size_t>(found - intervals_.begin());
}

size_t RangeSet::first_ending_after(uint64_t value) const {
  const Interval* found =
      std::upper_bound(intervals_.begin() + head_, intervals_.end(), value,
                       [](uint64_t v, const Interval& interval) { return v < interval.end; });
  return static_cast<size_t>(found - intervals_.begin());
}

bool RangeSet::insert(size_t index, const Interval& interval) {
  if (index == head_ && head_ > 0) {
    intervals_[--head_] = interval;
    return true;
  }
  const size_t capacity = intervals_.capacity();
  if (head_ > 0 && intervals_.size() == capacity) {
    // Moving everything must win a good part of the room, or it would be due again at once.
    if (head_ >= capacity / 4 || !intervals_.reserve(capacity + 1)) {
      index -= head_;
      compact();
    }
  }
  return intervals_.insert(index, interval);
}

void RangeSet::compact() {
  intervals_.erase(0, head_);
  head_ = 0;
}

}  // namespace hawser::transport
