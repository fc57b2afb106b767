#pragma once

#include <cstdint>

#include "transport/block_pool.h"
#include "transport/message_sink.h"
#include "transport/range_set.h"
#include "transport/ring.h"
#include "transport/types.h"

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
  // END or RESET said that `final` is the last message. False: contradicts what came before.
  [[nodiscard]] bool set_final(uint64_t final);

  // Hands over what is in sequence, as far as demand and sink allow.
  void deliver(Channel& channel, MessageSink* sink);
  void set_demand(Demand demand);
  Demand demand() const { return demand_; }
  // In-sequence messages wait that the demand would let go.
  bool readable() const { return demand_ != Demand::kNone && delivered_ != expected_; }

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
  // The limit was announced at `now`; the window grows when it was used up within two round trips.
  void on_credit_announced(Time now, Duration round_trip);
  // BLOCKED: the peer wants this total cost. Makes the window large enough for one message.
  void on_blocked(uint64_t wanted);

  uint64_t received_messages() const { return received_messages_; }
  // Without the lengths before the messages.
  uint64_t received_bytes() const { return received_bytes_; }
  uint64_t duplicate_messages() const { return duplicate_messages_; }
  // Messages that arrived and were not handed over.
  uint64_t held_messages() const { return stored_messages_; }
  uint64_t window() const { return window_; }
  // Forgets every message kept.
  void abandon();

 private:
  struct Partial;
  enum class State : uint8_t { kEmpty, kRun, kCovered, kPartial };
  struct Slot {
    uint8_t* data;  // kRun: the run in wire form; kPartial: the Partial
    uint32_t length;
    uint32_t count;  // kRun: messages in the run
    State state;
  };

  bool missing(uint64_t sequence) const;
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
  void on_delivered(uint64_t cost, uint32_t count, size_t length);
  void advance();

  Memory* memory_;
  BlockPool* pool_;
  // Slot of message s is slots_[s], for delivered_ <= s.
  Ring<Slot> slots_;
  uint64_t expected_;
  uint64_t delivered_;
  uint64_t final_ = 0;
  bool final_known_ = false;
  Demand demand_ = Demand::kNone;
  // Until the application has said what it takes, only the initial credit bounds a message.
  uint32_t max_message_ = static_cast<uint32_t>(wire::kMaxMessage);
  bool max_message_known_ = false;

  size_t once_left_ = 0;

  // Whole messages in slots.
  uint64_t stored_messages_ = 0;
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
};

}  // namespace hawser::transport
