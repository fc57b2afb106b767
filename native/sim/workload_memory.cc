// How much memory the peers of a workload may use.

#include <algorithm>

#include "sim/workload.h"

namespace hawser::sim {

namespace {

// Tables, timers and packet records.
constexpr size_t kPerPeer = 256u << 10;
constexpr size_t kPerSession = 192u << 10;
constexpr size_t kPerChannel = 8u << 10;
// A message in flight has the records of its packet, one that waits a slot and a block.
constexpr size_t kPerMessage = 96;

}  // namespace

size_t Workload::idle_bytes(int peer) const {
  // The buffers against strangers have a fixed size, and each handshake under way is an object.
  constexpr size_t kForStrangers = 64u << 10;
  size_t bytes = kPerPeer + kForStrangers;
  for (const auto& session : sessions_) {
    if (session->plan.initiator == peer || session->plan.responder == peer) bytes += kPerSession;
  }
  for (const auto& run : channels_) {
    if (peer_of(*run, 0) == peer || peer_of(*run, 1) == peer) bytes += kPerChannel;
  }
  return bytes;
}

size_t Workload::held_bytes(int peer) const {
  size_t bytes = 0;
  for (const auto& run : channels_) {
    for (const SideState& side : run->side) {
      if (side.channel == nullptr || side.peer->index() != peer) continue;
      const transport::Outbound& out = side.channel->outbound();
      // What was pushed and not published yet is unsent, too.
      bytes += out.ring().published_position() - out.ring().tail_position() +
               side.channel->unsent() + kPerMessage * out.in_flight();
      const transport::Inbound& in = side.channel->inbound();
      bytes += in.held_cost() + kPerMessage * (in.frontier() - in.delivered());
    }
  }
  return bytes;
}

}  // namespace hawser::sim
