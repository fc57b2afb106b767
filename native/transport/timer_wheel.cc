#include "transport/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace hawser::transport {

void TimerWheel::Entry::unlink() {
  if (next == nullptr) return;
  next->previous = previous;
  previous->next = next;
  next = previous = nullptr;
  deadline = kNever;
}

TimerWheel::TimerWheel(Time now) : tick_(tick_of(now)), now_(now) {
  for (auto& level : slots_) {
    for (Link& slot : level) make_empty(slot);
  }
  make_empty(overflow_);
  make_empty(due_);
}

TimerWheel::~TimerWheel() {
  const auto disarm = [](Link& list) {
    while (!is_empty(list)) static_cast<Entry*>(list.next)->unlink();
  };
  for (auto& level : slots_) {
    for (Link& slot : level) disarm(slot);
  }
  disarm(overflow_);
  disarm(due_);
}

void TimerWheel::arm(Entry& entry, Time deadline) {
  cancel(entry);
  if (deadline == kNever) return;
  entry.deadline = deadline;
  place(entry);
  if (next_known_) next_ = std::min(next_, deadline);
}

void TimerWheel::cancel(Entry& entry) {
  if (!entry.armed()) return;
  if (entry.deadline == next_) next_known_ = false;
  entry.unlink();
}

Time TimerWheel::next_expiry() const {
  if (!next_known_) {
    next_ = find_next();
    next_known_ = true;
  }
  return next_;
}

TimerWheel::Entry* TimerWheel::pop_expired(Time now) {
  now_ = std::max(now_, now);
  const uint64_t target = tick_of(now_);
  for (;;) {
    if (!is_empty(due_)) {
      auto* entry = static_cast<Entry*>(due_.next);
      entry->unlink();
      next_known_ = false;
      return entry;
    }
    if (next_known_ && now_ < next_) return nullptr;
    next_known_ = false;
    collect(now_);
    if (!is_empty(due_)) continue;
    if (tick_ == target) return nullptr;
    enter(std::min(next_tick(), target));
  }
}

// Flipping the sign bit makes unsigned order the order of times.
uint64_t TimerWheel::tick_of(Time time) {
  return (static_cast<uint64_t>(time) ^ (uint64_t{1} << 63)) >> kTickBits;
}

Time TimerWheel::start_of(uint64_t tick) {
  return static_cast<Time>((tick << kTickBits) ^ (uint64_t{1} << 63));
}

void TimerWheel::append(Link& list, Entry& entry) {
  Link& link = entry;
  link.next = &list;
  link.previous = list.previous;
  list.previous->next = &link;
  list.previous = &link;
}

// `to` is overwritten.
void TimerWheel::take_all(Link& from, Link& to) {
  make_empty(to);
  if (is_empty(from)) return;
  to.next = from.next;
  to.previous = from.previous;
  to.next->previous = &to;
  to.previous->next = &to;
  make_empty(from);
}

void TimerWheel::place(Entry& entry) {
  const uint64_t tick = std::max(tick_of(entry.deadline), tick_);
  const uint64_t difference = tick ^ tick_;
  const unsigned level =
      difference == 0 ? 0 : static_cast<unsigned>(std::bit_width(difference) - 1) / kDigitBits;
  if (level >= kLevels) {
    append(overflow_, entry);
    return;
  }
  const auto slot = static_cast<unsigned>((tick >> (kDigitBits * level)) % kSlots);
  append(slots_[level][slot], entry);
  occupied_[level] |= uint64_t{1} << slot;
}

bool TimerWheel::next_slot(unsigned& level, unsigned& slot) const {
  for (level = 0; level < kLevels; level++) {
    const auto digit = static_cast<unsigned>((tick_ >> (kDigitBits * level)) % kSlots);
    // Slots at or below the current digit hold nothing that is still to come.
    uint64_t candidates = occupied_[level] & ~((uint64_t{2} << digit) - 1);
    while (candidates != 0) {
      slot = static_cast<unsigned>(std::countr_zero(candidates));
      if (!is_empty(slots_[level][slot])) return true;
      occupied_[level] &= ~(uint64_t{1} << slot);
      candidates &= candidates - 1;
    }
  }
  return false;
}

uint64_t TimerWheel::slot_start(unsigned level, unsigned slot) const {
  const unsigned shift = kDigitBits * level;
  const uint64_t block = tick_ >> (shift + kDigitBits) << (shift + kDigitBits);
  return block | (uint64_t{slot} << shift);
}

uint64_t TimerWheel::overflow_start() const {
  constexpr unsigned kShift = kDigitBits * kLevels;
  return ((tick_ >> kShift) + 1) << kShift;
}

uint64_t TimerWheel::next_tick() const {
  unsigned level = 0;
  unsigned slot = 0;
  if (next_slot(level, slot)) return slot_start(level, slot);
  return is_empty(overflow_) ? UINT64_MAX : overflow_start();
}

void TimerWheel::enter(uint64_t tick) {
  const bool new_span = tick >= overflow_start();
  tick_ = tick;
  Link moving;
  if (new_span) {
    take_all(overflow_, moving);
    while (!is_empty(moving)) replace(*static_cast<Entry*>(moving.next));
  }
  for (unsigned level = kLevels - 1; level > 0; level--) {
    const auto digit = static_cast<unsigned>((tick >> (kDigitBits * level)) % kSlots);
    const uint64_t bit = uint64_t{1} << digit;
    if ((occupied_[level] & bit) == 0) continue;
    occupied_[level] &= ~bit;
    take_all(slots_[level][digit], moving);
    while (!is_empty(moving)) replace(*static_cast<Entry*>(moving.next));
  }
}

void TimerWheel::replace(Entry& entry) {
  const Time deadline = entry.deadline;
  entry.unlink();
  entry.deadline = deadline;
  place(entry);
}

void TimerWheel::collect(Time now) {
  Link& slot = slots_[0][tick_ % kSlots];
  for (Link* link = slot.next; link != &slot;) {
    auto* entry = static_cast<Entry*>(link);
    link = link->next;
    const Time deadline = entry->deadline;
    if (deadline > now) continue;
    due_minimum_ = is_empty(due_) ? deadline : std::min(due_minimum_, deadline);
    entry->unlink();
    entry->deadline = deadline;
    append(due_, *entry);
  }
}

Time TimerWheel::find_next() const {
  if (!is_empty(due_)) return due_minimum_;
  // Only an exact answer is good for the current tick: a bound might not be in the future.
  const Link& current = slots_[0][tick_ % kSlots];
  if (!is_empty(current)) return minimum_of(current, kNever, UINT32_MAX);
  unsigned level = 0;
  unsigned slot = 0;
  if (next_slot(level, slot)) {
    return minimum_of(slots_[level][slot], start_of(slot_start(level, slot)), kExactSearch);
  }
  if (is_empty(overflow_)) return kNever;
  return minimum_of(overflow_, start_of(overflow_start()), kExactSearch);
}

Time TimerWheel::minimum_of(const Link& list, Time lower_bound, unsigned at_most) {
  Time minimum = kNever;
  unsigned seen = 0;
  for (const Link* link = list.next; link != &list; link = link->next) {
    if (seen++ == at_most) return lower_bound;
    minimum = std::min(minimum, static_cast<const Entry*>(link)->deadline);
  }
  return minimum;
}

}  // namespace hawser::transport
