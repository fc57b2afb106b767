#pragma once

#include <algorithm>
#include <cstdint>

#include "transport/block_pool.h"
#include "transport/message_sink.h"
#include "transport/range_set.h"
#include "transport/ring.h"
#include "transport/types.h"
#include "wire/frames.h"

namespace hawser::transport {

// Whether the application wants messages of a channel now.
enum class Demand : uint8_t {
  kNone,        // keep them
  kOnce,        // hand over up to kOnceBytes; asking again says that it was consumed
  kContinuous,  // hand over everything; handing over is consuming
};

// The receiving direction of a channel: puts messages in order, keeps those that cannot be handed
// over yet, reassembles cut ones, and counts what may come (credit).
class Inbound {
 public:
  enum class Result : uint8_t {
    kTaken,      // kept or handed over, at least in part new
    kDuplicate,  // all of it was here before
    kNoMemory,   // not kept: the packet must not be acknowledged
    kTooMuch,    // beyond the credit: FLOW_CONTROL
    kTooLarge,   // longer than allowed: MESSAGE_TOO_LARGE
    kBadState,   // beyond the final sequence, or a total that changed: CHANNEL_STATE
    kExcessive,  // pieces too small to keep account of: dropped, not acknowledged
  };

  // What Demand::kOnce lets go before it must be asked again, bytes; at least one run goes.
  static constexpr size_t kOnceBytes = 128 * 1024;

  // credit: total cost the peer may send at first.
  Inbound(Memory& memory, BlockPool& pool, uint64_t first_sequence, uint64_t credit);
  ~Inbound();
  Inbound(const Inbound&) = delete;
  Inbound& operator=(const Inbound&) = delete;

  // The longest message that the application takes; from now on the window may grow to hold one.
  void set_max_message(uint32_t bytes);
  // The receive window may grow up to this many bytes of cost.
  void set_max_window(uint64_t bytes) { max_window_ = bytes; }

  // A MESSAGE frame with `count` messages in `length` bytes at `run`, the first being `sequence`.
  Result on_message(Channel& channel, uint64_t sequence, const uint8_t* run, size_t length,
                    uint32_t count, MessageSink* sink);
  Result on_fragment(Channel& channel, uint64_t sequence, uint64_t total, uint64_t offset,
                     const uint8_t* piece, size_t length, MessageSink* sink);
  // SKIP: what is missing below `next` will not come; everything below it that was sent cost
  // `cost`. kTooMuch: the costs contradict what came; kBadState: too far ahead or beyond the end.
  Result on_skip(Channel& channel, uint64_t next, uint64_t cost, MessageSink* sink);
  // How messages are handed over; ordered until set.
  void set_delivery(wire::Delivery delivery);
  // END or RESET said that `final` is the last message. False: contradicts what came before.
  [[nodiscard]] bool set_final(uint64_t final);

  // Hands over what is in sequence, as far as demand and sink allow.
  void deliver(Channel& channel, MessageSink* sink);
  void set_demand(Demand demand);
  Demand demand() const { return demand_; }
  // Messages wait that may be handed over, and the demand would let them go.
  bool readable() const { return demand_ != Demand::kNone && deliverable(); }
  bool deliverable() const {
    return delivery_ == wire::Delivery::kOrdered ? delivered_ != expected_ : stored_messages_ != 0;
  }
  // One past the newest message of which anything is here; expected() when nothing is ahead.
  uint64_t frontier() const {
    return slots_.empty() ? expected_ : std::max(slots_.end(), expected_);
  }
  // Something is missing below what has come. A message that is coming piece by piece is no gap.
  bool has_gap() const { return frontier() > expected_ + 1; }
  // Calls visit(first, one past the last) for each run of messages in [from, below) of which not
  // everything is here; false from it stops.
  template <typename Visit>
  void each_gap(uint64_t from, uint64_t below, Visit visit) const {
    uint64_t begin = 0;
    bool inside = false;
    for (uint64_t s = std::max(from, expected_); s < below; s++) {
      if (missing(s) == inside) continue;
      if (inside && !visit(begin, s)) return;
      inside = !inside;
      begin = s;
    }
    if (inside) visit(begin, below);
  }

  // Number of the next message expected in sequence: everything below has arrived.
  uint64_t expected() const { return expected_; }
  // Number of the next message to hand over.
  uint64_t delivered() const { return delivered_; }
  bool has_final() const { return final_known_; }
  // The peer ended, and everything has arrived / was handed over.
  bool complete() const { return final_known_ && expected_ == final_ + 1; }
  bool drained() const { return final_known_ && delivered_ == final_ + 1; }

  // Credit to announce; due when enough was consumed since the last one.
  uint64_t credit_limit() const { return consumed_cost_ + window_; }
  uint64_t announced_credit() const { return announced_; }
  bool credit_due() const;
  // The limit was announced at `now`; the window grows when it is used up within `lead`, for which
  // it should last.
  void on_credit_announced(Time now, Duration lead);
  // BLOCKED: the peer wants this total cost. Makes the window large enough for one message; and
  // twice as large, up to the largest, for a reader that takes everything when it comes to it.
  void on_blocked(uint64_t wanted);

  uint64_t received_messages() const { return received_messages_; }
  // Without the lengths before the messages.
  uint64_t received_bytes() const { return received_bytes_; }
  uint64_t duplicate_messages() const { return duplicate_messages_; }
  // Messages that were skipped, or replaced by newer ones before they were handed over.
  uint64_t skipped_messages() const { return skipped_messages_; }
  // Messages that arrived and were not handed over.
  uint64_t held_messages() const { return stored_messages_; }
  // Cost of what is kept, messages of which only a part is here whole.
  uint64_t held_cost() const { return received_cost_ - delivered_cost_; }
  uint64_t window() const { return window_; }
  // How many messages of the size that comes the largest window holds; 0: none has come.
  uint64_t room_in_messages() const {
    return received_messages_ == 0
               ? 0
               : max_window_ * received_messages_ / std::max<uint64_t>(received_cost_, 1);
  }
  // Forgets every message kept.
  void abandon();

 private:
  struct Partial;
  enum class State : uint8_t { kEmpty, kRun, kCovered, kPartial, kTaken };
  struct Slot {
    uint8_t* data;    // kRun: the run in wire form; kPartial: the Partial
    uint32_t length;  // kRun: of the run; kTaken: of the message in wire form
    uint32_t count;   // kRun: messages in the run; kTaken: 1
    State state;
  };

  bool missing(uint64_t sequence) const;
  bool must_wait(uint64_t sequence, uint64_t last, size_t bytes) const;
  [[nodiscard]] bool reserve_slot(uint64_t sequence);
  bool within_credit(uint64_t sequence, uint64_t cost) const;
  Result store_missing(uint64_t sequence, const uint8_t* run, const uint8_t* end, bool& stored);
  Result store_run(uint64_t sequence, const uint8_t* run, size_t length, uint32_t count);
  Result start_partial(uint64_t sequence, uint64_t total);
  Result add_piece(Partial& partial, uint64_t offset, const uint8_t* piece, size_t length);
  void finish_partial(uint64_t sequence);
  uint64_t partial_cost(uint64_t sequence) const;
  void drop_partial(uint64_t sequence);
  void free_partial(Partial* partial);
  bool may_hand_over(MessageSink* sink) const;
  // Hands a run over. False: the sink has no room.
  bool hand_over(Channel& channel, MessageSink* sink, uint64_t sequence, const Slot& slot);
  void on_handed_over(uint64_t cost, size_t length);
  // The messages of a run that was handed over out of order, or never will be.
  void mark_taken(uint64_t sequence, const Slot& slot);
  void deliver_in_order(Channel& channel, MessageSink* sink);
  void deliver_any(Channel& channel, MessageSink* sink);
  void keep_newest();
  uint64_t cost_from(uint64_t sequence) const;
  uint64_t missing_below(uint64_t sequence) const;
  void advance();
  void pass_settled();

  BlockPool* pool_;
  // Slot of message s is slots_[s], for delivered_ <= s.
  Ring<Slot> slots_;
  uint64_t expected_;
  uint64_t delivered_;
  uint64_t final_ = 0;
  bool final_known_ = false;
  Demand demand_ = Demand::kNone;
  wire::Delivery delivery_ = wire::Delivery::kOrdered;
  // Until the application has said what it takes, only the initial credit bounds a message.
  uint32_t max_message_ = static_cast<uint32_t>(wire::kMaxMessage);
  bool max_message_known_ = false;

  size_t once_left_ = 0;

  // Whole messages in slots that were not handed over.
  uint64_t stored_messages_ = 0;
  // Whole messages, handed over or not, above expected_.
  uint64_t ahead_messages_ = 0;
  // Messages of which only a part is here.
  uint64_t partial_messages_ = 0;
  // Of everything received, duplicates apart, and of messages of which only a part is here.
  uint64_t received_cost_ = 0;
  uint64_t delivered_cost_ = 0;
  uint64_t consumed_cost_ = 0;
  uint64_t announced_;
  // The peer said that it is blocked and wants this total cost.
  uint64_t wanted_ = 0;
  uint64_t window_;
  uint64_t max_window_;
  Time last_announced_at_ = 0;
  uint64_t consumed_at_last_ = 0;

  uint64_t received_messages_ = 0;
  uint64_t received_bytes_ = 0;
  uint64_t duplicate_messages_ = 0;
  uint64_t skipped_messages_ = 0;

  // What is missing below this will not come.
  uint64_t skipped_below_;
  // Its cost, which counts as consumed once everything below was handed over.
  uint64_t skipped_cost_ = 0;
  // Not in order: no run waits below this.
  uint64_t first_ready_;
  // kLatest: one past the newest message handed over.
  uint64_t newest_taken_ = 0;
};

}  // namespace hawser::transport
