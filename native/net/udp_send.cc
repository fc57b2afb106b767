#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/udp_options.h"
#include "net/udp_socket.h"

namespace hawser::net {
namespace {

bool is_would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// sendmsg does not write to the data; only its type, shared with recvmsg, says it might.
iovec view_of(const uint8_t* data, size_t size) { return {const_cast<uint8_t*>(data), size}; }

}  // namespace

SendResult UdpSocket::send_failure(int error) {
  SendResult result;
  result.error = error;
  if (is_would_block(error)) {
    ++counters_.would_block_out;
    result.status = IoStatus::kWouldBlock;
  } else {
    counters_.errors_out.count(error);
    result.status = IoStatus::kError;
  }
  return result;
}

SendResult UdpSocket::send_train(const Address& to, const uint8_t* data, size_t length,
                                 size_t segment_size) {
  if (fd_ < 0) return send_failure(EBADF);
  if (segment_size == 0) return send_failure(EINVAL);
  Target target;
  if (!resolve(to, &target)) return send_failure(EAFNOSUPPORT);

  const size_t train_segments =
      std::clamp(kMaxTrainBytes / segment_size, size_t{1}, kMaxTrainSegments);
  SendResult total;
  for (size_t offset = 0; offset < length;) {
    const size_t left = length - offset;
    const size_t size = std::min(left, train_segments * segment_size);
    const SendResult part = features_.gso && size > segment_size
                                ? send_gso(&target, data + offset, size, segment_size)
                                : send_plain(&target, data + offset, size, segment_size);
    total.segments += part.segments;
    total.status = part.status;
    total.error = part.error;
    if (part.status != IoStatus::kOk) break;
    offset += size;
  }
  return total;
}

SendResult UdpSocket::send_gso(Target* target, const uint8_t* data, size_t length,
                               size_t segment_size) {
#if HAWSER_NET_LINUX
  iovec piece = view_of(data, length);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = {};
  msghdr header{};
  header.msg_name = &target->storage;
  header.msg_namelen = target->length;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  cmsghdr* segment = CMSG_FIRSTHDR(&header);
  segment->cmsg_level = IPPROTO_UDP;
  segment->cmsg_type = UDP_SEGMENT;
  segment->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  const auto kernel_size = static_cast<uint16_t>(segment_size);
  std::memcpy(CMSG_DATA(segment), &kernel_size, sizeof(kernel_size));

  ssize_t sent = 0;
  do {
    ++counters_.syscalls_out;
    sent = calls_->sendmsg(fd_, &header, 0);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    SendResult result;
    result.segments = (length + segment_size - 1) / segment_size;
    counters_.datagrams_out += result.segments;
    counters_.bytes_out += length;
    ++counters_.trains_out;
    return result;
  }

  const int error = errno;
  if (error == EIO || error == EOPNOTSUPP) {
    // EIO: no checksum offload on the way out (or a transformation such as IPsec). That may depend
    // on the route, but a socket that tries again and again pays twice for each train.
    features_.gso = false;
    ++counters_.gso_fallbacks;
    return send_plain(target, data, length, segment_size);
  }
  if (error == EINVAL) {
    // Older kernels say EINVAL for segments above the MTU too. The plain sends tell the two apart:
    // what is too large fails there as well, as EMSGSIZE.
    const SendResult plain = send_plain(target, data, length, segment_size);
    if (plain.segments != 0) {
      features_.gso = false;
      ++counters_.gso_fallbacks;
    }
    return plain;
  }
  return send_failure(error);
#else
  return send_plain(target, data, length, segment_size);
#endif
}

SendResult UdpSocket::send_plain(Target* target, const uint8_t* data, size_t length,
                                 size_t segment_size) {
  // send_train() never hands over more than one train.
  iovec pieces[kMaxTrainSegments];
  msghdr headers[kMaxTrainSegments];
  size_t count = 0;
  for (size_t offset = 0; offset < length; offset += segment_size) {
    pieces[count] = view_of(data + offset, std::min(segment_size, length - offset));
    headers[count] = msghdr{};
    headers[count].msg_name = &target->storage;
    headers[count].msg_namelen = target->length;
    headers[count].msg_iov = &pieces[count];
    headers[count].msg_iovlen = 1;
    ++count;
  }

  SendResult result;
  while (result.segments < count) {
    const int sent = send_prepared(headers + result.segments, count - result.segments);
    if (sent <= 0) {
      const SendResult failure = send_failure(sent < 0 ? errno : EIO);
      result.status = failure.status;
      result.error = failure.error;
      break;
    }
    result.segments += static_cast<size_t>(sent);
  }
  return result;
}

SendManyResult UdpSocket::send_many(OutgoingDatagram* datagrams, size_t count) {
  SendManyResult result;
  if (fd_ < 0) {
    for (size_t i = 0; i < count; ++i) datagrams[i].error = EBADF;
    result.handled = count;
    return result;
  }

  Target targets[kMaxPlainBatch];
  iovec pieces[kMaxPlainBatch];
  msghdr headers[kMaxPlainBatch];
  while (result.handled < count) {
    // A run of destinations that this socket can address, up to a batch.
    size_t run = 0;
    while (run < kMaxPlainBatch && result.handled + run < count) {
      OutgoingDatagram& datagram = datagrams[result.handled + run];
      datagram.error = 0;
      if (!resolve(datagram.to, &targets[run])) break;
      pieces[run] = view_of(datagram.data, datagram.size);
      headers[run] = msghdr{};
      headers[run].msg_name = &targets[run].storage;
      headers[run].msg_namelen = targets[run].length;
      headers[run].msg_iov = &pieces[run];
      headers[run].msg_iovlen = 1;
      ++run;
    }
    if (run == 0) {
      datagrams[result.handled].error = send_failure(EAFNOSUPPORT).error;
      ++result.handled;
      continue;
    }

    size_t done = 0;
    while (done < run) {
      const int sent = send_prepared(headers + done, run - done);
      if (sent > 0) {
        done += static_cast<size_t>(sent);
        result.sent += static_cast<size_t>(sent);
        continue;
      }
      const SendResult failure = send_failure(sent < 0 ? errno : EIO);
      if (failure.status == IoStatus::kWouldBlock) {
        result.handled += done;
        result.would_block = true;
        return result;
      }
      datagrams[result.handled + done].error = failure.error;
      ++done;
    }
    result.handled += run;
  }
  return result;
}

int UdpSocket::send_prepared(msghdr* headers, size_t count) {
  int sent = 0;
  do {
    ++counters_.syscalls_out;
    sent = features_.mmsg && count > 1 ? send_batch(headers, count)
                                       : (calls_->sendmsg(fd_, headers, 0) < 0 ? -1 : 1);
  } while (sent < 0 && errno == EINTR);
  for (int i = 0; i < sent; ++i) {
    ++counters_.datagrams_out;
    counters_.bytes_out += headers[i].msg_iov->iov_len;
  }
  return sent;
}

int UdpSocket::send_batch(msghdr* headers, size_t count) {
#if HAWSER_NET_LINUX
  mmsghdr messages[kMaxPlainBatch];
  for (size_t i = 0; i < count; ++i) messages[i] = mmsghdr{headers[i], 0};
  const int sent = calls_->sendmmsg(fd_, messages, static_cast<unsigned>(count), 0);
  if (sent >= 0 || errno != ENOSYS) return sent;
  // A sandbox without the batch calls: one by one from now on.
  features_.mmsg = false;
  ++counters_.mmsg_fallbacks;
#else
  static_cast<void>(count);
#endif
  ++counters_.syscalls_out;
  return calls_->sendmsg(fd_, headers, 0) < 0 ? -1 : 1;
}

}  // namespace hawser::net
