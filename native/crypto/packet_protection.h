#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/limits.h"

namespace hawser::crypto {

// Protects the DATA packets of one session, in both directions (PROTOCOL.md 2.1): a packet is a
// header of wire::kHeaderBytes, frames, and a tag of wire::kTagBytes. Works in place. Not for two
// threads at a time.
//
// Keys come in epochs. Only the initiator of the session begins one; the responder follows when the
// first packet of the new epoch has been opened. A key-phase bit in the header says which of two
// neighbouring epochs a packet belongs to.
class PacketProtection {
 public:
  enum class Opened : uint8_t {
    kYes,
    kForged,     // not made by the peer; counts towards the limit
    kExhausted,  // not made by the peer, and too many such packets came: the session must end
  };

  // A fresh secret for the next epoch, from a handshake within the session.
  static constexpr size_t kFreshBytes = 32;

  virtual ~PacketProtection() = default;

  // Seals packets that stand one behind the other: each is `segment` bytes long, the last one may
  // be shorter; `length` is that of all together, tags included. The caller has written headers
  // (wire::write_data_header) and frames; `numbers` are the full packet numbers, one for each
  // packet, never used before. False: nothing of it may be sent, the keys are used up or libcrypto
  // failed.
  virtual bool seal(uint8_t* train, size_t length, size_t segment, const uint64_t* numbers) = 0;

  // Makes the header of a packet that came readable for wire::read_data_header. Once for a packet.
  // False: too short, or libcrypto failed.
  virtual bool unmask(uint8_t* packet, size_t length) = 0;
  // Opens an unmasked packet whose full number is `number`. A packet of an unknown epoch is a
  // forged one. Anything but kYes leaves nothing of the content.
  virtual Opened open(uint64_t number, uint8_t* packet, size_t length) = 0;

  // The epoch of what is sealed; 0 at first.
  virtual uint64_t epoch() const = 0;
  // For the initiator: so many packets were sealed or opened in this epoch that the next is due,
  // and the last update is complete.
  virtual bool update_due() const = 0;
  // The peer has not been heard in our present epoch yet.
  virtual bool updating() const = 0;
  // For the initiator: begins the next epoch. False: not the initiator, updating(), or libcrypto
  // failed.
  virtual bool update() = 0;
  // Feeds a fresh secret into the keys of the epoch that comes next. Both sides must do it in the
  // same epoch. False: libcrypto failed.
  virtual bool mix(const uint8_t fresh[kFreshBytes]) = 0;
  // Packets of the epoch before the present one are no longer opened. Called a while after an
  // update.
  virtual void forget_previous() = 0;
  // Gives back what can be made again from the secrets; made again when it is needed.
  virtual void park() = 0;
  // Bytes that are in use now, outside of the object itself. An estimate where libcrypto does not
  // say.
  virtual size_t memory_bytes() const = 0;
  // The most that memory_bytes() can be.
  virtual size_t active_bytes() const = 0;
};

}  // namespace hawser::crypto
