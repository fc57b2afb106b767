// One local peer of an engine: a transport::Endpoint, the sockets it is reached through and, if
// asked for, a bad network on its way out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/host_group.h"
#include "engine/host_socket.h"
#include "engine/impaired_link.h"
#include "net/socket_counters.h"
#include "transport/endpoint.h"
#include "transport/list.h"
#include "transport/memory.h"
#include "transport/runtime.h"
#include "transport/timer_wheel.h"

namespace hawser::engine {

class Engine;
class SocketSet;

struct HostOptions {
  transport::EndpointConfig endpoint;
  // The Ed25519 seed of the identity, 32 bytes; and the key of a closed network, 32 bytes, or
  // nullptr. Copied.
  const uint8_t* identity_seed = nullptr;
  const uint8_t* network_key = nullptr;
  net::SocketOptions sockets;
  // Where to bind; copied.
  const net::Address* addresses = nullptr;
  size_t address_count = 0;
  // nullptr: none.
  const net::ImpairmentOptions* impairment = nullptr;
  // One of several hosts of a peer, each in an engine of its own, in which it is the only one.
  // Outlives them.
  HostGroup* group = nullptr;
  uint32_t member = 0;
};

struct HostError {
  size_t socket = 0;  // index in HostOptions::addresses
  int error = 0;      // errno; ENOSYS: there is no OpenSSL
};

// What happened to a host since it was last asked. Bits.
enum HostEvent : uint32_t {
  kHostFailed = 1,  // a socket cannot be read any more; failure() says why
  kHostClosed = 2,  // close() has come to its end: the sockets are closed
};

// Made, closed and destroyed by its Engine, under the engine's lock.
class Host {
 public:
  Host(transport::Runtime& runtime, const transport::EndpointConfig& config,
       transport::Security& security);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // --- Owner.
  uint64_t user = 0;
  void* context = nullptr;

  transport::Endpoint& endpoint() { return endpoint_; }
  size_t socket_count() const { return socket_count_; }
  const HostSocket& socket(size_t index) const { return sockets_[index]; }
  // Another address for a socket on a DatagramNetwork, as when a machine changes networks.
  void move_socket(size_t index, const net::Address& address);
  // Lets other hosts open sockets on the addresses of this one (SocketOptions::reuse_port). 0 or an
  // errno.
  int share_ports();
  // Has the kernel spread what comes over all sockets that share the addresses; see HostGroup. 0 or
  // an errno: then hosts have to hand over more.
  int steer();
  // Index of the socket that is best to reach `to` through; -1 when none of them can.
  int socket_for(const net::Address& to) const;
  uint32_t take_events();
  // errno of the socket that failed.
  int failure() const { return failure_; }
  // Sum over the sockets, also after they were closed.
  net::SocketCounters counters() const;
  // Datagrams for this host that came to others of its group, and were brought here or got lost.
  uint64_t handed_over() const { return handed_over_; }
  uint64_t hand_overs_lost() const { return group_ == nullptr ? 0 : group_->lost(member_); }
  uint64_t impaired_dropped() const { return link_ == nullptr ? 0 : link_->dropped(); }

 private:
  friend class Engine;

  struct Timer : transport::TimerWheel::Entry {
    explicit Timer(Host* owner) : host(owner) {}
    Host* host;
  };

  // Opens the sockets and puts them into `set`; nullptr: on a DatagramNetwork. False: `error` says
  // which one failed; nothing is left open.
  bool open(const HostOptions& options, SocketSet* set, HostError* error);
  void close_sockets(SocketSet* set);
  // A datagram from the network.
  void receive(transport::Time now, const transport::PathAddress& from, uint8_t* data,
               size_t length) {
    if (group_ == nullptr || !pass(from, data, length)) {
      endpoint_.receive(now, from, data, length);
    }
  }
  // False: it is for this host.
  bool pass(const transport::PathAddress& from, const uint8_t* data, size_t length);
  // What the others have handed over. Returns the datagrams.
  size_t receive_handed_over(transport::Time now);

  transport::Memory& memory_;
  transport::Endpoint endpoint_;
  HostSocket* sockets_ = nullptr;
  size_t socket_count_ = 0;
  ImpairedLink* link_ = nullptr;
  HostGroup* group_ = nullptr;
  uint32_t member_ = 0;
  uint64_t handed_over_ = 0;
  // Due when a datagram is to be released, or the time to say good-bye is over.
  Timer timer_;
  transport::Time closing_until_ = transport::kNever;
  bool closing_ = false;
  uint32_t events_ = 0;
  int failure_ = 0;
  transport::ListHook<Host> all_hook_;
  transport::ListHook<Host> closing_hook_;
  transport::ListHook<Host> report_hook_;
};

}  // namespace hawser::engine
