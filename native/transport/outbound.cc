#include "transport/outbound.h"

#include <algorithm>
#include <initializer_list>

#include "wire/frames.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {
// A piece of a message smaller than this is not worth a frame header while more of the message
// would follow.
constexpr size_t kSmallestPiece = 64;
}  // namespace

Outbound::Outbound(Memory& memory, uint64_t first_sequence)
    : ring_(memory, first_sequence),
      acknowledged_(memory),
      lost_(memory),
      given_up_(memory),
      resent_(memory),
      requested_(memory),
      under_way_(memory),
      drops_(memory),
      first_sequence_(first_sequence),
      next_sequence_(first_sequence),
      released_(first_sequence) {}

void Outbound::set_policy(const OutboundPolicy& policy) {
  policy_ = policy;
  packets_trusted_ = !policy.counted;
}

bool Outbound::raise_credit(uint64_t limit) {
  if (limit <= credit_) return false;
  credit_ = limit;
  return true;
}

// --- Numbers.

const Outbound::Drop& Outbound::drop_at(uint64_t number) const {
  for (uint64_t i = drops_.end(); i != drops_.first(); i--) {
    if (number >= drops_[i - 1].from) return drops_[i - 1];
  }
  return dropped_before_;
}

// `number`, or the next one that was not dropped.
uint64_t Outbound::past_dropped(uint64_t number) const {
  for (uint64_t i = drops_.first(); i != drops_.end(); i++) {
    const uint64_t before = i == drops_.first() ? dropped_before_.count : drops_[i - 1].count;
    if (number < drops_[i].from && number + (drops_[i].count - before) >= drops_[i].from) {
      number = drops_[i].from;  // another one may begin here
    }
  }
  return number;
}

uint64_t Outbound::wire_number(uint64_t number) const {
  if (drops_.empty()) return number - dropped_before_.count;
  number = past_dropped(number);
  return number - drop_at(number).count;
}

uint64_t Outbound::number_of(uint64_t wire) const {
  for (uint64_t i = drops_.end(); i != drops_.first(); i--) {
    const Drop& drop = drops_[i - 1];
    if (wire + drop.count >= drop.from) return wire + drop.count;
  }
  return wire + dropped_before_.count;
}

uint64_t Outbound::cost_below(uint64_t sequence) const {
  if (!drops_.empty()) sequence = past_dropped(sequence);
  return ring_.position_of(sequence) + wire::kMessageOverhead * (sequence - first_sequence_) -
         drop_at(sequence).cost;
}

uint64_t Outbound::fully_sent() const {
  return next_position_ == ring_.position_of(next_sequence_) ? next_sequence_ : next_sequence_ - 1;
}

// --- What may be sent.

// One past the last message that published, window and credit allow to be begun.
uint64_t Outbound::limit_sequence() const {
  const uint64_t flying = in_flight();
  if (flying >= window_) return next_sequence_;
  uint64_t limit = std::min(ring_.published_sequence(), next_sequence_ + (window_ - flying));
  if (policy_.fill) limit = std::min(limit, released_);
  if (limit <= next_sequence_) return next_sequence_;
  if (cost_below(limit) <= credit_) return limit;
  uint64_t low = next_sequence_;  // its cost is within the credit: everything below was sent
  while (limit - low > 1) {
    const uint64_t middle = low + (limit - low) / 2;
    if (cost_below(middle) <= credit_) {
      low = middle;
    } else {
      limit = middle;
    }
  }
  return low;
}

uint64_t Outbound::sendable() const { return ring_.position_of(limit_sequence()) - next_position_; }

bool Outbound::blocked_by_credit(uint64_t& wanted) const {
  if (next_sequence_ >= ring_.published_sequence()) return false;
  if (policy_.fill && next_sequence_ >= released_) return false;
  wanted = cost_below(next_sequence_ + 1);
  return wanted > credit_;
}

bool Outbound::blocked_by_window() const {
  return in_flight() >= window_ && next_sequence_ < ring_.published_sequence();
}

void Outbound::on_published() {
  if (policy_.delivery == wire::Delivery::kLatest && ring_.published_sequence() > next_sequence_) {
    drop_below_ = std::max(drop_below_, ring_.published_sequence() - 1);
    drop_unsent();
  }
  if (!policy_.fill) return;
  if (ring_.published_sequence() - base() >= window_) {
    released_ = std::max(released_, base() + window_);
  }
}

void Outbound::release() { released_ = ring_.published_sequence(); }

uint8_t* Outbound::write_range(uint64_t channel, uint64_t from, uint64_t until, uint8_t* out,
                               uint8_t* end, uint64_t& reached, uint64_t& messages) {
  uint64_t position = from;
  uint64_t sequence =
      from >= ring_.position_of(next_sequence_) ? next_sequence_ : ring_.sequence_at(from);
  while (position < until) {
    const uint64_t start = ring_.position_of(sequence);
    const auto room = static_cast<size_t>(end - out);
    if (position == start) {
      const uint64_t limit = std::min(until, position + wire::message_room(channel, room));
      const uint64_t last =
          std::min(ring_.last_boundary(sequence, limit), sequence + wire::kMaxMessagesPerPacket);
      if (last > sequence) {
        const auto length = static_cast<size_t>(ring_.position_of(last) - position);
        out = wire::write_message_header(out, end, channel, wire::truncate32(wire_number(sequence)),
                                         length);
        ring_.copy(position, length, out);
        out += length;
        messages += last - sequence;
        position += length;
        sequence = last;
        continue;
      }
    }
    size_t prefix = 0;
    const size_t total = ring_.length_at(start, prefix);
    const uint64_t body = start + prefix;
    const uint64_t offset = position > body ? position - body : 0;
    const uint64_t stop = std::min(until, body + total);
    // An empty message cannot be cut, and what is lost never ends inside a length.
    if (stop <= body + offset) break;
    const uint64_t wanted = stop - (body + offset);
    const size_t fits = wire::fragment_room(channel, total, offset, room);
    const uint64_t piece = std::min<uint64_t>(wanted, fits);
    if (piece == 0 || (piece < wanted && piece < kSmallestPiece)) break;
    const auto length = static_cast<size_t>(piece);
    out = wire::write_fragment_header(out, end, channel, wire::truncate32(wire_number(sequence)),
                                      total, offset, length);
    ring_.copy(body + offset, length, out);
    out += length;
    if (offset == 0) messages++;
    position = body + offset + length;
    if (position == body + total) sequence++;
  }
  reached = position;
  return out;
}

uint8_t* Outbound::write(uint64_t channel, uint8_t* out, uint8_t* end, FrameRef& carried) {
  carried = FrameRef{channel, 0, 0, FrameRef::kData};
  uint64_t reached = 0;
  uint64_t messages = 0;
  if (!lost_.empty()) {
    const Interval range = lost_.front();
    uint64_t until = range.end;
    if (policy_.counted) {
      until = std::min(until, ring_.position_of(ring_.sequence_at(range.begin) + 1));
    }
    uint8_t* after = write_range(channel, range.begin, until, out, end, reached, messages);
    if (after == out) return out;
    lost_.remove_below(reached);
    resent_bytes_ += reached - range.begin;
    resent_messages_ += messages;
    carried.begin = range.begin;
    carried.end = reached;
    carried.again = true;
    return after;
  }
  uint64_t limit = limit_sequence();
  const bool begun = next_position_ != ring_.position_of(next_sequence_);
  if (policy_.counted) limit = std::min(limit, begun ? next_sequence_ : next_sequence_ + 1);
  // What waits behind a message that was begun is dropped when that has left.
  if (begun && drop_below_ > next_sequence_) limit = std::min(limit, next_sequence_);
  const uint64_t until = ring_.position_of(limit);
  if (until <= next_position_) return out;
  uint8_t* after = write_range(channel, next_position_, until, out, end, reached, messages);
  if (after == out) return out;
  carried.begin = next_position_;
  carried.end = reached;
  next_position_ = reached;
  // A message that was begun counts as in flight.
  next_sequence_ = ring_.last_boundary(
      next_sequence_ == ring_.tail_sequence() ? next_sequence_ : next_sequence_ - 1, reached);
  if (ring_.position_of(next_sequence_) < reached) next_sequence_++;
  ring_.set_sent_position(next_position_);
  if (drop_below_ > next_sequence_) drop_unsent();
  return after;
}

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

void Outbound::abandon() {
  lost_.release();
  acknowledged_.release();
  given_up_.release();
  requested_.release();
  under_way_.release();
  while (!resent_.empty()) resent_.pop_front();
  resent_.release();
  drop_below_ = 0;
  next_sequence_ = ring_.published_sequence();
  next_position_ = ring_.published_position();
  ring_.set_sent_position(next_position_);
  free_below(next_sequence_);
}

size_t Outbound::memory_bytes() const {
  return ring_.memory_bytes() + acknowledged_.memory_bytes() + lost_.memory_bytes() +
         given_up_.memory_bytes() + requested_.memory_bytes() + under_way_.memory_bytes() +
         resent_.capacity() * sizeof(Resent) + drops_.capacity() * sizeof(Drop);
}

}  // namespace hawser::transport
