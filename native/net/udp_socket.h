// A non-blocking UDP socket with batch I/O. On Linux a run of equal-sized datagrams goes to the
// kernel as one call (UDP_SEGMENT, "GSO") and arrives as one buffer (UDP_GRO); sendmmsg and
// recvmmsg serve where those do not fit; elsewhere, and with everything switched off, it is one
// datagram a call. Nothing is allocated after open(). Not thread-safe: the caller locks.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "net/address.h"
#include "net/platform.h"
#include "net/receive_batch.h"
#include "net/socket_calls.h"
#include "net/socket_counters.h"

namespace hawser::net {

struct SocketOptions {
  // Kernel features; one that the kernel lacks is left out silently, see features().
  bool gso = true;
  bool gro = true;
  bool mmsg = true;
  // Never fragment: a datagram above the interface's MTU fails with EMSGSIZE, and the path MTU that
  // the kernel believes in is not obeyed, because the transport probes its own (RFC 8899).
  bool dont_fragment = true;
  bool reuse_port = false;  // several sockets share the port; the kernel spreads peers over them
  bool ipv6_only = true;    // false: an IPv6 socket carries IPv4 as well
  // What to ask of the kernel, 0 for its default. features() says what came of it.
  int receive_buffer_bytes = 7 << 20;
  int send_buffer_bytes = 7 << 20;
  const SocketCalls* calls = nullptr;  // for tests; nullptr is the real system
};

// One instruction of classic BPF, as the kernel takes it (struct sock_filter).
struct FilterInstruction {
  uint16_t code = 0;
  uint8_t if_true = 0;  // instructions to leave out
  uint8_t if_false = 0;
  uint32_t operand = 0;
};

// What the socket has, after the kernel had its say. gso and mmsg can still become false later.
struct SocketFeatures {
  bool gso = false;
  bool gro = false;
  bool mmsg = false;
  bool dont_fragment = false;
  // Payload and bookkeeping that the kernel will hold, comparable with what was asked for (Linux
  // reports the double; this is halved).
  int receive_buffer_bytes = 0;
  int send_buffer_bytes = 0;
};

enum class IoStatus : uint8_t {
  kOk,
  kWouldBlock,  // poll for writing or reading, then go on
  kError,       // `error` says why; the socket stays usable
};

struct SendResult {
  IoStatus status = IoStatus::kOk;
  int error = 0;
  // Datagrams that the kernel took, from the front; also set when the call ended early.
  size_t segments = 0;
};

struct OutgoingDatagram {
  Address to;
  const uint8_t* data = nullptr;
  size_t size = 0;
  int error = 0;  // set by send_many(): 0 or the errno of this datagram
};

struct SendManyResult {
  bool would_block = false;
  size_t handled = 0;  // datagrams from the front that were sent or failed for good
  size_t sent = 0;
};

struct ReceiveResult {
  IoStatus status = IoStatus::kOk;
  int error = 0;
  size_t datagrams = 0;  // may be 0 with kOk, when all that came was dropped
  size_t bytes = 0;
};

class UdpSocket {
 public:
  static constexpr size_t kMaxTrainSegments = 64;  // the smallest limit of any kernel with GSO
  static constexpr size_t kMaxTrainBytes = 65507;  // one UDP datagram over IPv4
  static constexpr size_t kMaxPlainBatch = 64;     // datagrams a sendmmsg call
  static constexpr size_t kMaxFilter = 64;         // instructions of a program that steers

  UdpSocket() = default;
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  // Opens and binds; port 0 lets the kernel choose. Returns 0 or an errno. Closes what was open
  // before. Counters go on.
  int open(const Address& bind_address, const SocketOptions& options);
  void close();

  // Whether a socket that was bound alone can let others share its port afterwards. Where it
  // cannot, the first one is opened with reuse_port as well, and nothing keeps strangers out.
  static constexpr bool kSharesPortLater = HAWSER_NET_SHARES_PORT_LATER;
  // From now on sockets that are opened with reuse_port may have the same address. 0 or an errno.
  int share_port();
  // Lets `program` choose which of the sockets that share this address a datagram is for: it sees
  // the payload and answers with a number, in the order in which they were opened, from 0. Once for
  // all of them. 0 or an errno; ENOSYS where there is no such thing.
  int steer(const FilterInstruction* program, size_t length);

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  const Address& local_address() const { return local_; }
  const SocketFeatures& features() const { return features_; }
  const SocketCounters& counters() const { return counters_; }

  // Sends `length` bytes as datagrams of `segment_size`, the last one may be shorter. Any length:
  // it is cut into as many kernel calls as needed. GSO is used for two datagrams and more, and is
  // given up for good once the kernel or a NIC refuses it. An error that belongs to the
  // destination is an answer about it and not about the socket: carry on with others.
  SendResult send_train(const Address& to, const uint8_t* data, size_t length, size_t segment_size);

  // Sends datagrams to any mix of destinations. One that fails gets its `error` and does not hold
  // up the others. When it would block, go on later from `handled`.
  SendManyResult send_many(OutgoingDatagram* datagrams, size_t count);

  // Fills `batch` by one kernel call (or by one a slot, without mmsg). Datagrams that do not fit
  // their buffer are dropped and counted.
  ReceiveResult receive(ReceiveBatch* batch);

 private:
  struct Target {
    sockaddr_storage storage;
    socklen_t length;
  };

  int configure(const SocketOptions& options);
  int grow_buffer(int name, int force_name, int wanted);
  bool set_flag(int level, int name, int value);
  AddressFamily socket_family() const { return local_.family; }

  bool resolve(const Address& to, Target* target) const;
  SendResult send_failure(int error);
  SendResult send_gso(Target* target, const uint8_t* data, size_t length, size_t segment_size);
  SendResult send_plain(Target* target, const uint8_t* data, size_t length, size_t segment_size);
  // Both send `count` datagrams of which the kernel takes some: returns how many, or -1 and errno.
  int send_prepared(msghdr* headers, size_t count);
  int send_batch(msghdr* headers, size_t count);

  ReceiveResult receive_gro(ReceiveBatch* batch);
  ReceiveResult receive_slots(ReceiveBatch* batch);
  int receive_batch(msghdr* headers, size_t* sizes, size_t count);
  int receive_one_by_one(msghdr* headers, size_t* sizes, size_t count);
  // Whether a failed receive call should be repeated: it only reported on something sent earlier.
  bool receive_again(int error, int* attempts);
  ReceiveResult receive_failure(int error);
  bool accept(const msghdr& header, size_t size, uint8_t* data, size_t segment_size,
              ReceiveBatch* batch, ReceiveResult* result);

  int fd_ = -1;
  const SocketCalls* calls_ = nullptr;
  Address local_;
  SocketFeatures features_;
  SocketCounters counters_;
};

}  // namespace hawser::net
