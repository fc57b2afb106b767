#include "sim/memory_bound.h"

#include <algorithm>

#include "sim/content.h"
#include "wire/frames.h"

namespace hawser::sim {

namespace {

// Tables, timers and packet records, before anything is sent.
constexpr size_t kPerPeer = 64u << 10;
constexpr size_t kPerSession = 96u << 10;
constexpr size_t kPerChannel = 8u << 10;
// A message that waits takes a block of its own, and the ring of its slots grows by doubling.
constexpr size_t kPerMessage = 64 + 2 * 24;
// Buffers grow by doubling, the old one lives until the new one is filled, and blocks that were
// given back are kept.
constexpr size_t kGrowth = 4;

struct Content {
  size_t bytes = 0;
  size_t largest = 0;
};

Content content_of(uint64_t seed, size_t channel, uint32_t direction, const SidePlan& side) {
  Content content;
  const uint64_t stream = stream_key(seed, channel, direction);
  for (uint64_t i = 0; i < side.messages; i++) {
    const size_t cost =
        wire::message_cost(message_length(side.sizes, message_key(stream, i)) + kTagBytes);
    content.bytes += cost;
    content.largest = std::max(content.largest, cost);
  }
  return content;
}

}  // namespace

size_t memory_bound(SimNetwork& network, Workload& workload,
                    const std::vector<ChannelPlan>& channels, int peer) {
  size_t bound = kPerPeer;
  std::vector<int> sessions;
  for (size_t i = 0; i < channels.size(); i++) {
    const ChannelPlan& channel = channels[i];
    const SessionPlan& session = workload.session(channel.session).plan;
    if (session.initiator != peer && session.responder != peer) continue;
    if (std::find(sessions.begin(), sessions.end(), channel.session) == sessions.end()) {
      sessions.push_back(channel.session);
    }
    bound += kPerChannel;
    const int opener = channel.opened_by_initiator ? session.initiator : session.responder;
    const uint32_t ours = opener == peer ? 0 : 1;
    for (uint32_t d = 0; d < 2; d++) {
      const SidePlan& side = channel.side[d];
      const Content content = content_of(network.seed(), i, d, side);
      if (d == ours) {
        const size_t buffered = side.config.max_buffered + content.largest;
        bound += kGrowth * std::min(content.bytes, buffered);
        continue;
      }
      const size_t credit = network.peer(peer).config().max_credit + content.largest;
      bound += kGrowth * std::min(content.bytes, credit) + kPerMessage * side.messages;
    }
  }
  return bound + kPerSession * sessions.size();
}

}  // namespace hawser::sim
