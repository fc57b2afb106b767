// The part of WireOracle that judges when acknowledgements come, and what becomes of them.
#include <algorithm>
#include <cinttypes>

#include "sim/network.h"
#include "sim/wire_oracle.h"
#include "transport/loss_detector.h"
#include "wire/endian.h"
#include "wire/number.h"

namespace hawser::sim {

using transport::Duration;
using transport::kMillisecond;
using transport::kNever;
using transport::Time;

namespace {
// Timers may be this late.
constexpr Duration kSlack = kMillisecond;
// Of older packets the receiver may have forgotten the range.
constexpr uint64_t kOldestCounted = 64;
}  // namespace

// Memory or keys failed here: what was not kept is no receipt.
bool WireOracle::starved(const Side& side) const {
  SimPeer& peer = network_.peer(side.peer);
  if (side.unopened || peer.memory().refused() != 0) return true;
  return peer.alive() &&
         (peer.endpoint().memory().refused() != 0 || peer.endpoint().counters().no_memory != 0);
}

void WireOracle::on_unopened(SimPeer& to, const uint8_t* data, size_t length) {
  PacketView view;
  if (!read_ || !view_packet(data, length, view)) return;
  read_ = false;
  Side* side = find(view.destination);
  if (side == nullptr || side->peer != to.index()) return;
  if (wire::expand32(side->largest_arrived, view.number32) < side->largest_arrived) {
    side->unopened = true;
  }
}

const transport::Session* WireOracle::open_session(const Side& side) const {
  const SimPeer& peer = network_.peer(side.peer);
  const transport::Session* session = peer.alive() ? peer.session(side.id) : nullptr;
  return session != nullptr && session->open() ? session : nullptr;
}

void WireOracle::check_ack_due(Side& side) {
  if (side.pending == 0 || network_.now() <= side.ack_due_at) return;
  if (side.ack_due_at != kNever && network_.now() - side.ack_due_at > kSlack &&
      open_session(side) != nullptr && !starved(side)) {
    network_.fail("peer %d: an ACK of %" PRIu64 " packets was due at %.6f s", side.peer,
                  side.pending, static_cast<double>(side.ack_due_at) / 1e9);
  }
}

// A packet has come for the first time.
void WireOracle::note_arrival(Side& side, const PacketView& view, uint64_t number) {
  side.largest_arrived = std::max(side.largest_arrived, number);
  if (number + kOldestCounted < side.largest_arrived) return;
  bool prompt = false;
  each_frame(view, [&](const wire::Frame& frame) {
    uint64_t channel = 0;
    if (frame.type() == wire::FrameType::kMessage) channel = frame.message.channel;
    if (frame.type() == wire::FrameType::kFragment) channel = frame.fragment.channel;
    if (frame.type() == wire::FrameType::kAckNow) side.ack_asked = true;
    if (channel != 0) {
      const DirectionLedger* direction = receiving(side, channel);
      if (direction != nullptr && !direction->config.counted) prompt = true;
    } else if (wire::is_ack_eliciting(frame.type())) {
      prompt = true;
    }
  });
  if (!prompt) return;
  const Time now = network_.now();
  if (side.pending == 0) side.pending_since = now;
  side.pending++;
  const SimPeer& peer = network_.peer(side.peer);
  const Duration delay =
      side.policy_generation == 0 ? peer.config().max_ack_delay : side.policy_delay;
  const bool at_once = side.ack_asked || side.pending >= side.policy_packets;
  side.ack_due_at = at_once ? now : std::max(now, side.pending_since + delay);
}

void WireOracle::note_carried(Side& side, const PacketView& view, uint64_t number) {
  each_frame(view, [&](const wire::Frame& frame) {
    if (frame.type() != wire::FrameType::kMessage) return;
    const DirectionLedger* direction = sending(side, frame.message.channel);
    if (direction == nullptr) return;
    const uint64_t first = wire::expand32(direction->next_unsent, frame.message.sequence32);
    side.newest = std::max(side.newest, number);
    side.carried[number].push_back(
        Carried{frame.message.channel, first, first + frame.message.count - 1, network_.now()});
  });
}

// What `side` has sent was acknowledged.
void WireOracle::note_acknowledged(Side& side, const wire::Ack& ack) {
  const transport::Session* session = open_session(side);
  if (session == nullptr || starved(side)) return;
  const Time newest = network_.now() - session->round_trip();
  for (uint32_t i = 0; i < ack.range_count; i++) {
    for (uint64_t number = ack.ranges[i].first; number <= ack.ranges[i].last; number++) {
      const auto found = side.carried.find(number);
      if (found == side.carried.end()) continue;
      for (const Carried& run : found->second) {
        DirectionLedger* direction = sending(side, run.channel);
        // What was lost long ago, or many packets ago, may be forgotten, and then its
        // acknowledgement says nothing.
        const bool forgotten =
            run.at < newest || number + transport::LossDetector::kKeptRecords < side.newest;
        if (direction == nullptr || forgotten) continue;
        for (uint64_t s = run.first; s <= run.last; s++) {
          set_bit(direction->acknowledged, s - direction->first_sequence);
        }
      }
      side.carried.erase(found);
    }
  }
}

void WireOracle::check_count_due(const Side& side, uint64_t channel, DirectionLedger& direction) {
  const Time now = network_.now();
  // A channel that was refused a COUNT for want of memory sends it later.
  if (!starved(side)) {
    const Time since =
        direction.receiver->peer_counted() ? direction.receipt_at : direction.sequence_at;
    const transport::Duration most = std::max(direction.ack_timeout, direction.ack_timeout_before);
    if (since != 0 && direction.ack_timeout != 0 && now - since > most + kSlack) {
      network_.fail("peer %d counts on channel %" PRIu64 " %.6f s after a receipt, T is %.6f s",
                    side.peer, channel, static_cast<double>(now - since) / 1e9,
                    static_cast<double>(direction.ack_timeout) / 1e9);
    }
    if (direction.count_due_at != 0 && now - direction.count_due_at > kSlack) {
      network_.fail("peer %d counts on channel %" PRIu64 ", M %u was reached at %.6f s", side.peer,
                    channel, direction.ack_every,
                    static_cast<double>(direction.count_due_at) / 1e9);
    }
  }
  direction.sequence_at = 0;
  direction.count_due_at = 0;
  direction.ack_timeout_before = 0;
}

void WireOracle::on_foreign(const uint8_t* data, size_t length) {
  PacketView view;
  if (!view_packet(data, length, view)) return;
  const Side* other = find(view.destination);
  Side* side = other == nullptr ? nullptr : find(other->other);
  if (side == nullptr || !side->any_sent) return;
  side->next_number = wire::expand32(side->next_number, view.number32) + 1;
}

void WireOracle::after_delivered(SimPeer& to, const uint8_t* data, size_t length) {
  PacketView view;
  if (!read_ || !view_packet(data, length, view)) return;
  Side* side = find(view.destination);
  if (side != nullptr && side->peer == to.index()) note_progress(*side, view);
}

// Messages of a direction in which some may be left out: those that the receiver has taken whole.
void WireOracle::note_taken(Side& side, const PacketView& view) {
  each_frame(view, [&](const wire::Frame& frame) {
    if (frame.type() != wire::FrameType::kMessage) return;
    const uint64_t channel = frame.message.channel;
    DirectionLedger* direction = receiving(side, channel);
    if (direction == nullptr || direction->receiver == nullptr || !direction->tagged) return;
    uint64_t in_packet = 0;
    bool pieces = false;
    each_frame(view, [&](const wire::Frame& other) {
      if (other.type() == wire::FrameType::kMessage && other.message.channel == channel) {
        in_packet += other.message.count;
      }
      if (other.type() == wire::FrameType::kFragment) pieces = true;
    });
    // Some were here already, or were refused: which ones is not known.
    const uint64_t received = direction->receiver->inbound().received_messages();
    if (pieces || received - direction->received != in_packet) return;
    const uint8_t* p = frame.message.data;
    for (uint32_t i = 0; i < frame.message.count; i++) {
      const uint8_t* body = nullptr;
      size_t size = 0;
      p = wire::next_block(p, frame.message.data + frame.message.length, body, size);
      if (size >= kTagBytes) {
        set_bit(direction->arrived, wire::load_u64(body) - direction->first_sequence);
      }
    }
  });
}

// What the packet that was read has done to the channels that it names.
void WireOracle::note_progress(Side& side, const PacketView& view) {
  note_taken(side, view);
  each_frame(view, [&](const wire::Frame& frame) {
    uint64_t channel = 0;
    if (frame.type() == wire::FrameType::kWindowHint) check_hint(side, frame.window_hint);
    if (frame.type() == wire::FrameType::kMessage) channel = frame.message.channel;
    if (frame.type() == wire::FrameType::kFragment) channel = frame.fragment.channel;
    if (frame.type() == wire::FrameType::kSkip) channel = frame.skip.channel;
    if (channel == 0) return;
    DirectionLedger* direction = receiving(side, channel);
    if (direction == nullptr || direction->receiver == nullptr) return;
    direction->received = direction->receiver->inbound().received_messages();
    const uint64_t expected = direction->receiver->inbound().expected();
    const bool moved = expected > std::max(direction->expected, direction->first_sequence);
    direction->expected = expected;
    check_asks_again(side, channel, *direction);
    if (!moved || direction->receiver->peer_counted() || direction->receiver->gone()) return;
    if (direction->sequence_at == 0) direction->sequence_at = network_.now();
    const uint64_t counted = std::max(direction->count_sent, direction->first_sequence - 1);
    if (direction->ack_every != 0 && direction->count_due_at == 0 &&
        expected - 1 - counted >= direction->ack_every) {
      direction->count_due_at = network_.now();
    }
  });
}

}  // namespace hawser::sim
