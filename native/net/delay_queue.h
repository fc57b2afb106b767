// Holds impaired datagrams until their release time. Bounded in bytes and in number; its buffers
// are recycled, so that nothing is allocated once it has seen its usual load. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/address.h"
#include "net/clock.h"

namespace hawser::net {

struct DelayedDatagram {
  int64_t release_time = 0;
  Address address;
  uint32_t tag = 0;  // the owner's own, e.g. the index of a socket
  uint8_t* data = nullptr;
  size_t size = 0;
};

class DelayQueue {
 public:
  static constexpr size_t kMaxDatagramBytes = 65536;

  // `max_bytes` bounds the memory of all buffers, used and spare; `max_count` the datagrams held.
  DelayQueue(size_t max_bytes, size_t max_count);
  ~DelayQueue();
  DelayQueue(const DelayQueue&) = delete;
  DelayQueue& operator=(const DelayQueue&) = delete;

  // Copies a datagram in and returns the copy, which the caller may still change (corruption), or
  // nullptr when it is too large, a bound is reached or there is no memory; that is counted in
  // dropped(). The pointer is good until the datagram is popped.
  uint8_t* push(int64_t release_time, const Address& address, uint32_t tag, const uint8_t* data,
                size_t size);

  // Takes the next datagram whose release time is `now` or before: earliest first, and in the order
  // of push() within one time. Its bytes stay valid until the next pop_due() or clear().
  bool pop_due(int64_t now, DelayedDatagram* out);

  // kForever when empty.
  int64_t next_release() const { return count_ == 0 ? kForever : heap_[0].release_time; }

  // Forgets all datagrams and gives the memory back.
  void clear();

  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  size_t bytes() const { return payload_bytes_; }              // payload held
  size_t allocated_bytes() const { return allocated_bytes_; }  // buffers, used and spare
  uint64_t dropped() const { return dropped_; }

 private:
  // Buffer sizes: an acknowledgement, a packet of an ordinary path, a jumbo one, the largest.
  static constexpr size_t kClassBytes[] = {256, 2048, 16384, kMaxDatagramBytes};
  static constexpr size_t kClasses = sizeof(kClassBytes) / sizeof(kClassBytes[0]);

  // The head of a buffer; the datagram's bytes follow it.
  struct Buffer {
    Buffer* next_spare;
    Address address;
    uint32_t tag;
    uint32_t size;
    uint32_t size_class;

    uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
  };

  // What ordering needs, kept together so that sifting does not touch the buffers.
  struct Entry {
    int64_t release_time;
    uint64_t sequence;
    Buffer* buffer;
  };

  static bool later(const Entry& a, const Entry& b);
  static size_t class_of(size_t size);
  static size_t footprint(size_t size_class);

  Buffer* take_buffer(size_t size_class);
  void recycle(Buffer* buffer);
  void free_spare_buffers(size_t wanted_bytes);
  void free_buffer(Buffer* buffer);
  bool reserve_entry();

  const size_t max_bytes_;
  const size_t max_count_;
  Entry* heap_ = nullptr;
  size_t heap_capacity_ = 0;
  size_t count_ = 0;
  uint64_t next_sequence_ = 0;
  size_t payload_bytes_ = 0;
  size_t allocated_bytes_ = 0;
  uint64_t dropped_ = 0;
  Buffer* spare_[kClasses] = {};
  Buffer* popped_ = nullptr;
};

}  // namespace hawser::net
