#include "transport/outbound.h"

#include <algorithm>

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
      first_sequence_(first_sequence),
      next_sequence_(first_sequence) {}

bool Outbound::raise_credit(uint64_t limit) {
  if (limit <= credit_) return false;
  credit_ = limit;
  return true;
}

uint64_t Outbound::cost_below(uint64_t sequence) const {
  return ring_.position_of(sequence) + wire::kMessageOverhead * (sequence - first_sequence_);
}

uint64_t Outbound::fully_sent() const {
  return next_position_ == ring_.position_of(next_sequence_) ? next_sequence_ : next_sequence_ - 1;
}

// One past the last message that published, window and credit allow to be begun.
uint64_t Outbound::limit_sequence() const {
  uint64_t limit = std::min(ring_.published_sequence(), base() + window_);
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
  wanted = cost_below(next_sequence_ + 1);
  return wanted > credit_;
}

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
        out = wire::write_message_header(out, end, channel, wire::truncate32(sequence), length);
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
    out = wire::write_fragment_header(out, end, channel, wire::truncate32(sequence), total, offset,
                                      length);
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
    uint8_t* after = write_range(channel, range.begin, range.end, out, end, reached, messages);
    if (after == out) return out;
    lost_.remove_below(reached);
    resent_bytes_ += reached - range.begin;
    resent_messages_ += messages;
    carried.begin = range.begin;
    carried.end = reached;
    return after;
  }
  const uint64_t limit = limit_sequence();
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
  return after;
}

void Outbound::advance_base() {
  while (!acknowledged_.empty() && acknowledged_.front().begin <= ring_.tail_position()) {
    const uint64_t end = acknowledged_.front().end;
    const uint64_t sequence = ring_.last_boundary(ring_.tail_sequence(), end);
    if (sequence == ring_.tail_sequence()) return;
    ring_.free_below(sequence);
    acknowledged_.remove_below(ring_.tail_position());
  }
}

bool Outbound::on_acknowledged(uint64_t begin, uint64_t end) {
  const uint64_t tail = ring_.tail_position();
  if (end <= tail) return true;
  begin = std::max(begin, tail);
  if (!lost_.empty() && !lost_.remove(begin, end)) return false;
  if (acknowledged_.empty() && begin == tail) {
    const uint64_t sequence = ring_.last_boundary(ring_.tail_sequence(), end);
    if (ring_.position_of(sequence) == end) {
      ring_.free_below(sequence);
      return true;
    }
  }
  if (!acknowledged_.add(begin, end)) return false;
  advance_base();
  return true;
}

bool Outbound::on_lost(uint64_t begin, uint64_t end) {
  uint64_t at = std::max(begin, ring_.tail_position());
  for (size_t i = 0; i < acknowledged_.count() && at < end; i++) {
    const Interval& have = acknowledged_.at(i);
    if (have.end <= at) continue;
    if (have.begin >= end) break;
    if (have.begin > at && !lost_.add(at, have.begin)) return false;
    at = std::max(at, have.end);
  }
  return at >= end || lost_.add(at, end);
}

uint64_t Outbound::on_count(uint64_t sequence) {
  const uint64_t before = base();
  if (sequence <= before) return 0;
  ring_.free_below(sequence);
  lost_.remove_below(ring_.tail_position());
  acknowledged_.remove_below(ring_.tail_position());
  advance_base();
  return base() - before;
}

void Outbound::abandon() {
  lost_.release();
  acknowledged_.release();
  next_sequence_ = ring_.published_sequence();
  next_position_ = ring_.published_position();
  ring_.set_sent_position(next_position_);
  ring_.free_below(next_sequence_);
}

size_t Outbound::memory_bytes() const {
  return ring_.memory_bytes() + acknowledged_.memory_bytes() + lost_.memory_bytes();
}

}  // namespace hawser::transport
