// How often strangers, of whom nothing else is remembered, may have something in a second.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/siphash.h"
#include "transport/memory.h"
#include "transport/time.h"
#include "transport/types.h"

namespace hawser::transport {

// A token bucket that holds what comes in a second: so many may come at once.
class TokenBucket {
 public:
  // False: more than `rate` a second lately.
  bool take(Time now, uint32_t rate);

 private:
  Time at_ = 0;
  // What may still come, in 1 / kSecond.
  int64_t credit_ = 0;
};

// A bucket for each of many sources, in a table of fixed size: two sources that share a place push
// each other out, which only ever gives them more than their rate. Keyed, so that nobody can choose
// whose place it shares.
class RateTable {
 public:
  // Sources that are remembered; others are forgotten for them.
  static constexpr size_t kPlaces = 1024;

  RateTable(Memory& memory, Random& random) : memory_(memory) { random.fill(key_, sizeof key_); }
  ~RateTable() { memory_.release(places_, kPlaces * sizeof(Place)); }
  RateTable(const RateTable&) = delete;
  RateTable& operator=(const RateTable&) = delete;

  // False: `name` has had more than `rate` a second lately, or there is no memory to know.
  bool take(Time now, const uint8_t* name, size_t length, uint32_t rate);

 private:
  struct Place {
    uint64_t source = 0;
    TokenBucket bucket;
  };

  Memory& memory_;
  uint8_t key_[crypto::SipHash::kKeyBytes];
  Place* places_ = nullptr;
};

}  // namespace hawser::transport
