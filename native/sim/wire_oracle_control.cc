// The part of WireOracle that judges what control frames say, and what is sent again.
#include <algorithm>
#include <cinttypes>

#include "sim/network.h"
#include "sim/wire_oracle.h"
#include "wire/limits.h"
#include "wire/number.h"

namespace hawser::sim {

void WireOracle::check_end(Side& side, const wire::End& frame) {
  DirectionLedger* direction = sending(side, frame.channel);
  if (direction == nullptr) return;
  direction->end_sent = true;
  if (frame.final_sequence + 1 != direction->next_unsent) {
    network_.fail("channel %" PRIu64 ": END after %" PRIu64 ", but %" PRIu64 " was sent",
                  frame.channel, frame.final_sequence, direction->next_unsent - 1);
  }
}

void WireOracle::check_reset(Side& side, const wire::Reset& frame) {
  const DirectionLedger* direction = sending(side, frame.channel);
  if (direction == nullptr) return;
  if (frame.final_sequence + 1 != direction->next_unsent ||
      frame.final_cost != direction->cost_sent) {
    network_.fail("channel %" PRIu64 ": RESET after %" PRIu64 ", cost %" PRIu64 ", but %" PRIu64
                  ", cost %" PRIu64 ", was sent",
                  frame.channel, frame.final_sequence, frame.final_cost, direction->next_unsent - 1,
                  direction->cost_sent);
  }
}

void WireOracle::check_credit(Side& side, const wire::Credit& frame) {
  const DirectionLedger* direction = receiving(side, frame.channel);
  if (direction == nullptr || direction->receiver == nullptr) return;
  const transport::EndpointConfig& config = network_.peer(side.peer).config();
  const uint64_t window = direction->receiver->inbound().window();
  if (window > std::max<uint64_t>({config.max_credit, config.initial_credit,
                                   wire::message_cost(direction->largest_taken)})) {
    network_.fail("channel %" PRIu64 ": a window of %" PRIu64 " bytes", frame.channel, window);
  }
  // Where messages may be left out it is not known what was consumed, but not more than was sent.
  const uint64_t consumed = direction->tagged ? direction->cost_sent : direction->cost_consumed;
  if (frame.limit > consumed + window) {
    network_.fail("channel %" PRIu64 ": credit %" PRIu64 ", but %" PRIu64
                  " was consumed, window %" PRIu64,
                  frame.channel, frame.limit, consumed, window);
  }
}

void WireOracle::check_skip(Side& side, const wire::Skip& frame) {
  DirectionLedger* direction = sending(side, frame.channel);
  if (direction == nullptr) return;
  const uint64_t next = wire::expand32(direction->next_unsent, frame.next32);
  if (next > direction->next_unsent) {
    network_.fail("channel %" PRIu64 ": SKIP to %" PRIu64 ", but %" PRIu64 " was sent",
                  frame.channel, next, direction->next_unsent - 1);
  }
  if (frame.cost > direction->cost_sent) {
    network_.fail("channel %" PRIu64 ": SKIP of cost %" PRIu64 ", but %" PRIu64 " was sent",
                  frame.channel, frame.cost, direction->cost_sent);
  }
  direction->skip_sent = std::max(direction->skip_sent, next);
}

// Messages [first, last] leave; `whole`: not as a piece.
void WireOracle::check_repeats(const Side& side, uint64_t channel, const DirectionLedger& direction,
                               uint64_t first, uint64_t last, bool whole) {
  if (first < direction.skip_sent && !direction.config.resend_all) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " is sent, but SKIP gave up to %" PRIu64,
                  channel, first, direction.skip_sent);
  }
  transport::Channel& core = *direction.sender;
  const uint64_t base = core.outbound().wire_number(core.base());
  if (direction.config.counted && !direction.tagged && !direction.end_sent &&
      base > std::max(direction.counted + 1, direction.first_sequence)) {
    network_.fail("channel %" PRIu64 ": base %" PRIu64 ", but counted is %" PRIu64, channel, base,
                  direction.counted);
  }
  if (!whole || direction.config.resend_all) return;
  for (uint64_t s = first; s <= last; s++) {
    if (!has_bit(direction.acknowledged, s - direction.first_sequence)) continue;
    network_.fail("peer %d: channel %" PRIu64 ": message %" PRIu64
                  " is sent again, but was acknowledged",
                  side.peer, channel, s);
    return;
  }
}

}  // namespace hawser::sim
