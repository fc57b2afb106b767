#include "net/socket_calls.h"

namespace hawser::net {
namespace {

// Wrapped, because the C libraries disagree about signed and unsigned flags.
#if HAWSER_NET_LINUX
int call_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return ::sendmmsg(fd, messages, count, flags);
}

int call_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return ::recvmmsg(fd, messages, count, flags, nullptr);
}
#endif

constexpr SocketCalls kSystemCalls = {
    [](int fd, const msghdr* message, int flags) { return ::sendmsg(fd, message, flags); },
    [](int fd, msghdr* message, int flags) { return ::recvmsg(fd, message, flags); },
#if HAWSER_NET_LINUX
    call_sendmmsg,
    call_recvmmsg,
#endif
    [](int fd, int level, int name, void* value, socklen_t* length) {
      return ::getsockopt(fd, level, name, value, length);
    },
    [](int fd, int level, int name, const void* value, socklen_t length) {
      return ::setsockopt(fd, level, name, value, length);
    },
};

}  // namespace

const SocketCalls& system_socket_calls() { return kSystemCalls; }

}  // namespace hawser::net
