#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/udp_socket.h"

#if HAWSER_NET_LINUX
#include <netinet/udp.h>
#endif

// System calls that fail on order, in place of those that UdpSocket makes.
namespace hawser::net {

// What the replaced calls do; reset before each test.
struct Script {
  int gso_error = 0;             // for every sendmsg with a control message
  int send_error = 0;            // for every other send, once send_passes datagrams went out
  int send_passes = 1 << 30;     // datagrams that pass before send_error
  int interrupts = 0;            // sends and receives that are interrupted first
  int batch_error = 0;           // for sendmmsg and recvmmsg
  int batch_limit = 1 << 30;     // most datagrams that one sendmmsg takes
  int receive_reports = 0;       // receives that fail with ECONNREFUSED first
  int missing_option = -1;       // a socket option that does not exist
  int refused_buffer = 1 << 30;  // buffer requests above this fail
  int gso_calls = 0;
  int plain_calls = 0;
};
inline Script script;

inline int fail(int error) {
  errno = error;
  return -1;
}

inline bool interrupted() { return script.interrupts > 0 && script.interrupts-- > 0; }

inline ssize_t scripted_sendmsg(int fd, const msghdr* message, int flags) {
  if (interrupted()) return fail(EINTR);
  if (message->msg_controllen > 0) {
    ++script.gso_calls;
    if (script.gso_error != 0) return fail(script.gso_error);
  } else {
    ++script.plain_calls;
    if (script.send_passes <= 0 && script.send_error != 0) return fail(script.send_error);
    --script.send_passes;
  }
  return ::sendmsg(fd, message, flags);
}

inline ssize_t scripted_recvmsg(int fd, msghdr* message, int flags) {
  if (interrupted()) return fail(EINTR);
  if (script.receive_reports > 0) {
    --script.receive_reports;
    return fail(ECONNREFUSED);
  }
  return ::recvmsg(fd, message, flags);
}

#if HAWSER_NET_LINUX
inline int scripted_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (interrupted()) return fail(EINTR);
  if (script.batch_error != 0) return fail(script.batch_error);
  ++script.plain_calls;
  if (script.send_passes <= 0 && script.send_error != 0) return fail(script.send_error);
  // The kernel stops in front of the one that fails and reports it at the next call.
  int limit = std::min(script.batch_limit, static_cast<int>(count));
  if (script.send_error != 0) limit = std::min(limit, script.send_passes);
  script.send_passes -= limit;
  return ::sendmmsg(fd, messages, static_cast<unsigned>(limit), flags);
}

inline int scripted_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (interrupted()) return fail(EINTR);
  if (script.batch_error != 0) return fail(script.batch_error);
  if (script.receive_reports > 0) {
    --script.receive_reports;
    return fail(ECONNREFUSED);
  }
  return ::recvmmsg(fd, messages, count, flags, nullptr);
}
#endif

inline int scripted_getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  if (name == script.missing_option && level != SOL_SOCKET) return fail(ENOPROTOOPT);
  return ::getsockopt(fd, level, name, value, length);
}

inline int scripted_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (name == script.missing_option && level != SOL_SOCKET) return fail(ENOPROTOOPT);
  if (level == SOL_SOCKET && script.refused_buffer < 1 << 30) {
    int request = 0;
    std::memcpy(&request, value, sizeof(request));
    if (name != SO_RCVBUF && name != SO_SNDBUF) return fail(EPERM);
    if (request > script.refused_buffer) return fail(ENOBUFS);
  }
  return ::setsockopt(fd, level, name, value, length);
}

inline constexpr SocketCalls kScriptedCalls = {
    scripted_sendmsg,    scripted_recvmsg,
#if HAWSER_NET_LINUX
    scripted_sendmmsg,   scripted_recvmmsg,
#endif
    scripted_getsockopt, scripted_setsockopt,
};

}  // namespace hawser::net
