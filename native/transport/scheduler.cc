#include "transport/scheduler.h"

#include <algorithm>

namespace hawser::transport {

namespace {
// Bytes of a turn for each unit of weight: with the default of 16, about one packet of 1,200.
constexpr int64_t kBytesOfWeight = 75;

int64_t turn_of(const Channel* channel) { return int64_t{channel->weight()} * kBytesOfWeight; }
}  // namespace

// Whoever is in front has something left of its turn. Who took too much waits until others had as
// much for their weight: each pass pays back one turn, so that a packet costs as many passes in all
// as it holds turns.
void Scheduler::settle(Queue& list) {
  while (Channel* channel = list.front()) {
    if (channel->turn > 0) return;
    if (list.next(channel) == nullptr) {
      channel->turn = turn_of(channel);  // it is alone: nobody waited
      return;
    }
    channel->turn += turn_of(channel);
    if (channel->turn > 0) return;
    list.remove(channel);
    list.push_back(channel);
  }
}

void Scheduler::push_back(Channel* channel) {
  if (Queue::linked(channel)) return;
  // A debt is not forgiven by leaving and coming back.
  channel->turn = std::min<int64_t>(channel->turn, 0);
  Queue& list = lists_[channel->priority()];
  list.push_back(channel);
  settle(list);
  used_ |= 1u << channel->priority();
  size_++;
}

void Scheduler::remove(Channel* channel) {
  if (!Queue::linked(channel)) return;
  Queue& list = lists_[channel->priority()];
  list.remove(channel);
  settle(list);
  if (list.empty()) used_ &= ~(1u << channel->priority());
  size_--;
}

void Scheduler::charge(Channel* channel, size_t bytes) {
  channel->turn -= static_cast<int64_t>(bytes);
  if (channel->turn > 0 || !Queue::linked(channel)) return;
  Queue& list = lists_[channel->priority()];
  list.remove(channel);
  list.push_back(channel);
  settle(list);
}

}  // namespace hawser::transport
