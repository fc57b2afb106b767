#include "transport/scheduler.h"

namespace hawser::transport {

namespace {
// Bytes of a turn for each unit of weight: with the default of 16, about one packet of 1,200.
constexpr int64_t kBytesOfWeight = 75;
}  // namespace

void Scheduler::push_back(Channel* channel) {
  if (Queue::linked(channel)) return;
  channel->turn = int64_t{channel->weight()} * kBytesOfWeight;
  lists_[channel->priority()].push_back(channel);
  used_ |= 1u << channel->priority();
  size_++;
}

void Scheduler::remove(Channel* channel) {
  if (!Queue::linked(channel)) return;
  Queue& list = lists_[channel->priority()];
  list.remove(channel);
  if (list.empty()) used_ &= ~(1u << channel->priority());
  size_--;
}

void Scheduler::charge(Channel* channel, size_t bytes) {
  channel->turn -= static_cast<int64_t>(bytes);
  if (channel->turn > 0 || !Queue::linked(channel)) return;
  // What was taken too much is taken off the next turn.
  channel->turn += int64_t{channel->weight()} * kBytesOfWeight;
  Queue& list = lists_[channel->priority()];
  list.remove(channel);
  list.push_back(channel);
}

}  // namespace hawser::transport
