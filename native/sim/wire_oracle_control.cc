// The part of WireOracle that judges what control frames say, and what is sent again.
#include <algorithm>
#include <cinttypes>

#include "sim/network.h"
#include "sim/wire_oracle.h"
#include "wire/limits.h"
#include "wire/number.h"

namespace hawser::sim {

using transport::Duration;

namespace {
// A missing message is asked for again at least so often.
constexpr Duration kLongestRequestPause = 2 * transport::kSecond;
}  // namespace

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
  // Without memory for a mark, messages live as long as their neighbours.
  const bool only_expires = direction->config.delivery <= wire::Delivery::kUnordered;
  if (!only_expires || direction->sender == nullptr || starved(side)) return;
  const uint64_t index = direction->sender->base() - direction->first_sequence;
  if (index >= direction->pushed_at.size()) return;
  const Duration lifetime = direction->config.expires_after;
  if (network_.now() - direction->pushed_at[index] < lifetime - lifetime / 32) {
    network_.fail("channel %" PRIu64 ": a message is given up after %.6f s, and may live %.6f s",
                  frame.channel,
                  static_cast<double>(network_.now() - direction->pushed_at[index]) / 1e9,
                  static_cast<double>(lifetime) / 1e9);
  }
}

void WireOracle::check_request(Side& side, const wire::Request& frame) {
  DirectionLedger* direction = receiving(side, frame.channel);
  if (direction == nullptr || direction->receiver == nullptr) return;
  transport::Channel& receiver = *direction->receiver;
  const transport::Inbound& inbound = receiver.inbound();
  const uint64_t threshold =
      receiver.peer_counted() ? receiver.session().reordering_threshold() : 1;
  const uint64_t frontier = inbound.frontier();
  for (uint32_t i = 0; i < frame.range_count; i++) {
    const uint64_t first = wire::expand32(inbound.expected(), frame.ranges[i].first32);
    const uint64_t end = first + frame.ranges[i].count;
    bool missing = false;
    inbound.each_gap(first, end, [&](uint64_t from, uint64_t until) {
      missing = from == first && until == end;
      return false;
    });
    // The first time, the newest may only be late.
    if (!missing || (direction->requested_at == 0 && end + threshold > frontier)) {
      network_.fail("peer %d asks for messages %" PRIu64 "-%" PRIu64 " of channel %" PRIu64
                    ", expected %" PRIu64 ", frontier %" PRIu64,
                    side.peer, first, end - 1, frame.channel, inbound.expected(), frontier);
      return;
    }
    bool goes_on = false;
    if (end + threshold < frontier && frame.ranges[i].count < wire::kMaxRequestRun) {
      inbound.each_gap(end, end + 1, [&](uint64_t, uint64_t) {
        goes_on = true;
        return false;
      });
    }
    if (goes_on) {
      network_.fail("peer %d asks for messages of channel %" PRIu64 " but not for %" PRIu64,
                    side.peer, frame.channel, end);
      return;
    }
  }
  direction->requested_at = network_.now();
  direction->expected_at_request = inbound.expected();
}

// A gap that was asked for and stays is asked for again.
void WireOracle::check_asks_again(const Side& side, uint64_t channel,
                                  const DirectionLedger& direction) {
  if (direction.requested_at == 0 || direction.sender_gone) return;
  transport::Channel& receiver = *direction.receiver;
  if (receiver.gone() || receiver.inbound().expected() != direction.expected_at_request ||
      !receiver.inbound().has_gap() || receiver.wants_control() || starved(side)) {
    return;
  }
  if (network_.now() - direction.requested_at > kLongestRequestPause + transport::kMillisecond) {
    network_.fail("peer %d has not asked for message %" PRIu64 " of channel %" PRIu64
                  " since %.6f s",
                  side.peer, direction.expected_at_request, channel,
                  static_cast<double>(direction.requested_at) / 1e9);
  }
}

void WireOracle::check_hint(Side& side, const wire::WindowHint& frame) {
  DirectionLedger* direction = sending(side, frame.channel);
  if (direction == nullptr || direction->sender == nullptr || direction->sender->gone() ||
      frame.generation <= direction->hint_generation || starved(side)) {
    return;
  }
  direction->hint_generation = frame.generation;
  const double told = static_cast<double>(frame.loss) / wire::kLossUnit;
  if (open_session(side) != nullptr && direction->sender->counters().advised_loss != told) {
    network_.fail("peer %d has not noted the loss that it was told for channel %" PRIu64, side.peer,
                  frame.channel);
  }
}

// Messages [first, last] leave; `whole`: not as a piece.
void WireOracle::check_repeats(const Side& side, uint64_t channel, const DirectionLedger& direction,
                               uint64_t first, uint64_t last, bool whole) {
  if (first < direction.skip_sent && !direction.config.resend_all) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " is sent, but SKIP gave up to %" PRIu64,
                  channel, first, direction.skip_sent);
  }
  transport::Channel& core = *direction.sender;
  const uint64_t oldest = core.base() - direction.first_sequence;
  const Duration lifetime = direction.config.expires_after;
  // In counted mode it may have arrived, and only no COUNT said so yet.
  if (!direction.config.counted && oldest < direction.pushed_at.size() &&
      core.outbound().skip_target() <= core.base() &&
      network_.now() - direction.pushed_at[oldest] >
          lifetime + lifetime / 32 + transport::kMillisecond) {
    network_.fail("channel %" PRIu64 ": the oldest message has not expired after %.6f s", channel,
                  static_cast<double>(network_.now() - direction.pushed_at[oldest]) / 1e9);
  }
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
