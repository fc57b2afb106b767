// What the oracle asks of packets with messages, and of the counts of them.

#include <algorithm>
#include <cinttypes>

#include "sim/network.h"
#include "sim/wire_oracle.h"
#include "wire/number.h"

namespace hawser::sim {

void WireOracle::check_count(Side& side, const wire::Count& count) {
  for (uint32_t i = 0; i < count.entry_count; i++) {
    DirectionLedger* direction = receiving(side, count.entries[i].channel);
    if (direction == nullptr || direction->receiver == nullptr) continue;
    const uint64_t arrived = direction->receiver->inbound().expected() - 1;
    const uint64_t said = wire::expand32(arrived, count.entries[i].count32);
    if (said > arrived) {
      network_.fail("peer %d counts %" PRIu64 " messages on channel %" PRIu64 " and has %" PRIu64,
                    side.peer, said, count.entries[i].channel, arrived);
    }
    check_count_due(side, count.entries[i].channel, *direction);
    if (direction->receiver->peer_counted()) {
      check_counted(side, count.entries[i].channel, *direction, said);
    }
    direction->count_sent = said;
  }
}

void WireOracle::check_counted(const Side& side, uint64_t channel, DirectionLedger& direction,
                               uint64_t said) {
  const uint64_t before = std::max(direction.count_sent, direction.first_sequence - 1);
  const transport::Inbound& inbound = direction.receiver->inbound();
  const auto multiple_of = [&](uint32_t every) {
    return every != 0 && said > before && (said - before) % every == 0;
  };
  const bool by_number =
      multiple_of(direction.ack_every) || multiple_of(direction.ack_every_before);
  const bool by_time =
      direction.receipt_at != 0 && network_.now() - direction.receipt_at >= direction.ack_timeout;
  if (!by_number && !by_time && !direction.count_called_for && !inbound.complete()) {
    network_.fail("peer %d counts %" PRIu64 " on channel %" PRIu64 " after %" PRIu64
                  ", M %u, without need",
                  side.peer, said, channel, before, direction.ack_every);
  }
  direction.count_called_for = false;
  // What is in sequence and was not named starts T anew.
  direction.receipt_at = said + 1 < inbound.expected() ? network_.now() : 0;
}

// A message of a counted channel has its packet to itself.
void WireOracle::check_packing(Side& side, const PacketView& view) {
  uint64_t messages = 0;
  bool counted = false;
  each_frame(view, [&](const wire::Frame& frame) {
    uint64_t channel = 0;
    if (frame.type() == wire::FrameType::kMessage) {
      channel = frame.message.channel;
      messages += frame.message.count;
    } else if (frame.type() == wire::FrameType::kFragment) {
      channel = frame.fragment.channel;
      messages++;
    } else {
      return;
    }
    const DirectionLedger* direction = sending(side, channel);
    if (direction != nullptr && direction->config.counted) counted = true;
  });
  if (counted && messages > 1) {
    network_.fail("peer %d packs %" PRIu64 " messages with one of a counted channel", side.peer,
                  messages);
  }
}

void WireOracle::check_data(Side& side, uint64_t channel, uint32_t sequence32,
                            const wire::Message* message, const wire::Fragment* fragment) {
  DirectionLedger* direction = sending(side, channel);
  if (direction == nullptr) return;
  if (direction->sender_gone || direction->sender == nullptr) {
    network_.fail("peer %d sends data of channel %" PRIu64 " that is gone", side.peer, channel);
    return;
  }
  transport::Channel& core = *direction->sender;
  const uint64_t first = wire::expand32(direction->next_unsent, sequence32);
  const uint64_t last = first + (message == nullptr ? 1 : message->count) - 1;
  const uint64_t base = core.outbound().wire_number(core.base());
  if (first > direction->next_unsent) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " leaves before %" PRIu64, channel, first,
                  direction->next_unsent);
  }
  if (last >= direction->end()) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " was never pushed", channel, last);
    return;
  }
  // A packet that could not be kept for want of memory is not read to its end.
  const bool knows_count = !starved(side);
  if (first < base || (knows_count && first <= direction->counted)) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " is sent again, base %" PRIu64
                  ", counted %" PRIu64,
                  channel, first, base, direction->counted);
  }
  if (knows_count) check_repeats(side, channel, *direction, first, last, message != nullptr);
  if (direction->receiver != nullptr && base > direction->receiver->inbound().expected()) {
    network_.fail("channel %" PRIu64 ": base %" PRIu64 ", but the receiver waits for %" PRIu64,
                  channel, base, direction->receiver->inbound().expected());
  }
  if (fragment != nullptr && !direction->tagged && fragment->total != direction->length(first)) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " has a wrong length", channel, first);
  }
  if (last < direction->next_unsent) {
    const bool goes_on = fragment != nullptr && last + 1 == direction->next_unsent &&
                         fragment->offset == direction->fragment_end;
    if (goes_on) {
      direction->fragment_end += fragment->length;
    } else {
      direction->repeated_frames++;
    }
    return;
  }
  direction->fragment_end = fragment == nullptr ? UINT64_MAX : fragment->length;
  if (fragment != nullptr) {
    direction->cost_sent += wire::message_cost(fragment->total);
  } else {
    const uint8_t* p = message->data;
    for (uint64_t s = first; s <= last; s++) {
      const uint8_t* body = nullptr;
      size_t length = 0;
      p = wire::next_block(p, message->data + message->length, body, length);
      if (s >= direction->next_unsent) direction->cost_sent += wire::message_cost(length);
    }
  }
  direction->next_unsent = last + 1;
  if (direction->cost_sent > direction->credit) {
    network_.fail("channel %" PRIu64 ": cost %" PRIu64 " sent, credit %" PRIu64, channel,
                  direction->cost_sent, direction->credit);
  }
  if (last - base >= std::max(core.window(), direction->window_before)) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " sent, base %" PRIu64 ", N %u", channel,
                  last, base, core.window());
  }
}

}  // namespace hawser::sim
