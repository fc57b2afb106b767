#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/memory.h"
#include "transport/vector.h"

namespace hawser::transport {

// The values begin, begin + 1, ..., end - 1. Never empty inside a RangeSet.
struct Interval {
  uint64_t begin;
  uint64_t end;
};

// A set of 64-bit values as sorted, disjoint intervals that do not touch: packet numbers that came,
// byte positions of a channel that are there. Made for sets that grow at the top and are cut at the
// bottom: both are O(1) in the usual case, anything else is a binary search and a move.
// The value 2^64 - 1 cannot be a member, because ends are exclusive.
class RangeSet {
 public:
  explicit RangeSet(Memory& memory) : intervals_(memory) {}

  // Adds [begin, end) and joins what it overlaps or touches. begin >= end adds nothing.
  // false: no memory; the set is unchanged.
  [[nodiscard]] bool add(uint64_t begin, uint64_t end);
  // Takes [begin, end) out. Cutting out the middle of an interval makes two, which may need memory.
  // false: no memory; the set is unchanged.
  [[nodiscard]] bool remove(uint64_t begin, uint64_t end);
  // Takes out everything below `bound`. Amortised O(intervals removed).
  void remove_below(uint64_t bound);

  bool contains(uint64_t value) const;
  // True for an empty range.
  bool contains_all(uint64_t begin, uint64_t end) const;
  // Is any value of [begin, end) in the set?
  bool intersects(uint64_t begin, uint64_t end) const;

  // The first interval whose end is above `value`; nullptr when there is none.
  const Interval* first_ending_above(uint64_t value) const;

  bool empty() const { return head_ == intervals_.size(); }
  // Number of intervals.
  size_t count() const { return intervals_.size() - head_; }
  // Ascending; index < count().
  const Interval& at(size_t index) const { return intervals_[head_ + index]; }
  const Interval& front() const { return intervals_[head_]; }
  const Interval& back() const { return intervals_.back(); }
  // Number of values.
  uint64_t total() const { return total_; }

  // Empties the set; clear() keeps the memory, release() gives it back.
  void clear();
  void release();
  size_t memory_bytes() const { return intervals_.capacity() * sizeof(Interval); }

 private:
  // Index in intervals_ of the first interval whose end is >= value (`touching`) or > value.
  size_t first_ending_at_or_after(uint64_t value) const;
  size_t first_ending_after(uint64_t value) const;
  [[nodiscard]] bool insert(size_t index, const Interval& interval);
  void compact();

  // intervals_[0, head_) are dead: cutting at the bottom moves head_ instead of the elements.
  Vector<Interval> intervals_;
  size_t head_ = 0;
  uint64_t total_ = 0;
};

}  // namespace hawser::transport
