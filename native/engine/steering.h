// Which of several engines of one peer a datagram belongs to: the one that has made the connection
// id that it is for. Engines choose their ids so that a keyed hash of the first four bytes names
// them; an INIT, whose id is the other side's, is spread by the same hash of that id, so that all
// INITs of one dial come to one engine, wherever from and whereto they were sent.
//
// The key is random: who does not know it cannot tell from an id which engine it is for, nor choose
// ids that all come to one. The kernel computes the same function by a program of classic BPF; what
// it gives to another engine all the same (another system, another mind) is handed over.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/udp_socket.h"
#include "wire/packet.h"

namespace hawser::engine {

class Steering {
 public:
  static constexpr uint32_t kMaxMembers = 64;
  static constexpr size_t kProgramLength = 15;

  // `members`: 1 to kMaxMembers. `key`: random.
  Steering(uint32_t members, uint32_t key) : members_(members), key_(key | 1) {}

  uint32_t members() const { return members_; }
  // 0 to members() - 1.
  uint32_t member_of(const wire::ConnectionId& id) const;
  // The same for a datagram. Anything else than a packet of ours is for the first.
  uint32_t member_for(const uint8_t* data, size_t length) const;
  // What computes member_for(), for UdpSocket::steer().
  void write_program(net::FilterInstruction out[kProgramLength]) const;

 private:
  uint32_t hash(uint32_t word) const { return ((word * key_) >> kShift) % members_; }

  // The upper half of a product depends on all bits of the word, the lower one does not.
  static constexpr uint32_t kShift = 16;

  uint32_t members_;
  uint32_t key_;
};

}  // namespace hawser::engine
