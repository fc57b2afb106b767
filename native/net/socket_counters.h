// What one UDP socket did. Plain numbers, only ever added to, read under the socket's lock.
#pragma once

#include <cstdint>

namespace hawser::net {

// Failed system calls by what the failure says. None of these ends a socket: UDP reports on one
// datagram, or on the path to one destination.
struct SocketErrorCounters {
  uint64_t refused = 0;        // ECONNREFUSED: nobody listens there (ICMP port unreachable)
  uint64_t unreachable = 0;    // EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL
  uint64_t not_permitted = 0;  // EPERM, EACCES: a local firewall, or broadcast without permission
  uint64_t too_big = 0;        // EMSGSIZE: above the MTU with don't-fragment set
  uint64_t no_buffers = 0;     // ENOBUFS, ENOMEM
  uint64_t other = 0;

  void count(int error);
};

struct SocketCounters {
  uint64_t datagrams_in = 0;
  uint64_t datagrams_out = 0;
  uint64_t bytes_in = 0;  // UDP payload
  uint64_t bytes_out = 0;
  uint64_t syscalls_in = 0;
  uint64_t syscalls_out = 0;
  uint64_t trains_in = 0;   // GRO deliveries of more than one datagram
  uint64_t trains_out = 0;  // GSO calls that the kernel took
  uint64_t would_block_in = 0;
  uint64_t would_block_out = 0;
  uint64_t truncated = 0;       // datagrams dropped because they were larger than their buffer
  uint64_t foreign = 0;         // datagrams dropped because their source could not be read
  uint64_t gso_fallbacks = 0;   // trains sent plain because the kernel refused GSO
  uint64_t mmsg_fallbacks = 0;  // times a batch call turned out to be forbidden
  SocketErrorCounters errors_in;
  SocketErrorCounters errors_out;
};

}  // namespace hawser::net
