#include "udp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace ceiling {
namespace {

constexpr int kBufferBytes = 7 << 20;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "hawser_ceiling: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in address_of(const std::string& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    errno = EINVAL;
    die("--host has to be an IPv4 address");
  }
  return address;
}

/// The forced variant needs CAP_NET_ADMIN; the other is limited by net.core.rmem_max and wmem_max.
void set_buffer(int descriptor, int forced, int plain) {
  if (setsockopt(descriptor, SOL_SOCKET, forced, &kBufferBytes, sizeof kBufferBytes) == 0) return;
  setsockopt(descriptor, SOL_SOCKET, plain, &kBufferBytes, sizeof kBufferBytes);
}

/// Nobody listens, or the path is being set up: what was sent is lost, as packets are.
bool is_passing(int error) {
  return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ECONNREFUSED;
}

}  // namespace

Udp::Udp() : descriptor_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  if (descriptor_ < 0) die("socket");
  set_buffer(descriptor_, SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer(descriptor_, SO_SNDBUFFORCE, SO_SNDBUF);
}

Udp::~Udp() { close(descriptor_); }

uint16_t Udp::bind(const std::string& host, uint16_t port) const {
  sockaddr_in address = address_of(host, port);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(descriptor_, generic, length) != 0) die("bind");
  if (getsockname(descriptor_, generic, &length) != 0) die("getsockname");
  return ntohs(address.sin_port);
}

void Udp::connect(const std::string& host, uint16_t port) const { connect(address_of(host, port)); }

void Udp::connect(const sockaddr_in& address) const {
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    die("connect");
  }
}

void Udp::set_nonblocking() const { fcntl(descriptor_, F_SETFL, O_NONBLOCK); }

void Udp::set_receive_timeout(double seconds) const {
  timeval time{};
  time.tv_sec = static_cast<time_t>(seconds);
  time.tv_usec = static_cast<suseconds_t>((seconds - static_cast<double>(time.tv_sec)) * 1e6);
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

bool Udp::send(std::span<const std::byte> packet) const {
  if (::send(descriptor_, packet.data(), packet.size(), 0) >= 0) return true;
  if (!is_passing(errno)) die("send");
  return false;
}

std::optional<size_t> Udp::receive(std::span<std::byte> buffer, sockaddr_in* from) const {
  socklen_t length = sizeof(sockaddr_in);
  const ssize_t bytes = recvfrom(descriptor_, buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(from), from ? &length : nullptr);
  if (bytes >= 0) return static_cast<size_t>(bytes);
  if (!is_passing(errno)) die("recvfrom");
  return std::nullopt;
}

bool Udp::send_many(std::span<std::byte> bytes, size_t size, bool train) const {
  if (train) {
    iovec data{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(uint16_t))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    const auto segment = static_cast<uint16_t>(size);
    std::memcpy(CMSG_DATA(header), &segment, sizeof segment);
    while (sendmsg(descriptor_, &message, 0) < 0) {
      // No hardware checksums there, or a kernel that knows no trains.
      if (errno == EIO || errno == EINVAL) return false;
      if (errno == ECONNREFUSED) return true;
      if (!is_passing(errno)) die("sendmsg");
    }
    return true;
  }
  std::array<iovec, kMaximumBatch> data{};
  std::array<mmsghdr, kMaximumBatch> messages{};
  unsigned count = 0;
  for (; bytes.size() >= size && count < kMaximumBatch; bytes = bytes.subspan(size), ++count) {
    data[count] = {bytes.data(), size};
    messages[count].msg_hdr.msg_iov = &data[count];
    messages[count].msg_hdr.msg_iovlen = 1;
  }
  for (unsigned sent = 0; sent < count;) {
    const int more = sendmmsg(descriptor_, &messages[sent], count - sent, 0);
    if (more > 0) {
      sent += static_cast<unsigned>(more);
    } else if (errno == ECONNREFUSED) {
      return true;
    } else if (!is_passing(errno)) {
      die("sendmmsg");
    }
  }
  return true;
}

PacketReader::PacketReader(const Udp& udp, bool joined)
    : udp_(udp), buffer_(joined ? kMaximumBytes + 1 : kMaximumBatch * (kMaximumBytes + 1)) {
  const int on = 1;
  joined_ = joined && setsockopt(udp.descriptor(), SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
}

size_t PacketReader::read(const Each& each, sockaddr_in& from) {
  return joined_ ? read_joined(each, from) : read_several(each, from);
}

size_t PacketReader::read_joined(const Each& each, sockaddr_in& from) {
  iovec data{buffer_.data(), buffer_.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t length = recvmsg(udp_.descriptor(), &message, 0);
  if (length < 0) {
    if (!is_passing(errno)) die("recvmsg");
    return 0;
  }
  int segment = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_UDP || header->cmsg_type != UDP_GRO) continue;
    std::memcpy(&segment, CMSG_DATA(header), sizeof segment);
  }
  const auto all = std::span(buffer_).first(static_cast<size_t>(length));
  const size_t size = segment > 0 ? static_cast<size_t>(segment) : std::max<size_t>(all.size(), 1);
  size_t count = 0;
  for (size_t at = 0; at < all.size(); at += size, ++count) {
    each(all.subspan(at, std::min(size, all.size() - at)));
  }
  return count;
}

size_t PacketReader::read_several(const Each& each, sockaddr_in& from) {
  const size_t room = buffer_.size() / kMaximumBatch;
  std::array<iovec, kMaximumBatch> data{};
  std::array<mmsghdr, kMaximumBatch> messages{};
  for (size_t i = 0; i < kMaximumBatch; ++i) {
    data[i] = {buffer_.data() + i * room, room};
    messages[i].msg_hdr.msg_iov = &data[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &from;
    messages[i].msg_hdr.msg_namelen = sizeof from;
  }
  const int count =
      recvmmsg(udp_.descriptor(), messages.data(), kMaximumBatch, MSG_WAITFORONE, nullptr);
  if (count < 0) {
    if (!is_passing(errno)) die("recvmmsg");
    return 0;
  }
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    each(std::span(buffer_).subspan(i * room, messages[i].msg_len));
  }
  return static_cast<size_t>(count);
}

}  // namespace ceiling
