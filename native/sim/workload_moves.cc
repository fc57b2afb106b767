// The part of Workload that gives peers other addresses.
#include "sim/workload.h"

namespace hawser::sim {

using transport::Session;

// Whether everybody with whom the peer has a session can learn where it is now: it has to know
// where they are, and to have a channel, which makes it say something now and then. `never`: nor
// later.
bool Workload::may_move(int peer, bool& never) const {
  never = true;
  bool may = true;
  for (const auto& run : sessions_) {
    const bool initiator = run->plan.initiator == peer;
    if ((!initiator && run->plan.responder != peer) || run->closed[0] || run->closed[1]) continue;
    const Session* own = run->side[initiator ? 0 : 1];
    const Session* other = run->side[initiator ? 1 : 0];
    // A handshake stays where it began.
    if (own == nullptr || other == nullptr || !run->opened[0] || !run->opened[1]) {
      never = false;
      may = false;
      continue;
    }
    if (!own->open() || !other->open()) continue;
    const SimPeer& there = network_.peer(initiator ? run->plan.responder : run->plan.initiator);
    never = false;
    if (!(own->path() == there.address()) || own->channel_count() == 0) may = false;
  }
  return may && !never;
}

void Workload::move(SessionRun& run, size_t which) {
  const MovePlan& plan = run.plan.moves[which];
  const int peer = plan.initiator ? run.plan.initiator : run.plan.responder;
  bool never = false;
  if (may_move(peer, never)) {
    network_.readdress(peer, plan.old_works);
    moves_++;
  } else if (!never) {
    network_.set_timer(network_.now() + kRetry, peer,
                       tag(Timer::kMove, run.index << 8 | static_cast<int>(which), 0));
  }
}

void Workload::both_move(SessionRun& run) {
  for (const int peer : {run.plan.initiator, run.plan.responder}) {
    network_.readdress(peer);
    for (int other = 0; other < network_.peer_count(); other++) {
      if (other != peer) network_.break_path(peer, other);
    }
  }
}

}  // namespace hawser::sim
