#pragma once

#include <cstdint>

#include "transport/ring.h"
#include "transport/time.h"

namespace hawser::transport {

// When the messages of a channel were handed in, for those that expire: a mark for each batch, but
// not more than about 64 in one lifetime of a message.
class ExpiryMarks {
 public:
  explicit ExpiryMarks(Memory& memory) : marks_(memory) {}

  // Messages below `end` that were not noted before were handed in at `now`, give or take
  // `lifetime` / 64.
  void note(Time now, uint64_t end, Duration lifetime) {
    if (!marks_.empty()) {
      if (marks_.back().end == end) return;
      if (now - marks_.back().at <= lifetime / kMarks) {
        marks_.back().end = end;
        return;
      }
    }
    // Without memory they live as long as those before or after them.
    (void)marks_.push_back(Mark{end, now});
  }
  // Everything below this was handed in `lifetime` ago or earlier; 0: nothing.
  uint64_t expired_below(Time now, Duration lifetime) {
    uint64_t end = 0;
    while (!marks_.empty() && now - marks_.front().at >= lifetime) {
      end = marks_.front().end;
      marks_.pop_front();
    }
    return end;
  }
  // The marks of messages below `number` are not needed.
  void forget_below(uint64_t number) {
    while (!marks_.empty() && marks_.front().end <= number) marks_.pop_front();
  }
  // When the oldest expire; kNever: no message.
  Time next(Duration lifetime) const {
    return marks_.empty() ? kNever : marks_.front().at + lifetime;
  }
  void release() {
    while (!marks_.empty()) marks_.pop_front();
    marks_.release();
  }

 private:
  static constexpr int kMarks = 64;
  struct Mark {
    uint64_t end;
    Time at;
  };
  Ring<Mark> marks_;
};

}  // namespace hawser::transport
