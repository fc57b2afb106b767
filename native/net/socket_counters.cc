#include "net/socket_counters.h"

#include <cerrno>

namespace hawser::net {

void SocketErrorCounters::count(int error) {
  switch (error) {
    case ECONNREFUSED:
      ++refused;
      break;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case EADDRNOTAVAIL:
      ++unreachable;
      break;
    case EPERM:
    case EACCES:
      ++not_permitted;
      break;
    case EMSGSIZE:
      ++too_big;
      break;
    case ENOBUFS:
    case ENOMEM:
      ++no_buffers;
      break;
    default:
      ++other;
      break;
  }
}

}  // namespace hawser::net
