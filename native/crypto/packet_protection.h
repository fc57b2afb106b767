#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::crypto {

// Seals and opens the DATA packets of one session. A packet is `header` bytes that stay readable,
// then the frames, then a tag of kTagBytes. Works in place and allocates nothing.
class PacketProtection {
 public:
  static constexpr size_t kTagBytes = 16;

  virtual ~PacketProtection() = default;

  // `packet` has room for the tag behind header and frames. `number` is never used twice.
  virtual void seal(uint64_t number, uint8_t* packet, size_t header, size_t frames) = 0;
  // `length` is that of the whole packet, tag included. False: not made by the peer.
  virtual bool open(uint64_t number, uint8_t* packet, size_t header, size_t length) = 0;
};

}  // namespace hawser::crypto
