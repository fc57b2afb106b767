#pragma once

#include <vector>

#include "sim/luck.h"
#include "sim/network.h"
#include "sim/workload.h"

namespace hawser::sim {

// What some seeds have besides their ordinary work.

// Few channels at once, other idle timeouts.
void vary_endpoint(Luck& luck, int index, transport::EndpointConfig& config);
// Many channels of a few messages each; one that nobody ends, so that its idle timeout must.
void add_short_channels(Luck& luck, const std::vector<int>& sessions, transport::Time now,
                        std::vector<ChannelPlan>& plans);
// An ACK timeout T of up to 2 s; messages of up to 1 MiB. The first of `plans` stays as it is.
void add_extremes(Luck& luck, std::vector<ChannelPlan>& plans);
// A peer that answers nobody, and one that tries to reach it. Returns its session, or -1.
int add_deaf_peer(Luck& luck, SimNetwork& network, Workload& workload);
// Datagrams from strangers: noise, cut and wrong packets, handshakes for somebody else.
void add_noise(Luck& luck, SimNetwork& network);

}  // namespace hawser::sim
