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

Outbound::Outbound(Memory& memory, Memory& queue, uint64_t first_sequence)
    : ring_(queue, first_sequence),
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
