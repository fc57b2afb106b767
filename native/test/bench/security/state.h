// All that a peer is, byte for byte, to see whether a datagram has changed anything of it.
//
// The transport asks for memory in one place only (transport/memory.h), so the peer, its runtime
// and its endpoint, and the blocks of its memory are all the state there is: sessions, channels,
// rings, tables, timers, queues of what is to be sent or told, random numbers that were drawn, and
// how often memory was asked for. What is not in it: libcrypto's contexts, which are set up anew
// for each packet and keep nothing but the key (that there are none while a session is parked is
// looked at apart), and what the simulator and its application remember, which nothing reaches but
// by output and events, of which there must be none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/peer.h"

namespace hawser::sim {

class PeerState {
 public:
  explicit PeerState(SimPeer& peer);

  struct Changes {
    // Bytes that were compared, and of them those in 8-byte words that may not change and did.
    size_t compared = 0;
    size_t changed = 0;
    // Where, for a person.
    std::string where;
    // What may change: the endpoint's counters of datagrams that came and were dropped, and the
    // session's count of packets that did not open (its limit is the AEAD's).
    uint64_t dropped = 0;
    uint64_t forged = 0;
  };
  // What has changed since. `only_keys`: the next epoch's keys may also have been made. The
  // responder derives them when the first packet comes that says it is of that epoch, which may be
  // a forged one: they follow from the present keys and nothing else, and are made once.
  Changes changes(bool only_keys = false) const;

 private:
  struct Region {
    const uint8_t* at;
    size_t length;
    const char* what;
    std::vector<uint8_t> bytes;
  };

  static std::vector<Region> regions_of(SimPeer& peer);

  SimPeer& peer_;
  std::vector<Region> regions_;
};

}  // namespace hawser::sim
