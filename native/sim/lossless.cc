#include "sim/lossless.h"

#include "sim/network.h"
#include "sim/workload.h"

namespace hawser::sim {

namespace {
constexpr uint64_t kMessages = 2'000;
constexpr uint32_t kLongest = 20'000;
}  // namespace

std::string run_lossless(uint64_t seed) {
  SimNetwork network(seed);
  network.set_judged(false);
  Workload workload(network);
  network.add_peer();
  network.add_peer();
  SessionPlan session;
  session.connect_at = network.now();
  ChannelPlan channel;
  channel.session = workload.add_session(session);
  channel.open_at = network.now();
  for (SidePlan& side : channel.side) {
    side.messages = kMessages;
    side.sizes = {SizeProfile::kMixed, kLongest};
  }
  workload.add_channel(channel);
  workload.run();
  if (network.failed()) return network.failure();
  if (workload.delivered() != 2 * kMessages) return "not everything was delivered";
  return {};
}

}  // namespace hawser::sim
