// What becomes of messages that were sent, and of those that need not be.

#include <algorithm>
#include <initializer_list>

#include "transport/outbound.h"
#include "wire/frames.h"

namespace hawser::transport {

// --- What became of it.

void Outbound::free_below(uint64_t number) {
  ring_.free_below(number);
  const uint64_t tail = ring_.tail_position();
  lost_.remove_below(tail);
  acknowledged_.remove_below(tail);
  given_up_.remove_below(tail);
  requested_.remove_below(tail);
  while (!drops_.empty() && drops_.front().from <= base()) {
    dropped_before_ = drops_.front();
    drops_.pop_front();
    if (drops_.empty()) ring_.forget_dropped();
  }
}

void Outbound::advance_base() {
  if (!packets_trusted_) return;
  while (!acknowledged_.empty() && acknowledged_.front().begin <= ring_.tail_position()) {
    const uint64_t end = acknowledged_.front().end;
    const uint64_t sequence = ring_.last_boundary(ring_.tail_sequence(), end);
    if (sequence == ring_.tail_sequence()) return;
    free_below(sequence);
  }
}

// OutboundPolicy::fill: what is published goes with a window that was shifted.
void Outbound::release_shifted(uint64_t base_before) {
  if (!policy_.fill || base() == base_before) return;
  released_ = std::max(released_, std::min(ring_.published_sequence(), base() + window_));
}

bool Outbound::on_acknowledged(uint64_t begin, uint64_t end) {
  const uint64_t before = base();
  const uint64_t tail = ring_.tail_position();
  if (end <= tail) return true;
  begin = std::max(begin, tail);
  if (!lost_.empty() && !lost_.remove(begin, end)) return false;
  if (acknowledged_.empty() && begin == tail && packets_trusted_) {
    const uint64_t sequence = ring_.last_boundary(ring_.tail_sequence(), end);
    if (ring_.position_of(sequence) == end) {
      free_below(sequence);
      release_shifted(before);
      return true;
    }
  }
  if (!acknowledged_.add(begin, end)) return false;
  advance_base();
  release_shifted(before);
  if (policy_.delivery == wire::Delivery::kLatest) keep_newest_acknowledged(end);
  return true;
}

uint64_t Outbound::trust_packets() {
  const uint64_t before = base();
  packets_trusted_ = true;
  advance_base();
  release_shifted(before);
  return base() - before;
}

// What is older than a message that has arrived is of no use any more.
void Outbound::keep_newest_acknowledged(uint64_t end) {
  if (end <= ring_.tail_position()) return;
  // The newest one of the packet may not be whole, the one before it is.
  uint64_t number = ring_.sequence_at(end - 1);
  for (int i = 0; i < 2; i++, number--) {
    if (number <= base()) return;
    if (past_dropped(number) != number) return;
    if (acknowledged_.contains_all(ring_.position_of(number), ring_.position_of(number + 1))) {
      (void)give_up(base(), number);
      return;
    }
  }
}

// What of it is in none of the sets is to be sent again.
bool Outbound::add_lost(uint64_t begin, uint64_t end,
                        std::initializer_list<const RangeSet*> except) {
  uint64_t at = std::max(begin, ring_.tail_position());
  while (at < end) {
    Interval next{end, end};
    for (const RangeSet* set : except) {
      const Interval* range = set->first_ending_above(at);
      if (range != nullptr && range->begin < next.begin) next = *range;
    }
    if (next.begin > at && !lost_.add(at, next.begin)) return false;
    at = std::max(at, next.end);
  }
  return true;
}

bool Outbound::on_lost(uint64_t begin, uint64_t end, bool again) {
  begin = std::max(begin, ring_.tail_position());
  if (begin >= end) return true;
  if (policy_.delivery == wire::Delivery::kUnreliable) {
    if (give_up(ring_.sequence_at(begin), ring_.sequence_at(end - 1) + 1)) return true;
  }
  if (!again && !requested_.empty()) {
    return add_lost(begin, end, {&acknowledged_, &given_up_, &requested_});
  }
  return add_lost(begin, end, {&acknowledged_, &given_up_});
}

uint64_t Outbound::on_count(uint64_t number) {
  const uint64_t before = base();
  if (number <= before) return 0;
  // Also over what was dropped right behind it: no COUNT will name that.
  free_below(number_of(wire_number(number)));
  advance_base();
  if (policy_.resend_all && next_position_ > ring_.tail_position()) {
    // Also what was acknowledged by packet only, but not what was never sent or is given up.
    // Without memory they are sent again when they are found missing.
    const bool all = drops_.empty() && given_up_.empty();
    (void)(all ? lost_.add(ring_.tail_position(), next_position_)
               : add_lost(ring_.tail_position(), next_position_, {&acknowledged_, &given_up_}));
  }
  release_shifted(before);
  return base() - before;
}

void Outbound::note_resent(Time now, uint64_t begin, uint64_t end, Time since) {
  while (!resent_.empty() && resent_.front().at <= since) resent_.pop_front();
  // Without memory it may be sent once more than needed.
  (void)resent_.push_back(Resent{begin, end, now});
}

void Outbound::on_request(uint64_t first, uint64_t count, Time since) {
  const uint64_t end = std::min(first + count, next_sequence_);
  first = std::max(first, base());
  if (first >= end) return;
  const uint64_t from = ring_.position_of(first);
  const uint64_t until = std::min(ring_.position_of(end), next_position_);
  while (!resent_.empty() && resent_.front().at <= since) resent_.pop_front();
  under_way_.clear();
  for (uint64_t i = resent_.first(); i != resent_.end(); i++) {
    if (resent_[i].end > from && resent_[i].begin < until) {
      (void)under_way_.add(resent_[i].begin, resent_[i].end);
    }
  }
  // Without memory it is repeated on the timeout.
  if (!add_lost(from, until, {&acknowledged_, &given_up_, &under_way_})) return;
  (void)requested_.add(from, until);
}

// --- What need not arrive.

void Outbound::expire_below(uint64_t number) {
  number = std::min(number, ring_.published_sequence());
  if (number <= base()) return;
  (void)give_up(base(), std::min(number, next_sequence_));
  if (number > next_sequence_) {
    drop_below_ = std::max(drop_below_, number);
    drop_unsent();
  }
}

// Takes messages out before they get a number. Not in the middle of a message that was begun.
void Outbound::drop_unsent() {
  const uint64_t from = next_sequence_;
  const uint64_t until = std::min(drop_below_, ring_.published_sequence());
  if (until <= from || next_position_ != ring_.position_of(from)) return;
  const uint64_t end = ring_.position_of(until);
  Drop drop = drop_at(from);
  drop.from = until;
  drop.count += until - from;
  drop.cost += end - next_position_ + wire::kMessageOverhead * (until - from);
  const bool goes_on = !drops_.empty() && drops_.back().from == from;
  const Drop before = goes_on ? drops_.back() : Drop{};
  if (goes_on) {
    drops_.back() = drop;
  } else if (!drops_.push_back(drop)) {
    return;  // without memory they are sent like any other
  }
  if (from != base() && !acknowledged_.add(next_position_, end)) {
    if (goes_on) {
      drops_.back() = before;
    } else {
      drops_.pop_back();
    }
    return;
  }
  if (from != base()) ring_.add_dropped(end - next_position_);
  expired_messages_ += until - from;
  next_sequence_ = until;
  next_position_ = end;
  ring_.set_sent_position(end);
  if (released_ < until) released_ = until;
  if (from == base()) free_below(until);
}

// Messages [first, end), which were sent at least in part, are not repeated.
bool Outbound::give_up(uint64_t first, uint64_t end) {
  if (first >= end) return true;
  const uint64_t begin = ring_.position_of(first);
  const uint64_t stop = ring_.position_of(end);
  uint64_t given_up = 0;
  for (uint64_t number = first; number < end; number++) {
    const uint64_t from = ring_.position_of(number);
    const uint64_t until = ring_.position_of(number + 1);
    if (given_up_.contains(from)) {
      // Those of a longer run are counted already.
      const Interval* run = given_up_.first_ending_above(from);
      number = std::max(number, ring_.last_boundary(number, std::min(run->end, stop)) - 1);
    } else if (!acknowledged_.contains_all(from, until)) {
      given_up++;
    }
  }
  if (given_up == 0) return true;
  if (!given_up_.add(begin, stop)) return false;
  expired_messages_ += given_up;
  // Without memory for the cut they are repeated once more, which does no harm.
  if (!lost_.empty()) (void)lost_.remove(begin, stop);
  if (next_position_ > begin && next_position_ < stop) {
    next_position_ = stop;
    ring_.set_sent_position(stop);
    if (drop_below_ > next_sequence_) drop_unsent();
  }
  return true;
}

uint64_t Outbound::skip_target() const {
  if (given_up_.empty()) return base();
  uint64_t at = ring_.tail_position();
  // What was acknowledged behind it moves the base by itself, once the peer knows.
  uint64_t end = at;
  size_t a = 0;
  size_t g = 0;
  for (;;) {
    if (a < acknowledged_.count() && acknowledged_.at(a).begin <= at) {
      at = std::max(at, acknowledged_.at(a++).end);
    } else if (g < given_up_.count() && given_up_.at(g).begin <= at) {
      end = std::max(end, given_up_.at(g).end);
      at = std::max(at, given_up_.at(g++).end);
    } else {
      break;
    }
  }
  return std::min(past_dropped(ring_.last_boundary(base(), end)), fully_sent());
}

}  // namespace hawser::transport
