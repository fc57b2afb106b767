// Opening, binding and configuring. Sending is in udp_send.cc, receiving in udp_receive.cc.
#include "net/udp_socket.h"

#include <netinet/in.h>
#include <sys/types.h>

#include <cerrno>

#include "net/descriptor.h"
#include "net/udp_options.h"

#if HAWSER_NET_LINUX
#include <linux/filter.h>
#endif

namespace hawser::net {

UdpSocket::~UdpSocket() { close(); }

void UdpSocket::close() {
  close_descriptor(&fd_);
  local_ = Address();
  features_ = SocketFeatures();
}

int UdpSocket::open(const Address& bind_address, const SocketOptions& options) {
  close();
  if (!bind_address.is_valid()) return EINVAL;
  calls_ = options.calls != nullptr ? options.calls : &system_socket_calls();
  local_ = bind_address;

  const int domain = bind_address.is_ipv6() ? AF_INET6 : AF_INET;
#if HAWSER_NET_LINUX
  fd_ = ::socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  int error = fd_ < 0 ? errno : 0;
#else
  fd_ = ::socket(domain, SOCK_DGRAM, IPPROTO_UDP);
  int error = fd_ < 0 ? errno : make_nonblocking(fd_);
#endif
  if (error == 0) error = configure(options);

  sockaddr_storage storage{};
  if (error == 0) {
    const size_t length = bind_address.to_sockaddr(bind_address.family, &storage);
    const auto* name = reinterpret_cast<const sockaddr*>(&storage);
    if (::bind(fd_, name, static_cast<socklen_t>(length)) != 0) error = errno;
  }
  if (error == 0) {
    // Asked back for the port that the kernel chose.
    socklen_t length = sizeof(storage);
    auto* name = reinterpret_cast<sockaddr*>(&storage);
    if (::getsockname(fd_, name, &length) != 0) error = errno;
    if (error == 0 && !Address::from_sockaddr(name, length, &local_)) error = EAFNOSUPPORT;
  }
  if (error != 0) close();
  return error;
}

bool UdpSocket::set_flag(int level, int name, int value) {
  return calls_->setsockopt(fd_, level, name, &value, sizeof(value)) == 0;
}

// What the caller relies on (who may reach the port) must succeed; what only makes it faster or
// finer is tried, and features_ tells how it went.
int UdpSocket::configure(const SocketOptions& options) {
  const bool ipv6 = local_.is_ipv6();
  if (ipv6 && !set_flag(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0)) return errno;
  if (options.reuse_port && !set_flag(SOL_SOCKET, SO_REUSEPORT, 1)) return errno;

  if (options.dont_fragment) {
    const bool carries_ipv4 = !ipv6 || !options.ipv6_only;
    features_.dont_fragment =
        (!ipv6 || set_flag(IPPROTO_IPV6, kDontFragmentIpv6, kDontFragmentIpv6Value)) &&
        (!carries_ipv4 || set_flag(IPPROTO_IP, kDontFragmentIpv4, kDontFragmentIpv4Value));
  }

#if HAWSER_NET_LINUX
  // A kernel without GSO would ignore the control message of each send, so ask beforehand.
  int segment = 0;
  socklen_t length = sizeof(segment);
  features_.gso =
      options.gso && calls_->getsockopt(fd_, IPPROTO_UDP, UDP_SEGMENT, &segment, &length) == 0;
  features_.gro = options.gro && set_flag(IPPROTO_UDP, UDP_GRO, 1);
  features_.mmsg = options.mmsg;
#endif

  features_.receive_buffer_bytes =
      grow_buffer(SO_RCVBUF, kForceReceiveBuffer, options.receive_buffer_bytes);
  features_.send_buffer_bytes = grow_buffer(SO_SNDBUF, kForceSendBuffer, options.send_buffer_bytes);
  return 0;
}

// Asks for `wanted` bytes, first past the system's limit (privileged), then within it. Linux cuts a
// request to its limit; others refuse it, so it is halved until it passes.
int UdpSocket::grow_buffer(int name, int force_name, int wanted) {
  constexpr int kSmallestRequest = 64 * 1024;
  if (wanted > 0 && (force_name < 0 || !set_flag(SOL_SOCKET, force_name, wanted))) {
    int request = wanted;
    while (!set_flag(SOL_SOCKET, name, request) && request / 2 >= kSmallestRequest) request /= 2;
  }
  int got = 0;
  socklen_t length = sizeof(got);
  if (calls_->getsockopt(fd_, SOL_SOCKET, name, &got, &length) != 0) return 0;
  return kBufferReportedDoubled ? got / 2 : got;
}

int UdpSocket::share_port() { return set_flag(SOL_SOCKET, SO_REUSEPORT, 1) ? 0 : errno; }

int UdpSocket::steer(const FilterInstruction* program, size_t length) {
#if HAWSER_NET_LINUX
  sock_filter instructions[kMaxFilter];
  if (length == 0 || length > kMaxFilter) return EINVAL;
  for (size_t i = 0; i < length; ++i) {
    instructions[i] = {program[i].code, program[i].if_true, program[i].if_false,
                       program[i].operand};
  }
  const sock_fprog filter = {static_cast<unsigned short>(length), instructions};
  if (calls_->setsockopt(fd_, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) != 0) {
    return errno;
  }
  return 0;
#else
  static_cast<void>(program);
  static_cast<void>(length);
  return ENOSYS;
#endif
}

bool UdpSocket::resolve(const Address& to, Target* target) const {
  target->length = static_cast<socklen_t>(to.to_sockaddr(socket_family(), &target->storage));
  return target->length != 0;
}

}  // namespace hawser::net
