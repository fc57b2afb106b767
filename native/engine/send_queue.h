// Trains that the transport has built and the kernel has not taken yet. Single datagrams wait for
// others in the same round, so that one sendmmsg takes those of many destinations; whatever else is
// handed over at once. First in, first out. When a socket is full the rest stays, and nothing more
// may be built before it has left. Nothing is allocated after init(). Under the engine's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/host_socket.h"
#include "net/address.h"
#include "net/udp_socket.h"
#include "transport/memory.h"
#include "transport/time.h"
#include "transport/types.h"

namespace hawser::engine {

class SendQueue {
 public:
  static constexpr size_t kMaxTrains = net::UdpSocket::kMaxPlainBatch;
  static constexpr size_t kMaxSegments = net::UdpSocket::kMaxTrainSegments;
  static constexpr size_t kTrainBytes = net::UdpSocket::kMaxTrainBytes;
  // No more waits than this: the bytes are still in a cache when the kernel copies them, and the
  // first one does not wait for long (some tens of microseconds of encryption).
  static constexpr size_t kGatheredBytes = 32 * 1024;
  // What init() allocates: a train may begin behind all that waits.
  static constexpr size_t kBufferBytes = kGatheredBytes + kTrainBytes;

  struct Flushed {
    size_t datagrams = 0;        // that the kernel took
    HostSocket* full = nullptr;  // not nullptr: the rest waits for this socket
  };

  explicit SendQueue(transport::Memory& memory) : memory_(memory) {}
  ~SendQueue() { memory_.release(buffer_, kBufferBytes); }
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  // False: no memory.
  bool init();

  // Where the next train is to be built: kTrainBytes, apart from those of all trains that wait. Not
  // while due().
  uint8_t* room() { return buffer_ + used_; }
  // A train that was built in room(), to leave from `socket`, which is open. Not while due().
  void push(HostSocket* socket, const net::Address& to, const transport::Train& train);
  // What waits must leave before anything else is built.
  bool due() const { return due_; }

  // Hands over everything, in order, until a socket is full. An error is about the destination, or
  // about one datagram: the rest of its train shares its fate, as if the network had lost it. Only
  // if it is too long for the interface its session is told.
  Flushed flush(transport::Time now);

  bool empty() const { return count_ == 0; }
  // Whose turn it is; nullptr: nothing waits.
  HostSocket* next_socket() const { return empty() ? nullptr : origins_[front_].socket; }
  // What waits for a socket, or for any socket of a host, that goes away is lost.
  void forget(const HostSocket* socket);
  void forget(const Host* host);

 private:
  // Each train begins on a line of the cache.
  static constexpr size_t kAlignment = 64;

  // What belongs to datagrams_[i]: a whole train, or what is left of it.
  struct Origin {
    HostSocket* socket = nullptr;  // nullptr: forgotten
    size_t segment_size = 0;
    size_t sent = 0;  // datagrams of the train that the kernel took before
    // Of an open session: for its endpoint, should the system refuse the datagrams as too long.
    bool has_packets = false;
    wire::ConnectionId session;
    uint64_t first_number = 0;
  };

  // How many of the trains at the front can be one sendmmsg: at least 1.
  size_t run_length() const;
  // Each takes what it can off the front, and returns whether the socket is not full.
  bool send_train(transport::Time now, size_t* datagrams);
  bool send_run(transport::Time now, size_t count, size_t* datagrams);
  void settle(transport::Time now, size_t index, int error, size_t segments);
  template <typename Match>
  void forget_if(Match match);
  void clear();

  transport::Memory& memory_;
  uint8_t* buffer_ = nullptr;
  size_t used_ = 0;  // bytes, rounded up
  bool due_ = false;
  size_t front_ = 0;
  size_t count_ = 0;  // from 0, those before front_ included
  net::OutgoingDatagram datagrams_[kMaxTrains];
  Origin origins_[kMaxTrains];
};

}  // namespace hawser::engine
