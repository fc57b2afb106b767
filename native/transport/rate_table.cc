#include "transport/rate_table.h"

#include <algorithm>

namespace hawser::transport {

bool TokenBucket::take(Time now, uint32_t rate) {
  const int64_t full = int64_t{rate} * kSecond;
  const bool fresh = at_ == 0 || now - at_ >= kSecond;
  credit_ = fresh ? full : std::min(full, credit_ + (now - at_) * rate);
  at_ = now;
  if (credit_ < kSecond) return false;
  credit_ -= kSecond;
  return true;
}

bool RateTable::take(Time now, const uint8_t* name, size_t length, uint32_t rate) {
  if (places_ == nullptr) {
    places_ = static_cast<Place*>(memory_.allocate(kPlaces * sizeof(Place)));
    if (places_ == nullptr) return false;
    std::fill_n(places_, kPlaces, Place{});
  }
  const uint64_t source = crypto::SipHash(key_)(name, length);
  Place& place = places_[source % kPlaces];
  if (place.source != source) place = Place{source, {}};
  return place.bucket.take(now, rate);
}

}  // namespace hawser::transport
