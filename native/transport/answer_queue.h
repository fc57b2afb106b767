#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "transport/memory.h"
#include "transport/types.h"
#include "wire/packet.h"

namespace hawser::transport {

// RESPONSEs that came while another one was computed: anybody who has seen the INIT can have sent
// that one, and the right one must not be lost for it. Takes memory only when there is one.
class AnswerQueue {
 public:
  static constexpr size_t kMaxBytes = wire::kMaxResponseBytes - wire::kResponseHeaderBytes;

  struct Answer {
    PathAddress from;
    size_t length;
    uint8_t message[kMaxBytes];
  };

  // At most `capacity` at a time.
  AnswerQueue(Memory& memory, size_t capacity) : memory_(memory), capacity_(capacity) {}
  ~AnswerQueue() { release(); }
  AnswerQueue(const AnswerQueue&) = delete;
  AnswerQueue& operator=(const AnswerQueue&) = delete;

  // False: full, no memory, or too long.
  bool push(const PathAddress& from, const uint8_t* message, size_t length) {
    if (count_ == capacity_ || length > kMaxBytes) return false;
    if (answers_ == nullptr) {
      answers_ = static_cast<Answer*>(memory_.allocate(capacity_ * sizeof(Answer)));
      if (answers_ == nullptr) return false;
    }
    Answer& answer = answers_[(first_ + count_++) % capacity_];
    answer.from = from;
    answer.length = length;
    std::memcpy(answer.message, message, length);
    return true;
  }

  // The oldest, off the queue; good until the next push(). nullptr: none.
  const Answer* pop() {
    if (count_ == 0) return nullptr;
    const Answer* answer = &answers_[first_];
    first_ = (first_ + 1) % capacity_;
    count_--;
    return answer;
  }

  // Forgets all of them.
  void release() {
    memory_.release(answers_, capacity_ * sizeof(Answer));
    answers_ = nullptr;
    first_ = count_ = 0;
  }

 private:
  Memory& memory_;
  const size_t capacity_;
  Answer* answers_ = nullptr;
  size_t first_ = 0;
  size_t count_ = 0;
};

}  // namespace hawser::transport
