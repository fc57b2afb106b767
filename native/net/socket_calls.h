// The system calls that UdpSocket makes on an open socket, behind one table, so that a test can let
// the kernel refuse what it seldom refuses: a NIC without checksum offload, a missing option, a
// filter that forbids sendmmsg.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include "net/platform.h"

namespace hawser::net {

// Each behaves as the system call of that name: -1 and errno on failure.
struct SocketCalls {
  ssize_t (*sendmsg)(int fd, const msghdr* message, int flags);
  ssize_t (*recvmsg)(int fd, msghdr* message, int flags);
#if HAWSER_NET_LINUX
  int (*sendmmsg)(int fd, mmsghdr* messages, unsigned count, int flags);
  int (*recvmmsg)(int fd, mmsghdr* messages, unsigned count, int flags);
#endif
  int (*getsockopt)(int fd, int level, int name, void* value, socklen_t* length);
  int (*setsockopt)(int fd, int level, int name, const void* value, socklen_t length);
};

const SocketCalls& system_socket_calls();

}  // namespace hawser::net
