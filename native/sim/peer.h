#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/sim_memory.h"
#include "sim/sim_random.h"
#include "transport/endpoint.h"
#include "transport/message_sink.h"
#include "transport/packet_tap.h"
#include "transport/runtime.h"

namespace hawser::sim {

class SimNetwork;

// What protects the packets of a network's peers.
enum class Protection : uint8_t {
  kClear,  // nothing: tests make packets by hand and read what comes (clear_security.h)
  kAes256Gcm,
  kChaCha20Poly1305,
};

// One peer: an endpoint with memory, random numbers and timers of its own, driven in the way that
// transport/runtime.h asks of its owner.
class SimPeer final : private transport::MessageSink, private transport::PacketTap {
 public:
  SimPeer(SimNetwork& network, int index, const transport::EndpointConfig& config);
  ~SimPeer();
  SimPeer(const SimPeer&) = delete;
  SimPeer& operator=(const SimPeer&) = delete;

  int index() const { return index_; }
  SimNetwork& network() { return network_; }
  SimMemory& memory() { return memory_; }
  transport::Runtime& runtime() { return *runtime_; }
  transport::Endpoint& endpoint() { return *endpoint_; }
  const transport::EndpointConfig& config() const { return config_; }
  bool alive() const { return endpoint_ != nullptr; }

  // Without protection; with it, ids are keys.
  static wire::PeerIdBytes id_of(int index);
  const wire::PeerIdBytes& id() const { return id_; }
  // A peer that moves has other addresses one after the other: first with another port, then on
  // another host, and so on.
  static transport::PathAddress address_of(int index, uint32_t move = 0);
  transport::PathAddress address() const { return address_of(index_, moves_); }
  uint32_t moves() const { return moves_; }
  // From now on it sends from, and is reached at, another address. `old_works`: what is sent to the
  // one before arrives as well.
  void readdress(bool old_works) {
    moves_++;
    if (!old_works) oldest_move_ = moves_;
  }
  // Whether it is reached at the address of that move.
  bool reached_at(uint32_t move) const { return move >= oldest_move_; }
  // -1: nobody's.
  static int index_of(const transport::PathAddress& address);
  static uint32_t move_of(const transport::PathAddress& address);

  // nullptr: no memory, or a limit.
  transport::Session* connect(int remote, transport::Duration give_up_after);
  // The live session that receives under this connection id, as far as the application was told.
  transport::Session* session(uint64_t connection_id) const;

  // Memory in use above this is a failure; 0: not looked at. Bytes.
  // `held`: bytes that the peer has to keep at the moment. The bound is `bytes` and sixteen times
  // the most that was held so far: buffers grow by doubling, and blocks are kept for the next
  // messages. What grows with all that has passed through is noticed when it is more than that.
  void set_memory_bound(size_t bytes, std::function<size_t()> held = nullptr) {
    memory_bound_ = bytes;
    held_ = std::move(held);
  }
  // Fails the run if memory is beyond the bound or was misused. Called after each event, and by who
  // makes the peer hold something within one.
  void check();

  // Offers the messages that wait in `channel` to the application.
  void deliver(transport::Channel& channel);

  // The packets that were built since it was last asked, before they were sealed.
  std::vector<uint8_t> take_clear() {
    clear_lengths_.clear();
    return std::exchange(clear_, {});
  }

  // --- Network only.
  transport::Time next_timeout() const;
  void receive(const transport::PathAddress& from, uint8_t* data, size_t length);
  void on_timer(uint64_t tag);
  // Timers, output, events, until nothing is left to do now.
  void service();
  // Frees the endpoint at once and checks that all memory came back.
  void destroy();

 private:
  static constexpr size_t kTrainBytes = 65'535;

  bool take(transport::Channel& channel, uint64_t first, const uint8_t* run, size_t length,
            uint32_t count) override;
  void on_packet(const transport::Session& session, uint64_t number, const uint8_t* frames,
                 size_t length) override;
  void compute_handshakes();
  void transmit();
  void handle_events();

  SimNetwork& network_;
  const int index_;
  uint32_t moves_ = 0;
  uint32_t oldest_move_ = 0;
  const transport::EndpointConfig config_;
  SimMemory memory_;
  SimRandom random_;
  std::unique_ptr<transport::Runtime> runtime_;
  std::unique_ptr<transport::Endpoint> endpoint_;
  std::unordered_map<uint64_t, transport::Session*> sessions_;
  std::vector<uint8_t> train_;
  // The packets of a train before they were sealed, one behind the other.
  std::vector<uint8_t> clear_;
  std::vector<size_t> clear_lengths_;
  wire::PeerIdBytes id_{};
  // Handshakes that take their time, in the order in which they come back.
  std::vector<std::pair<transport::Time, transport::Handshake*>> computing_;
  size_t memory_bound_ = 0;
  std::function<size_t()> held_;
  size_t most_held_ = 0;
};

}  // namespace hawser::sim
