#pragma once

#include <cstddef>
#include <vector>

#include "sim/network.h"
#include "sim/plan.h"
#include "sim/workload.h"

namespace hawser::sim {

// The most memory that a peer may hold at once while it does its part of `channels`, bytes: a few
// times what its send buffers and the credit it gives can hold, and no more than all the messages
// there are. Something that grows with what has passed through is noticed.
size_t memory_bound(SimNetwork& network, Workload& workload,
                    const std::vector<ChannelPlan>& channels, int peer);

}  // namespace hawser::sim
