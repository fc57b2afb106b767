#pragma once

#include <algorithm>
#include <cstdint>

namespace hawser::transport {

// The largest value of the present generation and the one before it: a maximum that forgets, with
// two numbers. Its user says when a generation ends.
class WindowedMax {
 public:
  void update(uint64_t value) { present_ = std::max(present_, value); }
  // A generation in which nothing was measured does not push out the last one that was.
  void advance() {
    if (present_ == 0) return;
    past_ = present_;
    present_ = 0;
  }
  void reset() { past_ = present_ = 0; }
  // 0: nothing was measured.
  uint64_t value() const { return std::max(past_, present_); }

 private:
  uint64_t past_ = 0;
  uint64_t present_ = 0;
};

}  // namespace hawser::transport
