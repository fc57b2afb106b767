// Sockets, peers and the transport's clockwork behind one lock. Passive: drivers call the steps.
//
//   { MutexLock lock(engine.mutex());
//     engine.receive(now, 256 * 1024);
//     engine.run_timers(now);
//     engine.transmit(now); }
//   sleep until engine.next_timeout() or until a socket of engine.sockets() is ready
//
// Everything but mutex() and progress() is called under the lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/datagram_network.h"
#include "engine/host.h"
#include "engine/os_thread.h"
#include "engine/path.h"
#include "engine/random.h"
#include "engine/receive_guess.h"
#include "engine/send_queue.h"
#include "engine/socket_set.h"
#include "net/receive_batch.h"
#include "transport/list.h"
#include "transport/memory.h"
#include "transport/runtime.h"
#include "transport/time.h"
#include "transport/timer_wheel.h"

namespace hawser::engine {

class Engine {
 public:
  // Who computes handshakes, on another thread.
  class Computer {
   public:
    // Under the lock: there is something to compute.
    virtual void look() = 0;

   protected:
    ~Computer() = default;
  };

  // memory_limit: bytes of native memory at most, 0 = none.
  Engine(transport::Time now, size_t memory_limit) : Engine(now, memory_limit, {}) {}
  // With something else than the system's sockets and random numbers.
  Engine(transport::Time now, size_t memory_limit, const Surroundings& surroundings);
  // Destroys the hosts that are left. No thread may use the engine any more.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Before anything else. Returns 0 or an errno.
  int open();

  Mutex& mutex() { return mutex_; }
  // Rises with every datagram that came or went. Any thread, without the lock.
  uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }

  // nullptr, as at first: handshakes are computed by run_timers().
  void set_computer(Computer* computer) { computer_ = computer; }

  transport::HeapMemory& memory() { return memory_; }
  transport::Runtime& runtime() { return runtime_; }
  SocketSet& sockets() { return sockets_; }
  size_t host_count() const { return hosts_.size(); }

  // nullptr: `error` says why.
  Host* create_host(const HostOptions& options, HostError* error);
  // Closes its sessions, and its sockets once the peers know, at the latest after a second. Then
  // reports kHostClosed. The host stays until destroy_host().
  void close_host(Host* host, transport::Time now, wire::Code code, const char* reason,
                  size_t reason_length);
  // At once, silently. Nobody may hold a pointer to a session or channel of it any more.
  void destroy_host(Host* host);

  // Reads up to about `max_bytes` from the sockets that are ready. Returns the datagrams it got.
  // May leave some: the descriptors of sockets() are still readable then.
  size_t receive(transport::Time now, size_t max_bytes);
  // A datagram that reached a host's socket by a DatagramNetwork; opened in place.
  void receive_datagram(transport::Time now, Host* host, size_t socket, const net::Address& from,
                        uint8_t* data, size_t length);
  void run_timers(transport::Time now);
  // Sends what may be sent now, up to about a MiB.
  void transmit(transport::Time now);
  // For tests: sends one packet of `session` around `frames`, as Session::build_foreign().
  bool transmit_foreign(transport::Time now, transport::Session& session, const uint8_t* frames,
                        size_t length);
  // Nothing will happen but keep-alive and idle timeouts of sessions, unless a datagram or a call
  // comes. Looks at every session.
  bool resting() const;

  // When run_timers() and transmit() must be called at the latest; 0 = now, kNever = no need.
  transport::Time next_timeout() const;

  // Whether sessions, channels, hosts or the alarm have something to tell.
  bool has_events() const { return runtime_.has_events() || !reports_.empty() || alarm_due_; }
  // A host with events; nullptr when there is none.
  Host* next_report() { return reports_.pop_front(); }
  // Makes has_events() true at `when`, once; kNever cancels.
  void set_alarm(transport::Time when) { wheel_.arm(alarm_, when); }
  bool take_alarm();

 private:
  static constexpr size_t kTransmitBudget = 1u << 20;
  static constexpr transport::Duration kLinger = transport::kSecond;
  // Receive errors in a row after which a socket is given up.
  static constexpr uint32_t kMaxReceiveErrors = 100;

  size_t receive_ready(transport::Time now, size_t max_bytes);
  size_t receive_from(HostSocket* socket, transport::Time now, size_t budget);
  void on_receive_error(HostSocket* socket, int error);
  void on_writable(HostSocket* socket, transport::Time now);
  void set_blocked(HostSocket* socket, bool blocked);
  // Builds up to about `budget` bytes of what has to leave together. Returns the bytes.
  size_t gather(transport::Time now, size_t budget);
  void send(transport::Time now, const transport::Train& train);
  void send_to_network(Host* host, const Path& path, const transport::Train& train);
  void send_impaired(transport::Time now, Host* host, const Path& path,
                     const transport::Train& train);
  // Hands over what was gathered. False: a socket is full, and nothing may be gathered.
  bool flush(transport::Time now);
  // flush() would find that socket full again.
  bool stalled() const { return !queue_.empty() && queue_.next_socket()->blocked; }
  void release_due(Host* host, transport::Time now);
  void compute_handshakes(transport::Time now);
  void rearm(Host* host);
  void finish_closed(transport::Time now);
  void report(Host* host, uint32_t event);
  void count_progress(size_t datagrams) {
    progress_.store(progress_.load(std::memory_order_relaxed) + datagrams,
                    std::memory_order_relaxed);
  }

  Mutex mutex_;
  std::atomic<uint64_t> progress_{0};
  transport::HeapMemory memory_;
  DatagramNetwork* const network_;
  SystemRandom random_;
  transport::Runtime runtime_;
  Computer* computer_ = nullptr;
  SocketSet sockets_;
  ReceiveGuess guess_;
  net::ReceiveBatch batch_;
  // Empty between calls, unless a socket is full.
  SendQueue queue_{memory_};
  // The hosts' own timers, apart from the transport's.
  transport::TimerWheel wheel_;
  Host::Timer alarm_{nullptr};
  bool alarm_due_ = false;
  // The one whose siblings are in other engines; nullptr: there is none.
  Host* grouped_ = nullptr;
  transport::List<Host, &Host::all_hook_> hosts_;
  transport::List<Host, &Host::closing_hook_> closing_;
  transport::List<Host, &Host::report_hook_> reports_;
};

}  // namespace hawser::engine
