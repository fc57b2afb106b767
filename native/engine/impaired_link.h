// The `impair` option on real sockets: what a host sends passes through net::Impairment and waits
// in a net::DelayQueue until its time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/delay_queue.h"
#include "net/impairment.h"
#include "transport/time.h"

namespace hawser::engine {

class ImpairedLink {
 public:
  explicit ImpairedLink(const net::ImpairmentOptions& options)
      : impairment_(options), queue_(kMaxBytes, kMaxDatagrams) {}

  // Decides the fate of one datagram; `socket` comes back with it.
  void push(transport::Time now, const net::Address& to, uint32_t socket, const uint8_t* data,
            size_t size);

  // The next datagram that is to leave at `now` or before, nullptr when there is none. It is the
  // same one until pop().
  const net::DelayedDatagram* front(transport::Time now);
  void pop() { taken_ = false; }
  // front() gave one that was not popped.
  bool waiting() const { return taken_; }
  // When front() will have something; kNever when nothing waits.
  transport::Time next_release() const;

  void clear();
  // Datagrams lost on purpose, or because too many waited.
  uint64_t dropped() const;

 private:
  static constexpr size_t kMaxBytes = 64u << 20;
  static constexpr size_t kMaxDatagrams = 65'536;

  net::Impairment impairment_;
  net::DelayQueue queue_;
  net::DelayedDatagram front_;
  bool taken_ = false;
};

}  // namespace hawser::engine
