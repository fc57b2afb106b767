#include "engine/impaired_link.h"

namespace hawser::engine {

static_assert(net::kForever == transport::kNever);

void ImpairedLink::push(transport::Time now, const net::Address& to, uint32_t socket,
                        const uint8_t* data, size_t size) {
  const net::ImpairmentDecision decision = impairment_.decide(now, size);
  for (int i = 0; i < decision.copies; i++) {
    const net::ImpairedCopy& copy = decision.copy[i];
    uint8_t* bytes = queue_.push(copy.release_time, to, socket, data, size);
    if (bytes == nullptr || copy.corrupt_bit < 0) continue;
    bytes[copy.corrupt_bit / 8] ^= static_cast<uint8_t>(1u << (copy.corrupt_bit % 8));
  }
}

const net::DelayedDatagram* ImpairedLink::front(transport::Time now) {
  if (!taken_) taken_ = queue_.pop_due(now, &front_);
  return taken_ ? &front_ : nullptr;
}

transport::Time ImpairedLink::next_release() const {
  return taken_ ? front_.release_time : queue_.next_release();
}

void ImpairedLink::clear() {
  taken_ = false;
  queue_.clear();
}

uint64_t ImpairedLink::dropped() const {
  const net::ImpairmentCounters& counters = impairment_.counters();
  return counters.lost + counters.overflowed + queue_.dropped();
}

}  // namespace hawser::engine
