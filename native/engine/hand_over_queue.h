// Datagrams that reached another engine than the one that they are for, on their way to it.
// Bounded: what does not fit is lost, as in the buffer of a socket that is full.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/os_thread.h"
#include "transport/types.h"

namespace hawser::engine {

class HandOverQueue {
 public:
  // Datagrams and what is noted about them; as much again may be on its way through receive().
  static constexpr size_t kMaxBytes = 4u << 20;

  enum class Push : uint8_t {
    kFirst,  // the owner has to be told
    kTaken,
    kFull,
  };
  struct Item {
    transport::PathAddress from;
    uint8_t* data;
    size_t length;
    bool admitted;  // Siblings::hand_over()
  };

  HandOverQueue() = default;
  ~HandOverQueue();
  HandOverQueue(const HandOverQueue&) = delete;
  HandOverQueue& operator=(const HandOverQueue&) = delete;

  // Any thread. Copies.
  Push push(const transport::PathAddress& from, const uint8_t* data, size_t length, bool admitted);

  // --- The owner, one thread at a time.
  bool empty() const { return !waiting_.load(std::memory_order_acquire); }
  // Calls take(Item) for all that came, in order. The bytes may be changed in place.
  template <typename Take>
  size_t take_all(Take&& take) {
    swap();
    size_t count = 0;
    Item item;
    for (size_t at = 0; at < taken_.used; count++) {
      at = read(at, &item);
      take(item);
    }
    taken_.used = 0;
    return count;
  }

 private:
  struct Buffer {
    uint8_t* bytes = nullptr;
    size_t capacity = 0;
    size_t used = 0;
  };
  struct Header {
    transport::PathAddress from;
    uint32_t length;
    bool admitted;
  };

  static bool reserve(Buffer& buffer, size_t bytes);
  void swap();
  // Where the next one begins.
  size_t read(size_t at, Item* item);

  Mutex mutex_;
  Buffer filling_;
  Buffer taken_;
  std::atomic<bool> waiting_{false};
};

}  // namespace hawser::engine
