#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "sim/sim_memory.h"
#include "sim/sim_random.h"
#include "transport/endpoint.h"
#include "transport/message_sink.h"
#include "transport/runtime.h"

namespace hawser::sim {

class SimNetwork;

// One peer: an endpoint with memory, random numbers and timers of its own, driven in the way that
// transport/runtime.h asks of its owner.
class SimPeer final : private transport::MessageSink {
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

  static wire::PeerIdBytes id_of(int index);
  // A peer that moves has other addresses one after the other.
  static transport::PathAddress address_of(int index, uint32_t move = 0);
  uint32_t moves() const { return moves_; }
  // From now on it sends from, and is reached at, another address.
  void readdress() { moves_++; }
  // -1: nobody's.
  static int index_of(const transport::PathAddress& address);

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
  void transmit();
  void handle_events();

  SimNetwork& network_;
  const int index_;
  uint32_t moves_ = 0;
  const transport::EndpointConfig config_;
  SimMemory memory_;
  SimRandom random_;
  std::unique_ptr<transport::Runtime> runtime_;
  std::unique_ptr<transport::Endpoint> endpoint_;
  std::unordered_map<uint64_t, transport::Session*> sessions_;
  std::vector<uint8_t> train_;
  size_t memory_bound_ = 0;
  std::function<size_t()> held_;
  size_t most_held_ = 0;
};

}  // namespace hawser::sim
