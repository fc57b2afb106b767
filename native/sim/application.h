#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/channel.h"
#include "transport/session.h"

namespace hawser::sim {

class SimPeer;

// What runs on the simulated peers. One object serves all peers of a network.
class Application {
 public:
  virtual void on_session(SimPeer& peer, transport::Session& session, uint32_t events) = 0;
  virtual void on_channel(SimPeer& peer, transport::Channel& channel, uint32_t events) = 0;
  // As MessageSink::take.
  virtual bool take(SimPeer& peer, transport::Channel& channel, uint64_t first, const uint8_t* run,
                    size_t length, uint32_t count) = 0;
  // A time asked for with SimNetwork::set_timer.
  virtual void on_timer(SimPeer& peer, uint64_t tag) = 0;
  // Everything that arrived at this moment was handed over.
  virtual void after_batch(SimPeer& peer) = 0;

 protected:
  ~Application() = default;
};

}  // namespace hawser::sim
