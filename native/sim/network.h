#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crypto/aead_packet_protection.h"
#include "sim/application.h"
#include "sim/link.h"
#include "sim/peer.h"
#include "sim/wire_oracle.h"
#include "sim/wire_view.h"
#include "transport/types.h"

namespace hawser::sim {

// Drops datagrams that carry what it names, before the link sees them. -1 and 0 match anything.
struct DropRule {
  int from = -1;
  int to = -1;
  // INIT, RESPONSE or DATA.
  bool any_packet = false;
  wire::PacketType packet = wire::PacketType::kData;
  bool any_frame = true;
  wire::FrameType frame = wire::FrameType::kPadding;
  uint64_t channel = 0;
  // MESSAGE and FRAGMENT: the packet carries (a part of) this message.
  uint64_t sequence = 0;
  // Of the matching datagrams, the first `skip` pass, the next `count` are dropped.
  uint64_t skip = 0;
  uint64_t count = UINT64_MAX;
  // Out.
  uint64_t matched = 0;
  uint64_t dropped = 0;
};

// A datagram that is sent.
struct Datagram {
  const uint8_t* data = nullptr;
  size_t length = 0;
  // The same before it was sealed, equally long; nullptr: nobody can read it (a stateless reset).
  const uint8_t* clear = nullptr;
};

// Peers, links between them, and a clock that jumps from one event to the next. Everything that
// happens follows from the seed: hash() of two runs of one seed is equal.
class SimNetwork {
 public:
  explicit SimNetwork(uint64_t seed);
  ~SimNetwork();
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  uint64_t seed() const { return seed_; }
  // Before the first peer. Default: kClear.
  void set_protection(Protection protection, const crypto::ProtectionLimits& limits = {}) {
    protection_ = protection;
    protection_limits_ = limits;
  }
  Protection protection() const { return protection_; }
  const crypto::ProtectionLimits& protection_limits() const { return protection_limits_; }
  // A handshake's computation takes up to this long.
  void set_longest_computation(transport::Duration longest) { longest_computation_ = longest; }
  transport::Duration longest_computation() const { return longest_computation_; }
  transport::Time now() const { return now_; }
  // Must outlive the network, and be set before the first step.
  void set_application(Application* application) { application_ = application; }
  Application& application() { return *application_; }
  WireOracle& oracle() { return oracle_; }

  SimPeer& add_peer(const transport::EndpointConfig& config = {});
  SimPeer& peer(int index) { return *peers_[static_cast<size_t>(index)]; }
  int peer_count() const { return static_cast<int>(peers_.size()); }

  // One direction; a link that was not set carries everything after 10 ms.
  void set_link(int from, int to, const LinkOptions& options);
  Link& link(int from, int to);
  // Both directions, each with luck of its own.
  void set_links(int a, int b, const LinkOptions& options);
  void set_up(int a, int b, bool up);
  // Within the last `idle_timeout`, several of few datagrams were lost, one way or the other: who
  // hears nothing for so long is right to give up.
  bool path_seemed_dead(int a, int b, transport::Duration idle_timeout);

  // Sessions between the two cannot go on: running into a timeout is what they should do.
  void break_path(int a, int b) { broken_.emplace_back(a, b); }
  // Gives a peer another address. What is on its way to the old one vanishes, and what is sent
  // there, unless `old_works`. Sessions survive it, if the peer can still say where it is.
  void readdress(int index, bool old_works = false);
  // Sees every datagram as it is sent, also those to addresses that are nobody's: an attacker on
  // the way, who answers with inject().
  using Listener =
      std::function<void(int from, const transport::PathAddress& to, const Datagram& datagram)>;
  void set_listener(Listener listener) { listener_ = std::move(listener); }

  // Returns its index, for rule().
  size_t add_drop_rule(const DropRule& rule);
  DropRule& rule(size_t index) { return rules_[index]; }

  // Application::on_timer(peer, tag) at `when`.
  void set_timer(transport::Time when, int peer, uint64_t tag);
  // A datagram that reaches `to` at `when` without passing a link; and how it reads, if it is not
  // as it is.
  void inject(transport::Time when, const transport::PathAddress& from, int to, const uint8_t* data,
              size_t length, const uint8_t* clear = nullptr);

  // Goes to the next event. False: there is none, or the run has failed.
  bool step();
  // Until done() or `limit`. True: done.
  template <typename Done>
  bool run_until(Done done, transport::Duration limit) {
    const transport::Time end = now_ + limit;
    while (!failed() && !done()) {
      if (next_event() > end) {
        now_ = end;
        return false;
      }
      if (!step()) return done();
    }
    return !failed() && done();
  }
  void run_for(transport::Duration duration) {
    run_until([] { return false; }, duration);
  }
  transport::Time next_event() const;

  // Remember what was sent, for tests that judge by decoded frames.
  void set_capture(bool on) { capture_on_ = on; }
  std::vector<Captured>& capture() { return capture_; }
  // False: nobody judges the datagrams; only what applications see counts.
  void set_judged(bool on) { judged_ = on; }
  // Print every datagram.
  void set_trace(bool on) { trace_ = on; }

  // The first failure stops the run. The text names the seed and the time.
  [[gnu::format(printf, 2, 3)]] void fail(const char* format, ...);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }

  // What must not differ between two runs of one seed.
  void note(uint64_t kind, uint64_t value);
  uint64_t hash() const { return hash_; }
  uint64_t datagrams() const { return datagrams_; }

  // --- RawPeer only. Returns its number, which is in its address.
  uint64_t add_raw(class RawPeer* raw);
  void remove_raw(class RawPeer* raw);

  // --- Peers only.
  // The interface of `from` does not take datagrams of that size.
  bool refuses(int from, int to, size_t size);
  void send(int from, const transport::PathAddress& to, const Datagram& datagram);

 private:
  struct Event {
    transport::Time time;
    uint64_t order;
    uint64_t tag;  // timer
    int32_t peer;
    int32_t buffer;  // -1: a timer
    // On a link: who sent it, and to which of the receiver's addresses; injected: -1.
    int32_t sender;
    uint32_t move;
    transport::PathAddress from;
  };
  static bool later(const Event& a, const Event& b) {
    return a.time != b.time ? a.time > b.time : a.order > b.order;
  }

  // A datagram on its way, and how it reads.
  struct Buffer {
    std::vector<uint8_t> bytes;
    std::vector<uint8_t> clear;
  };

  int32_t keep(const uint8_t* data, size_t length, const uint8_t* clear);
  void push(const Event& event);
  void deliver(const Event& event);
  bool dropped_by_rule(int from, int to, const Datagram& datagram);
  void hash_bytes(const uint8_t* data, size_t length);
  bool corrupt(Buffer& buffer, size_t bit);
  void record(int from, int to, const Datagram& datagram, Fate fate);

  const uint64_t seed_;
  Protection protection_ = Protection::kClear;
  crypto::ProtectionLimits protection_limits_;
  transport::Duration longest_computation_ = 0;
  transport::Time now_ = transport::kSecond;
  Application* application_ = nullptr;
  WireOracle oracle_;
  std::vector<std::unique_ptr<SimPeer>> peers_;
  std::vector<class RawPeer*> raws_;
  std::unordered_map<uint64_t, Link> links_;
  std::vector<DropRule> rules_;
  std::vector<std::pair<int, int>> broken_;
  Listener listener_;

  std::vector<Event> events_;  // a heap
  uint64_t next_order_ = 0;
  std::vector<Buffer> buffers_;
  std::vector<int32_t> free_buffers_;
  std::vector<char> touched_;
  uint64_t steps_at_now_ = 0;

  bool capture_on_ = false;
  bool trace_ = false;
  bool judged_ = true;
  std::vector<Captured> capture_;
  std::string failure_;
  uint64_t hash_ = 0xcbf29ce484222325;
  uint64_t datagrams_ = 0;
};

}  // namespace hawser::sim
