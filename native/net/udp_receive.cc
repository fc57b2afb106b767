#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/udp_options.h"
#include "net/udp_socket.h"

namespace hawser::net {
namespace {

// More pending reports than this in a row mean that something is wrong with the socket itself.
constexpr int kMaxErrorReports = 16;

// Room for the control messages of one datagram: the GRO size, later ECN and destination address.
struct ControlBuffer {
  alignas(cmsghdr) char bytes[128];
};

size_t gro_segment_size(msghdr* header, size_t size) {
#if HAWSER_NET_LINUX
  for (cmsghdr* item = CMSG_FIRSTHDR(header); item != nullptr; item = CMSG_NXTHDR(header, item)) {
    if (item->cmsg_level != IPPROTO_UDP || item->cmsg_type != UDP_GRO) continue;
    if (item->cmsg_len < CMSG_LEN(sizeof(int))) continue;
    int segment = 0;
    std::memcpy(&segment, CMSG_DATA(item), sizeof(segment));
    if (segment > 0) return std::min(static_cast<size_t>(segment), size);
  }
#else
  static_cast<void>(header);
#endif
  return size;
}

}  // namespace

ReceiveResult UdpSocket::receive(ReceiveBatch* batch) {
  batch->clear();
  if (fd_ < 0) return receive_failure(EBADF);
  if (batch->buffer_ == nullptr) return receive_failure(ENOBUFS);
  return features_.gro ? receive_gro(batch) : receive_slots(batch);
}

ReceiveResult UdpSocket::receive_failure(int error) {
  ReceiveResult result;
  result.error = error;
  if (error == EAGAIN || error == EWOULDBLOCK) {
    ++counters_.would_block_in;
    result.status = IoStatus::kWouldBlock;
  } else {
    counters_.errors_in.count(error);
    result.status = IoStatus::kError;
  }
  return result;
}

bool UdpSocket::receive_again(int error, int* attempts) {
  switch (error) {
    case EINTR:
      return true;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case EPERM:
    case EMSGSIZE:
      // ICMP about a datagram sent earlier. Reading it consumed it; data may wait behind it.
      if (++*attempts > kMaxErrorReports) return false;
      counters_.errors_in.count(error);
      return true;
    default:
      return false;
  }
}

// Takes one kernel delivery into the batch, or drops and counts it.
bool UdpSocket::accept(const msghdr& header, size_t size, uint8_t* data, size_t segment_size,
                       ReceiveBatch* batch, ReceiveResult* result) {
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    ++counters_.truncated;
    return false;
  }
  ReceivedTrain train;
  const auto* name = static_cast<const sockaddr*>(header.msg_name);
  if (!Address::from_sockaddr(name, header.msg_namelen, &train.from)) {
    ++counters_.foreign;
    return false;
  }
  train.data = data;
  train.size = static_cast<uint32_t>(size);
  train.segment_size = static_cast<uint32_t>(segment_size);
  batch->add(train);

  const size_t datagrams = size == 0 ? 1 : (size + segment_size - 1) / segment_size;
  counters_.datagrams_in += datagrams;
  counters_.bytes_in += size;
  if (datagrams > 1) ++counters_.trains_in;
  result->datagrams += datagrams;
  result->bytes += size;
  return true;
}

ReceiveResult UdpSocket::receive_gro(ReceiveBatch* batch) {
  sockaddr_storage from;
  ControlBuffer control;
  iovec piece = {batch->buffer_, ReceiveBatch::kBufferBytes};
  msghdr header{};
  ssize_t size = -1;
  for (int attempts = 0;;) {
    header.msg_name = &from;
    header.msg_namelen = sizeof(from);
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof(control.bytes);
    header.msg_flags = 0;
    ++counters_.syscalls_in;
    size = calls_->recvmsg(fd_, &header, 0);
    if (size >= 0) break;
    if (!receive_again(errno, &attempts)) return receive_failure(errno);
  }
  ReceiveResult result;
  const auto length = static_cast<size_t>(size);
  accept(header, length, batch->buffer_, gro_segment_size(&header, length), batch, &result);
  return result;
}

ReceiveResult UdpSocket::receive_slots(ReceiveBatch* batch) {
  sockaddr_storage from[ReceiveBatch::kMaxSlots];
  iovec pieces[ReceiveBatch::kMaxSlots];
  msghdr headers[ReceiveBatch::kMaxSlots];
  size_t sizes[ReceiveBatch::kMaxSlots];
  const size_t slots = batch->slot_count();
  for (size_t i = 0; i < slots; ++i) {
    pieces[i] = {batch->slot(i), batch->slot_bytes_};
    headers[i] = msghdr{};
    headers[i].msg_name = &from[i];
    headers[i].msg_namelen = sizeof(from[i]);
    headers[i].msg_iov = &pieces[i];
    headers[i].msg_iovlen = 1;
  }

  int received = -1;
  for (int attempts = 0;;) {
    received = features_.mmsg && slots > 1 ? receive_batch(headers, sizes, slots)
                                           : receive_one_by_one(headers, sizes, slots);
    if (received >= 0) break;
    if (!receive_again(errno, &attempts)) return receive_failure(errno);
  }

  ReceiveResult result;
  size_t largest = 0;
  for (size_t i = 0; i < static_cast<size_t>(received); ++i) {
    accept(headers[i], sizes[i], batch->slot(i), sizes[i], batch, &result);
    if ((headers[i].msg_flags & MSG_TRUNC) == 0) continue;
    // Linux tells the true size; elsewhere it is at least one byte more than the slot.
    largest = std::max({largest, sizes[i], batch->slot_bytes_ + 1});
  }
  if (largest > batch->slot_bytes_) batch->grow_slots(largest);
  return result;
}

// Returns how many datagrams came, or -1 and errno when not even one did.
int UdpSocket::receive_batch(msghdr* headers, size_t* sizes, size_t count) {
#if HAWSER_NET_LINUX
  mmsghdr messages[ReceiveBatch::kMaxSlots];
  for (size_t i = 0; i < count; ++i) messages[i] = mmsghdr{headers[i], 0};
  ++counters_.syscalls_in;
  // MSG_TRUNC as a flag: report the true length of what did not fit.
  const int received = calls_->recvmmsg(fd_, messages, static_cast<unsigned>(count), MSG_TRUNC);
  if (received >= 0 || errno != ENOSYS) {
    for (int i = 0; i < received; ++i) {
      headers[i] = messages[i].msg_hdr;
      sizes[i] = messages[i].msg_len;
    }
    return received;
  }
  features_.mmsg = false;
  ++counters_.mmsg_fallbacks;
#endif
  return receive_one_by_one(headers, sizes, count);
}

int UdpSocket::receive_one_by_one(msghdr* headers, size_t* sizes, size_t count) {
#if HAWSER_NET_LINUX
  constexpr int kFlags = MSG_TRUNC;
#else
  constexpr int kFlags = 0;
#endif
  for (size_t i = 0; i < count; ++i) {
    ++counters_.syscalls_in;
    const ssize_t size = calls_->recvmsg(fd_, &headers[i], kFlags);
    if (size < 0) {
      // An error behind some datagrams that is not "no more" has been consumed here; count it.
      if (i == 0) return -1;
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        counters_.errors_in.count(errno);
      }
      return static_cast<int>(i);
    }
    sizes[i] = static_cast<size_t>(size);
  }
  return static_cast<int>(count);
}

}  // namespace hawser::net
