#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "test/support/outbound_stream.h"
#include "transport/outbound.h"
#include "wire/frames.h"

// A sender's direction of a channel that remembers each byte by itself, as slow and as simple as
// can be: what Outbound must do, whatever happens and in whatever order.
namespace hawser::transport::outbound_test {

struct ModelMessage {
  uint64_t begin;
  uint64_t end;
  uint64_t wire = 0;  // 0: nothing of it was sent
  bool dropped = false;
  bool given_up = false;
};

struct ModelByte {
  bool sent = false;
  bool acknowledged = false;
  bool lost = false;
  bool requested = false;
  bool arrived = false;
  Time again_at = -1;
};

class OutboundModel {
 public:
  OutboundModel(const OutboundPolicy& policy, uint64_t first)
      : policy_(policy),
        trusted_(!policy.counted),
        base_(first),
        next_(first),
        released_(first),
        published_(first) {}

  void push(size_t length) {
    const uint64_t begin = bytes_.size();
    const uint64_t size = wire::varint_size(length) + length;
    messages_.emplace(published_ + unpublished_++, ModelMessage{begin, begin + size});
    bytes_.resize(begin + size);
  }
  void publish() {
    published_ += unpublished_;
    unpublished_ = 0;
    if (policy_.delivery == wire::Delivery::kLatest && published_ > next_)
      drop_below(published_ - 1);
    if (policy_.fill && published_ - base_ >= window)
      released_ = std::max(released_, base_ + window);
  }
  void release() { released_ = published_; }

  // What a packet carried; nothing: it is right.
  const char* on_written(const FrameRef& ref, uint64_t wire, Time now) {
    if (ref.begin >= ref.end || ref.end > bytes_.size()) return "an impossible range";
    const bool again = any_lost();
    if (ref.again != again) return "new bytes before lost ones, or the other way round";
    if (ref.begin != (again ? first_lost() : position_)) return "not the first that must leave";
    uint64_t messages = 0;
    uint64_t number = number_at(ref.begin);
    for (uint64_t at = ref.begin; at < ref.end; at++) {
      if (at == messages_.at(number).end) number++;
      ModelMessage& message = messages_.at(number);
      if (at == message.begin || at == ref.begin) messages++;
      ModelByte& byte = bytes_[at];
      if (again != byte.sent) return "a byte that it does not say";
      if (again && !byte.lost) return "a byte is repeated that need not be";
      if (message.dropped || message.given_up) return "a byte of what was given up";
      if (message.wire == 0) {
        if (!may_begin(number)) return "a message that must not leave yet";
        message.wire = next_wire_++;
        next_ = number + 1;
      }
      if (message.wire != wire + (messages - 1)) return "another number on the wire";
      byte.sent = true;
      byte.lost = false;
      if (again) byte.again_at = now;
    }
    if (policy_.counted && messages > 1) return "more than one message in a packet";
    if (!again) {
      position_ = ref.end;
      apply_drop();
    }
    return nullptr;
  }

  void on_acknowledged(uint64_t begin, uint64_t end) {
    if (end <= tail()) return;
    for (uint64_t at = begin; at < end; at++) {
      bytes_[at].acknowledged = true;
      bytes_[at].lost = false;
    }
    const uint64_t before = base_;
    advance();
    shifted(before);
    if (policy_.delivery != wire::Delivery::kLatest || end <= tail()) return;
    const uint64_t last = number_at(end - 1);
    for (uint64_t number = last; number + 2 > last && number > base_; number--) {
      if (messages_.at(number).dropped) return;
      if (acknowledged(number)) {
        give_up(base_, number);
        return;
      }
    }
  }
  void on_arrived(uint64_t begin, uint64_t end) {
    for (uint64_t at = begin; at < end; at++) bytes_[at].arrived = true;
  }
  void on_lost(uint64_t begin, uint64_t end, bool again) {
    begin = std::max(begin, tail());
    if (begin >= end) return;
    if (policy_.delivery == wire::Delivery::kUnreliable) {
      give_up(number_at(begin), number_at(end - 1) + 1);
      return;
    }
    for (uint64_t at = begin; at < end; at++) {
      if (again || !bytes_[at].requested) lose(at);
    }
  }
  void on_request(uint64_t first, uint64_t count, Time since) {
    for (uint64_t number = std::max(first, base_); number < std::min(first + count, next_);
         number++) {
      const ModelMessage& message = messages_.at(number);
      for (uint64_t at = message.begin; at < message.end && bytes_[at].sent; at++) {
        if (bytes_[at].again_at <= since) lose(at);
        bytes_[at].requested = true;
      }
    }
  }
  void on_count(uint64_t number) {
    if (number <= base_) return;
    const uint64_t before = base_;
    base_ = number;
    advance();
    if (policy_.resend_all) {
      for (uint64_t n = base_; n < next_; n++) {
        const ModelMessage& message = messages_.at(n);
        if (message.dropped || message.given_up) continue;
        const bool all = !any_given_up_ && !any_dropped();
        for (uint64_t at = message.begin; at < message.end && bytes_[at].sent; at++) {
          if (all || !bytes_[at].acknowledged) bytes_[at].lost = true;
        }
      }
    }
    shifted(before);
  }
  void trust_packets() {
    const uint64_t before = base_;
    trusted_ = true;
    advance();
    shifted(before);
  }
  void expire_below(uint64_t number) {
    number = std::min(number, published_);
    if (number <= base_) return;
    give_up(base_, std::min(number, next_));
    if (number > next_) drop_below(number);
  }

  // --- What must be so.
  uint64_t base() const { return base_; }
  uint64_t next() const { return next_; }
  uint64_t published() const { return published_; }
  uint64_t written() const { return published_ + unpublished_; }
  uint64_t expired() const { return expired_; }
  bool dropped(uint64_t number) const { return number < next_ && messages_.at(number).dropped; }
  bool any_lost() const { return first_lost() < bytes_.size(); }
  bool has_work() const { return any_lost() || begun() || may_begin(next_); }
  uint64_t in_flight() const {
    uint64_t count = 0;
    for (uint64_t n = base_; n < next_; n++) count += messages_.at(n).wire != 0 ? 1 : 0;
    return count;
  }
  uint64_t cost_below(uint64_t number) const {
    uint64_t cost = 0;
    for (const auto& [n, message] : messages_) {
      if (n < number && (n >= next_ || message.wire != 0)) cost += message.end - message.begin + 32;
    }
    return cost;
  }
  // One past the last number up to which everything was acknowledged, given up or dropped.
  uint64_t settled() const {
    uint64_t n = base_;
    while (n < next_ && settled(n)) n++;
    return n;
  }
  // One past the last of those that was given up, and what was dropped behind it; base() if none.
  uint64_t skip_target() const {
    uint64_t target = base_;
    for (uint64_t n = base_; n < settled(); n++) {
      if (messages_.at(n).given_up) target = n + 1;
    }
    while (target != base_ && dropped(target)) target++;
    return target;
  }
  // The next number that a receiver expects which knows of every SKIP below `skipped`.
  uint64_t expected(uint64_t skipped) const {
    uint64_t n = base_;
    for (; n < next_; n++) {
      const ModelMessage& m = messages_.at(n);
      if (m.dropped || n < skipped) continue;
      for (uint64_t at = m.begin; at < m.end; at++) {
        if (!bytes_[at].arrived) return n;
      }
    }
    return n;
  }
  // The number on the wire of the first message at or above `number` that has or will have one.
  uint64_t wire_of(uint64_t number) const {
    for (; number < next_; number++) {
      if (messages_.at(number).wire != 0) return messages_.at(number).wire;
    }
    return next_wire_ + (number - next_);
  }
  void start_at(uint64_t wire) { next_wire_ = wire; }

  uint64_t window = 2;
  uint64_t credit = 0;

 private:
  uint64_t tail() const { return base_ < written() ? messages_.at(base_).begin : bytes_.size(); }
  uint64_t number_at(uint64_t position) const {
    for (const auto& [n, message] : messages_) {
      if (position >= message.begin && position < message.end) return n;
    }
    return written();
  }
  uint64_t first_lost() const {
    uint64_t at = tail();
    while (at < bytes_.size() && !bytes_[at].lost) at++;
    return at;
  }
  bool begun() const {
    return next_ != 0 && messages_.count(next_ - 1) != 0 &&
           position_ < messages_.at(next_ - 1).end && position_ > messages_.at(next_ - 1).begin;
  }
  bool may_begin(uint64_t number) const {
    if (number >= published_ || in_flight() >= window) return false;
    if (policy_.fill && number >= released_) return false;
    return cost_below(number + 1) <= credit;
  }
  bool acknowledged(uint64_t number) const {
    const ModelMessage& m = messages_.at(number);
    if (m.dropped) return true;
    for (uint64_t at = m.begin; at < m.end; at++) {
      if (!bytes_[at].acknowledged) return false;
    }
    return true;
  }
  bool settled(uint64_t n) const { return messages_.at(n).given_up || acknowledged(n); }
  bool any_dropped() const {
    for (uint64_t n = base_; n < next_; n++) {
      if (messages_.at(n).dropped) return true;
    }
    return false;
  }
  void advance() {
    while (trusted_ && base_ < next_ && acknowledged(base_)) base_++;
    any_given_up_ = false;
    for (uint64_t n = base_; n < next_; n++) any_given_up_ |= messages_.at(n).given_up;
  }
  void shifted(uint64_t before) {
    if (policy_.fill && base_ != before) {
      released_ = std::max(released_, std::min(published_, base_ + window));
    }
  }
  void lose(uint64_t at) {
    const ModelMessage& message = messages_.at(number_at(at));
    if (!bytes_[at].acknowledged && !message.given_up) bytes_[at].lost = true;
  }
  void give_up(uint64_t first, uint64_t end) {
    uint64_t given_up = 0;
    for (uint64_t n = first; n < end; n++) {
      if (!messages_.at(n).given_up && !acknowledged(n)) given_up++;
    }
    if (given_up == 0) return;
    expired_ += given_up;
    any_given_up_ = true;
    for (uint64_t n = first; n < end; n++) {
      ModelMessage& message = messages_.at(n);
      if (!message.dropped) message.given_up = true;
      for (uint64_t at = message.begin; at < message.end; at++) bytes_[at].lost = false;
      if (position_ > message.begin && position_ < message.end) position_ = message.end;
    }
    apply_drop();
  }
  void drop_below(uint64_t number) {
    drop_below_ = std::max(drop_below_, number);
    apply_drop();
  }
  void apply_drop() {
    const uint64_t until = std::min(drop_below_, published_);
    if (until <= next_ || begun()) return;
    const bool at_base = next_ == base_;
    for (; next_ < until; next_++) {
      messages_.at(next_).dropped = true;
      position_ = messages_.at(next_).end;
      expired_++;
    }
    released_ = std::max(released_, until);
    if (at_base) base_ = next_;
  }

  OutboundPolicy policy_;
  bool trusted_;
  std::map<uint64_t, ModelMessage> messages_;
  std::vector<ModelByte> bytes_;
  uint64_t base_;
  uint64_t next_;
  uint64_t released_;
  uint64_t published_;
  uint64_t unpublished_ = 0;
  uint64_t position_ = 0;
  uint64_t next_wire_ = 1;
  uint64_t drop_below_ = 0;
  uint64_t expired_ = 0;
  bool any_given_up_ = false;
};

}  // namespace hawser::transport::outbound_test
