#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "transport/types.h"
#include "wire/limits.h"

namespace hawser::transport {

// PATH_RESPONSEs that wait to be sent. Of more than kMost the oldest is forgotten: whoever needs it
// asks again.
class PathAnswers {
 public:
  static constexpr size_t kMost = 3;
  struct Answer {
    PathAddress to;
    uint8_t data[wire::kPathDataBytes];
  };

  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  const Answer& front() const { return answers_[0]; }
  void push(const PathAddress& to, const uint8_t data[wire::kPathDataBytes]) {
    if (count_ == kMost) pop();
    Answer& answer = answers_[count_++];
    answer.to = to;
    std::memcpy(answer.data, data, sizeof answer.data);
  }
  void pop() {
    std::copy(answers_ + 1, answers_ + count_, answers_);
    count_--;
  }

 private:
  Answer answers_[kMost];
  size_t count_ = 0;
};

}  // namespace hawser::transport
