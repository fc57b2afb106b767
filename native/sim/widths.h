#pragma once

#include <cstdint>

#include "sim/link.h"
#include "sim/luck.h"
#include "transport/types.h"

namespace hawser::sim {

// How long the datagrams of a run may become; links carry what they like.
struct Widths {
  bool searched = false;
  uint32_t limit = 0;
};

Widths choose_widths(Luck& luck);
void vary_widths(Luck& luck, const Widths& widths, transport::EndpointConfig& config);
// Half of the links change their MTU on the way, in silence or as an interface does.
void vary_link(Luck& luck, const Widths& widths, transport::Time now, LinkOptions& link);

}  // namespace hawser::sim
