#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "transport/channel.h"
#include "transport/list.h"

namespace hawser::transport {

// The channels of a session that have messages to send, in the order in which they fill packets: by
// priority (0 first, RFC 9218), and within one priority in turns of as many bytes as their weight
// says (deficit round robin, Shreedhar and Varghese, 1996; but a packet may overdraw a turn, which
// is taken off the next ones).
class Scheduler {
 public:
  static constexpr size_t kPriorities = 8;

  bool empty() const { return used_ == 0; }
  size_t size() const { return size_; }
  // Does nothing when it is in already.
  void push_back(Channel* channel);
  void remove(Channel* channel);
  // Whose turn it is; nullptr when empty.
  Channel* front() const { return used_ == 0 ? nullptr : lists_[std::countr_zero(used_)].front(); }
  // `bytes` of it were put into a packet. When its turn is over, the next one is in front.
  void charge(Channel* channel, size_t bytes);
  // Calls visit(channel) for all.
  template <typename Visit>
  void each(Visit visit) const {
    for (const auto& list : lists_) {
      for (Channel* c = list.front(); c != nullptr; c = list.next(c)) visit(c);
    }
  }

 private:
  using Queue = List<Channel, &Channel::active_hook>;

  static void settle(Queue& list);

  Queue lists_[kPriorities];
  uint32_t used_ = 0;  // a bit for each list that is not empty
  size_t size_ = 0;
};

}  // namespace hawser::transport
