// Which messages go to the application, and when.

#include <algorithm>

#include "transport/inbound.h"
#include "wire/frames.h"

namespace hawser::transport {

bool Inbound::may_hand_over(MessageSink* sink) const {
  return sink != nullptr && demand_ != Demand::kNone;
}

void Inbound::on_handed_over(uint64_t cost, size_t length) {
  delivered_cost_ += cost;
  if (demand_ == Demand::kContinuous) {
    consumed_cost_ = delivered_cost_;
  } else if (length >= once_left_) {
    demand_ = Demand::kNone;
  } else {
    once_left_ -= length;
  }
}

void Inbound::set_demand(Demand demand) {
  if (demand != Demand::kNone) consumed_cost_ = delivered_cost_;
  once_left_ = kOnceBytes;
  demand_ = demand;
}

// Moves expected_ over what is here and what was skipped.
void Inbound::advance() {
  while (slots_.contains(expected_)) {
    const Slot& slot = slots_[expected_];
    if (slot.state == State::kRun || slot.state == State::kTaken) {
      ahead_messages_ -= slot.count;
      expected_ += slot.count;
      continue;
    }
    if (expected_ >= skipped_below_) break;
    if (slot.state == State::kPartial) drop_partial(expected_);
    expected_++;
    skipped_messages_++;
  }
  if (!slots_.contains(expected_) && expected_ < skipped_below_) {
    skipped_messages_ += skipped_below_ - expected_;
    expected_ = skipped_below_;
  }
  pass_settled();
}

// Moves delivered_ over what was handed over out of order, and what was skipped.
void Inbound::pass_settled() {
  while (delivered_ < expected_) {
    if (!slots_.contains(delivered_)) {
      delivered_ = expected_;
    } else if (slots_[delivered_].state == State::kEmpty) {
      delivered_++;
    } else if (slots_[delivered_].state == State::kTaken) {
      delivered_ += slots_[delivered_].count;
    } else {
      break;
    }
  }
  if (delivered_ < slots_.end()) {
    slots_.pop_front_until(std::max(delivered_, slots_.first()));
  } else if (!slots_.empty()) {
    slots_.pop_front_until(slots_.end());
  }
  if (skipped_cost_ != 0 && delivered_ >= skipped_below_) {
    delivered_cost_ += skipped_cost_;
    consumed_cost_ += skipped_cost_;
    skipped_cost_ = 0;
  }
}

bool Inbound::hand_over(Channel& channel, MessageSink* sink, uint64_t sequence, const Slot& slot) {
  const uint8_t* from = slot.data;
  size_t length = slot.length;
  uint32_t count = slot.count;
  if (delivery_ == wire::Delivery::kLatest) {
    // Only the last one of a run.
    const uint8_t* body = nullptr;
    size_t size = 0;
    for (; count > 1; count--, sequence++)
      from = wire::next_block(from, slot.data + slot.length, body, size);
    length = static_cast<size_t>(slot.data + slot.length - from);
  }
  if (!sink->take(channel, sequence, from, length, count)) return false;
  skipped_messages_ += slot.count - count;
  newest_taken_ = std::max(newest_taken_, sequence + count);
  return true;
}

void Inbound::deliver(Channel& channel, MessageSink* sink) {
  if (delivery_ == wire::Delivery::kOrdered) {
    deliver_in_order(channel, sink);
  } else {
    deliver_any(channel, sink);
  }
}

void Inbound::deliver_in_order(Channel& channel, MessageSink* sink) {
  while (delivered_ != expected_ && may_hand_over(sink)) {
    const Slot slot = slots_[delivered_];
    if (!hand_over(channel, sink, delivered_, slot)) return;
    pool_->give(slot.data, slot.length);
    stored_messages_ -= slot.count;
    delivered_ += slot.count;
    on_handed_over(slot.length + wire::kMessageOverhead * slot.count, slot.length);
    pass_settled();
  }
}

// What is whole, whatever is missing before it.
void Inbound::deliver_any(Channel& channel, MessageSink* sink) {
  uint64_t s = std::max(first_ready_, slots_.first());
  for (; stored_messages_ != 0 && s < slots_.end() && may_hand_over(sink); s++) {
    const Slot slot = slots_[s];
    if (slot.state != State::kRun) continue;
    if (!hand_over(channel, sink, s, slot)) break;
    mark_taken(s, slot);
    on_handed_over(slot.length + wire::kMessageOverhead * slot.count, slot.length);
  }
  first_ready_ = s;
  pass_settled();
}

// Each gets a slot of its own that knows its cost, for SKIP.
void Inbound::mark_taken(uint64_t sequence, const Slot& slot) {
  const uint8_t* p = slot.data;
  for (uint32_t i = 0; i < slot.count; i++) {
    const uint8_t* body = nullptr;
    size_t length = 0;
    const uint8_t* after = wire::next_block(p, slot.data + slot.length, body, length);
    slots_[sequence + i] = Slot{nullptr, static_cast<uint32_t>(after - p), 1, State::kTaken};
    p = after;
  }
  pool_->give(slot.data, slot.length);
  stored_messages_ -= slot.count;
}

// kLatest: of what waits, only the newest run, and that only if it is newer than what was handed
// over.
void Inbound::keep_newest() {
  uint64_t newest = 0;
  bool found = false;
  const uint64_t from = std::max(first_ready_, slots_.first());
  for (uint64_t s = from; s < slots_.end(); s++) {
    if (slots_[s].state != State::kRun) continue;
    newest = s;
    found = true;
  }
  if (!found) return;
  const bool keep = newest + slots_[newest].count > newest_taken_;
  for (uint64_t s = from; s < slots_.end(); s++) {
    const Slot slot = slots_[s];
    if (slot.state != State::kRun || (keep && s == newest)) continue;
    mark_taken(s, slot);
    skipped_messages_ += slot.count;
    const uint64_t cost = slot.length + wire::kMessageOverhead * slot.count;
    delivered_cost_ += cost;
    consumed_cost_ += cost;
  }
  first_ready_ = keep ? newest : slots_.end();
}

void Inbound::set_delivery(wire::Delivery delivery) {
  delivery_ = delivery;
  first_ready_ = slots_.first();
  if (delivery_ == wire::Delivery::kLatest) keep_newest();
}

}  // namespace hawser::transport
