// Several endpoints of one peer, each in an engine of its own, as one of them sees the others. They
// have one identity and the same addresses; each session is at one of them, and a datagram may
// reach another one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/types.h"
#include "wire/packet.h"

namespace hawser::transport {

// Called under the lock of the endpoint that asks, from any of their threads.
class Siblings {
 public:
  static constexpr int32_t kNobody = -1;

  // Which of them makes connection ids like this one.
  virtual uint32_t member_of(const wire::ConnectionId& id) const = 0;

  // Whether any of them has dialled; if not, nobody has to ask dialler_of().
  virtual bool any_dials() const = 0;
  // Who has a session with that peer that we began; kNobody.
  virtual int32_t dialler_of(const wire::PeerIdBytes& remote) = 0;

  // The first half of a token that ends a session of that member. The first to name one has it.
  virtual void expect_reset(uint32_t member, uint64_t token) = 0;
  virtual void forget_reset(uint32_t member, uint64_t token) = 0;
  // Whose it is; kNobody.
  virtual int32_t expecting_reset(uint64_t token) = 0;

  // Copies a datagram to where it belongs; it may get lost. `admitted`: an INIT that has passed all
  // limits here.
  virtual void hand_over(uint32_t member, const PathAddress& from, const uint8_t* data,
                         size_t length, bool admitted) = 0;

 protected:
  ~Siblings() = default;
};

}  // namespace hawser::transport
