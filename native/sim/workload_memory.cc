// How much memory the peers of a workload may use.

#include <algorithm>

#include "sim/workload.h"
#include "transport/frame_ref.h"
#include "transport/sent_packets.h"

namespace hawser::sim {

namespace {

// Tables, timers and packet records: those rings take 160 KiB while they grow to 1,024 in one step.
constexpr size_t kPerPeer = 256u << 10;
constexpr size_t kPerSession = 224u << 10;
constexpr size_t kPerChannel = 8u << 10;
// A message in flight has its place in the ring, one that waits a slot and a block.
constexpr size_t kPerMessage = 96;
// What was sent again and again, each time in a small packet of its own, has many more packets in
// flight than messages. A packet has its record and about one reference to a frame. For each packet
// in flight LossDetector keeps the records of up to four others, and the rings have up to twice as
// many slots, with the old ones beside them while they grow: fifteen times as much, for which there
// is the factor of set_memory_bound().
constexpr size_t kPerPacket = sizeof(transport::SentPacket) + sizeof(transport::FrameRef);

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
  network_.peer(peer).endpoint().each_session([&](transport::Session* session) {
    bytes += kPerPacket * session->counters().packets_in_flight;
  });
  return bytes;
}

}  // namespace hawser::sim
