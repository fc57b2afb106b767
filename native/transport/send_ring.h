#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "transport/memory.h"

namespace hawser::transport {

// The messages of one direction of a channel that were sent by the application and not yet
// acknowledged, in the form they have in a MESSAGE frame: a varint length and the bytes, one after
// the other. A *position* is a byte number in this stream since the channel began; an index finds
// the position of a message by its sequence number.
//
// One producer appends without a lock: push() touches only what lies beyond what was published.
// Everything else is called under the lock of the owner; grow(), publish() and trim() moreover only
// on the producer's thread.
class SendRing {
 public:
  SendRing(Memory& memory, uint64_t first_sequence);
  ~SendRing();
  SendRing(const SendRing&) = delete;
  SendRing& operator=(const SendRing&) = delete;

  // --- Producer.
  // Appends a message of `length` bytes. False: no room, call grow(length) and try again.
  bool push(const uint8_t* data, size_t length);
  // Number of the next message to be pushed.
  uint64_t written_sequence() const { return written_sequence_; }
  // Bytes pushed and not yet put into a packet for the first time.
  uint64_t unsent() const {
    return written_position_ - sent_position_.load(std::memory_order_relaxed);
  }

  // Bytes kept of messages that will not be sent, because older ones are still in flight.
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  // --- Producer, under the lock.
  // Makes room for a message of `length` bytes. False: no memory; nothing changed.
  [[nodiscard]] bool grow(size_t length);
  // Hands what was pushed over to the consumer.
  void publish();
  // Gives the memory back when the ring is empty.
  void trim();

  // --- Consumer, under the lock.
  uint64_t published_position() const { return published_position_; }
  // Number of the first message not yet published.
  uint64_t published_sequence() const { return published_sequence_; }
  uint64_t tail_position() const { return tail_position_.load(std::memory_order_relaxed); }
  // Number of the oldest message kept.
  uint64_t tail_sequence() const { return tail_sequence_.load(std::memory_order_relaxed); }
  // Where message `sequence` begins; for published_sequence() where the next one will begin.
  uint64_t position_of(uint64_t sequence) const;
  // The message that holds the byte at `position`.
  uint64_t sequence_at(uint64_t position) const;
  // The last message boundary at or before `limit`, as the sequence number that begins there; not
  // below `from`.
  uint64_t last_boundary(uint64_t from, uint64_t limit) const;
  void copy(uint64_t position, size_t length, uint8_t* out) const;
  // Length of the message that begins at `position`, and of the varint before it.
  size_t length_at(uint64_t position, size_t& prefix) const;
  void set_sent_position(uint64_t position) {
    sent_position_.store(position, std::memory_order_relaxed);
  }
  void add_dropped(uint64_t bytes) { dropped_.store(dropped() + bytes, std::memory_order_relaxed); }
  void forget_dropped() { dropped_.store(0, std::memory_order_relaxed); }
  // Forgets every message below `sequence`.
  void free_below(uint64_t sequence);
  size_t memory_bytes() const { return capacity_ + index_capacity_ * sizeof(uint32_t); }

 private:
  // Most of many channels are quiet: one message that is not long, and a few short ones.
  static constexpr size_t kFirstBytes = 256;
  static constexpr size_t kFirstIndex = 8;

  void write(uint64_t position, const uint8_t* data, size_t length);

  Memory* memory_;
  uint8_t* bytes_ = nullptr;
  // Low 32 bits of where each message begins; a ring never spans 2^31 bytes.
  uint32_t* index_ = nullptr;
  size_t capacity_ = 0;
  size_t index_capacity_ = 0;

  // Producer's own.
  uint64_t written_position_ = 0;
  uint64_t written_sequence_;

  // Under the lock.
  uint64_t published_position_ = 0;
  uint64_t published_sequence_;

  // Written under the lock, read by the producer without it.
  std::atomic<uint64_t> sent_position_{0};
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> tail_position_{0};
  std::atomic<uint64_t> tail_sequence_;
};

}  // namespace hawser::transport
