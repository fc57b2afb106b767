#include "engine/send_queue.h"

#include <algorithm>
#include <cerrno>

#include "engine/host.h"

namespace hawser::engine {

using transport::Time;

bool SendQueue::init() {
  buffer_ = static_cast<uint8_t*>(memory_.allocate(kBufferBytes));
  return buffer_ != nullptr;
}

void SendQueue::push(HostSocket* socket, const net::Address& to, const transport::Train& train) {
  datagrams_[count_] = {to, train.buffer, train.length, 0};
  origins_[count_] = {socket,        train.segment_size, 0, train.has_packets,
                      train.session, train.first_number};
  count_++;
  used_ += (train.length + kAlignment - 1) / kAlignment * kAlignment;
  // If packets are refused as too long, all later ones of their session count as refused as well
  // (Endpoint::on_refused), and it goes on with shorter ones: it has to know before it builds more.
  const bool session_goes_on = train.has_packets && train.more;
  due_ = session_goes_on || train.segments > 1 || !socket->udp.features().mmsg ||
         count_ == kMaxTrains || used_ >= kGatheredBytes;
}

SendQueue::Flushed SendQueue::flush(Time now) {
  Flushed flushed;
  while (front_ < count_) {
    HostSocket* socket = origins_[front_].socket;
    if (socket == nullptr) {
      front_++;
      continue;
    }
    const size_t run = run_length();
    const bool room =
        run == 1 ? send_train(now, &flushed.datagrams) : send_run(now, run, &flushed.datagrams);
    if (!room) {
      flushed.full = socket;
      return flushed;
    }
  }
  clear();
  return flushed;
}

size_t SendQueue::run_length() const {
  size_t end = front_;
  while (end < count_ && origins_[end].socket == origins_[front_].socket &&
         datagrams_[end].size <= origins_[end].segment_size) {
    end++;
  }
  return std::max<size_t>(end - front_, 1);
}

bool SendQueue::send_train(Time now, size_t* datagrams) {
  net::OutgoingDatagram& train = datagrams_[front_];
  Origin& origin = origins_[front_];
  const net::SendResult result =
      origin.socket->udp.send_train(train.to, train.data, train.size, origin.segment_size);
  *datagrams += result.segments;
  if (result.status == net::IoStatus::kWouldBlock) {
    train.data += result.segments * origin.segment_size;
    train.size -= result.segments * origin.segment_size;
    origin.sent += result.segments;
    return false;
  }
  settle(now, front_, result.error, result.segments);
  front_++;
  return true;
}

bool SendQueue::send_run(Time now, size_t count, size_t* datagrams) {
  net::OutgoingDatagram* run = datagrams_ + front_;
  const net::SendManyResult result = origins_[front_].socket->udp.send_many(run, count);
  *datagrams += result.sent;
  for (size_t i = 0; i < result.handled; i++) settle(now, front_ + i, run[i].error, 0);
  front_ += result.handled;
  return !result.would_block;
}

// The train is done with: `segments` more of its datagrams were taken, or all if there is no error.
void SendQueue::settle(Time now, size_t index, int error, size_t segments) {
  const Origin& origin = origins_[index];
  if (error != EMSGSIZE || !origin.has_packets) return;
  origin.socket->host->endpoint().on_refused(now, origin.session, origin.first_number,
                                             origin.sent + segments, origin.segment_size);
}

template <typename Match>
void SendQueue::forget_if(Match match) {
  for (size_t i = front_; i < count_; i++) {
    if (origins_[i].socket != nullptr && match(origins_[i].socket)) origins_[i].socket = nullptr;
  }
  while (front_ < count_ && origins_[front_].socket == nullptr) front_++;
  if (front_ == count_) clear();
}

void SendQueue::forget(const HostSocket* socket) {
  forget_if([socket](const HostSocket* one) { return one == socket; });
}

void SendQueue::forget(const Host* host) {
  forget_if([host](const HostSocket* one) { return one->host == host; });
}

void SendQueue::clear() {
  used_ = 0;
  due_ = false;
  front_ = 0;
  count_ = 0;
}

}  // namespace hawser::engine
