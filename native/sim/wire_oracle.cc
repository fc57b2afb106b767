#include "sim/wire_oracle.h"

#include <algorithm>
#include <bit>
#include <cinttypes>

#include "sim/network.h"
#include "wire/number.h"

namespace hawser::sim {

namespace {
// Of the endpoints in any plan (EndpointConfig::max_ack_delay).
constexpr transport::Duration kLongestAckDelay = 25 * transport::kMillisecond;
}  // namespace

using transport::Session;

void WireOracle::on_connect(uint64_t connection_id, int initiator, int responder) {
  (void)responder;
  Side& side = sides_[connection_id];
  side.peer = initiator;
  side.initiator = true;
  side.id = connection_id;
}

void WireOracle::on_packet(const SimPeer& from, const transport::Session& session) {
  const uint64_t ours = session.local_id().as_u64();
  const uint64_t theirs = session.remote_id().as_u64();
  Side& side = sides_[ours];
  if (side.other == theirs) return;
  side.peer = from.index();
  side.initiator = session.initiator();
  side.id = ours;
  side.other = theirs;
  Side& other = sides_[theirs];
  other.initiator = !session.initiator();
  other.id = theirs;
  other.other = ours;
  for (int i = 0; i < network_.peer_count(); i++) {
    if (network_.peer(i).id() == session.remote()) other.peer = i;
  }
}

WireOracle::Side* WireOracle::find(uint64_t id) {
  const auto found = sides_.find(id);
  return found == sides_.end() ? nullptr : &found->second;
}

int WireOracle::peer_of(const uint8_t* data, size_t length) {
  PacketView view;
  if (!view_packet(data, length, view) || view.type != wire::PacketType::kData) return -1;
  const Side* side = find(view.destination);
  return side == nullptr ? -1 : side->peer;
}

void WireOracle::watch(uint64_t connection_id, ChannelLedger* ledger) {
  Side* side = find(connection_id);
  if (side != nullptr && !side->initiator) side = find(side->other);
  if (side == nullptr) {
    network_.fail("a channel of a session that was never seen");
    return;
  }
  side->channels[ledger->id] = ledger;
}

ChannelLedger* WireOracle::ledger(Side& side, uint64_t channel, bool& opened_here) {
  Side* owner = side.initiator ? &side : find(side.other);
  if (owner == nullptr) return nullptr;
  const auto found = owner->channels.find(channel);
  // Odd ids are the initiator's.
  opened_here = side.initiator == ((channel & 1) != 0);
  return found == owner->channels.end() ? nullptr : found->second;
}

DirectionLedger* WireOracle::sending(Side& side, uint64_t channel) {
  bool opened_here = false;
  ChannelLedger* found = ledger(side, channel, opened_here);
  return found == nullptr ? nullptr : &found->direction[opened_here ? 0 : 1];
}

DirectionLedger* WireOracle::receiving(Side& side, uint64_t channel) {
  bool opened_here = false;
  ChannelLedger* found = ledger(side, channel, opened_here);
  return found == nullptr ? nullptr : &found->direction[opened_here ? 1 : 0];
}

void WireOracle::begin_train(bool refused) {
  train_refused_ = refused;
  train_side_ = 0;
  train_other_bytes_ = 0;
  train_has_data_ = false;
}

void WireOracle::end_train(SimPeer& from) {
  for (auto& [id, side] : sides_) {
    if (side.peer != from.index()) continue;
    Side* owner = side.initiator ? &side : find(side.other);
    if (owner == nullptr) continue;
    for (auto& [channel, ledger] : owner->channels) {
      DirectionLedger& direction =
          ledger->direction[side.initiator == ((channel & 1) != 0) ? 0 : 1];
      if (direction.sender != nullptr) direction.window_before = direction.sender->window();
    }
  }
  Side* side = find(train_side_);
  if (side == nullptr) return;
  const Session* session = from.session(side->id);
  if (session == nullptr) return;
  const transport::SessionCounters counters = session->counters();
  const bool probed = counters.probes_sent != side->probes;
  side->probes = counters.probes_sent;
  if (!train_has_data_ || probed) return;
  const uint64_t allowed = counters.congestion_window + counters.path_datagram + train_other_bytes_;
  if (counters.bytes_in_flight > allowed) {
    network_.fail("peer %d has %" PRIu64 " bytes in flight, congestion window %" PRIu64,
                  from.index(), counters.bytes_in_flight, counters.congestion_window);
  }
}

void WireOracle::on_handshake(SimPeer& from, const PacketView& view, const uint8_t* data,
                              size_t length) {
  if (view.type == wire::PacketType::kInit) {
    wire::InitHeader init;
    if (!wire::read_init_header(data, length, init)) {
      network_.fail("peer %d sent an INIT that cannot be read", from.index());
    }
    return;
  }
  if (view.type == wire::PacketType::kCookie) {
    wire::Cookie cookie;
    if (!wire::read_cookie(data, length, cookie)) {
      network_.fail("peer %d sent a COOKIE that cannot be read", from.index());
    }
    return;
  }
  wire::ResponseHeader response;
  const uint8_t* message = nullptr;
  size_t message_length = 0;
  if (!wire::read_response(data, length, response, message, message_length)) {
    network_.fail("peer %d sent a RESPONSE that cannot be read", from.index());
    return;
  }
  if (length > wire::kInitBytes) network_.fail("a RESPONSE is longer than an INIT");
}

void WireOracle::on_sent(SimPeer& from, int to, const uint8_t* data, size_t length) {
  PacketView view;
  if (!view_packet(data, length, view)) {
    network_.fail("peer %d sent what is not a packet", from.index());
    return;
  }
  if (view.type != wire::PacketType::kData) {
    on_handshake(from, view, data, length);
    return;
  }
  data_packets_++;
  const uint32_t longest = std::max(from.config().path_datagram, from.config().path_datagram_limit);
  if (length > longest) {
    network_.fail("peer %d sent %zu bytes, at most %u", from.index(), length, longest);
  }
  const uint32_t taken = network_.peer(to).config().max_datagram;
  if (length > taken) {
    network_.fail("peer %d sent %zu bytes, and peer %d takes %u", from.index(), length, to, taken);
  }
  Side* other = find(view.destination);
  if (other == nullptr || other->peer != to) {
    network_.fail("peer %d sent to a connection id that peer %d does not have", from.index(), to);
    return;
  }
  if (other->initiator) {
    // Its peer is whoever answered; the answer was noted when it was sent.
  } else if (Side* initiator = find(other->other); initiator != nullptr) {
    initiator->other = other->id;
  }
  Side* side = find(other->other);
  if (side == nullptr || side->peer != from.index()) {
    network_.fail("peer %d sent under a session that is not its own", from.index());
    return;
  }
  if (!side->any_sent) {
    side->any_sent = true;
    side->first_number = side->next_number = view.number32;
    if (view.number32 > wire::kMaxFirstPacketNumber) network_.fail("first packet number too large");
  }
  const uint64_t number = wire::expand32(side->next_number, view.number32);
  if (number < side->next_number) {
    network_.fail("peer %d used packet number %" PRIu64 " again", from.index(), number);
    return;
  }
  side->next_number = number + 1;
  note_carried(*side, view, number);
  train_side_ = side->id;
  bool has_data = false;
  const bool readable = each_frame(view, [&](const wire::Frame& frame) {
    if (frame.type() == wire::FrameType::kMessage || frame.type() == wire::FrameType::kFragment) {
      has_data = true;
    }
    check_frame(*side, frame);
  });
  if (!readable) network_.fail("peer %d sent frames that cannot be read", from.index());
  check_ack_due(*side);
  check_packing(*side, view);
  if (has_data) {
    train_has_data_ = true;
  } else {
    train_other_bytes_ += length;
  }
}

void WireOracle::check_frame(Side& side, const wire::Frame& frame) {
  if (train_refused_ && frame.type() == wire::FrameType::kAck) return;
  switch (frame.type()) {
    case wire::FrameType::kAck:
      check_ack(side, frame.ack);
      break;
    case wire::FrameType::kCount:
      check_count(side, frame.count);
      break;
    case wire::FrameType::kMessage:
      check_data(side, frame.message.channel, frame.message.sequence32, &frame.message, nullptr);
      break;
    case wire::FrameType::kFragment:
      check_data(side, frame.fragment.channel, frame.fragment.sequence32, nullptr, &frame.fragment);
      break;
    case wire::FrameType::kCredit:
      check_credit(side, frame.credit);
      break;
    case wire::FrameType::kSkip:
      check_skip(side, frame.skip);
      break;
    case wire::FrameType::kRequest:
      check_request(side, frame.request);
      break;
    case wire::FrameType::kEnd:
      check_end(side, frame.end);
      break;
    case wire::FrameType::kReset:
      check_reset(side, frame.reset);
      break;
    default:
      break;
  }
}

bool WireOracle::all_arrived(const Side& side, uint64_t first, uint64_t last) {
  for (uint64_t i = first; i <= last;) {
    if (i / 64 >= side.arrived.size()) return false;
    const uint64_t word = side.arrived[i / 64] >> (i % 64);
    const uint64_t run = std::min<uint64_t>(64 - i % 64, last - i + 1);
    if (static_cast<uint64_t>(std::countr_one(word)) < run) return false;
    i += run;
  }
  return true;
}

void WireOracle::check_ack(Side& side, const wire::Ack& ack) {
  check_ack_due(side);
  side.pending = 0;
  side.ack_asked = false;
  side.ack_due_at = transport::kNever;
  const Side* other = find(side.other);
  if (other == nullptr) return;
  for (uint32_t i = 0; i < ack.range_count; i++) {
    const wire::Range& range = ack.ranges[i];
    if (range.first < other->first_number || range.last >= other->next_number ||
        !all_arrived(side, range.first - other->first_number, range.last - other->first_number)) {
      network_.fail("peer %d acknowledges packets %" PRIu64 "-%" PRIu64 " that it did not get",
                    side.peer, range.first, range.last);
      return;
    }
  }
}

void WireOracle::raise_credit(Side& side, uint64_t channel, uint64_t limit) {
  DirectionLedger* direction = sending(side, channel);
  if (direction != nullptr) direction->credit = std::max(direction->credit, limit);
}

void WireOracle::on_delivered(SimPeer& to, const uint8_t* data, size_t length) {
  read_ = false;
  PacketView view;
  if (!view_packet(data, length, view) || view.type != wire::PacketType::kData) return;
  if (std::any_of(data + length - wire::kTagBytes, data + length,
                  [](uint8_t byte) { return byte != 0; })) {
    return;
  }
  Side* side = find(view.destination);
  if (side == nullptr || side->peer != to.index()) return;
  const Side* other = find(side->other);
  if (other == nullptr || !other->any_sent) return;
  const uint64_t number = wire::expand32(other->next_number, view.number32);
  if (number < other->first_number || number >= other->next_number) return;
  check_ack_due(*side);
  const uint64_t bit = number - other->first_number;
  // A copy of what came before is dropped unread, unless there was no memory to keep that.
  if (has_bit(side->arrived, bit) && !starved(*side)) return;
  set_bit(side->arrived, bit);
  each_frame(view, [&](const wire::Frame& frame) { note_delivered(*side, frame); });
  note_arrival(*side, view, number);
  read_ = true;
}

void WireOracle::note_delivered(Side& side, const wire::Frame& frame) {
  switch (frame.type()) {
    case wire::FrameType::kAck:
      note_acknowledged(side, frame.ack);
      break;
    case wire::FrameType::kAckPolicy:
      if (frame.ack_policy.generation >= side.policy_generation) {
        side.policy_generation = frame.ack_policy.generation;
        side.policy_packets = frame.ack_policy.packets;
        side.policy_delay = static_cast<transport::Duration>(frame.ack_policy.max_delay_us) *
                            transport::kMicrosecond;
      }
      break;
    case wire::FrameType::kCredit:
      raise_credit(side, frame.credit.channel, frame.credit.limit);
      break;
    case wire::FrameType::kOpen:
      raise_credit(side, frame.open.channel, frame.open.limit);
      break;
    case wire::FrameType::kAccept:
      raise_credit(side, frame.accept.channel, frame.accept.limit);
      break;
    case wire::FrameType::kCount:
      for (uint32_t i = 0; i < frame.count.entry_count; i++) {
        DirectionLedger* direction = sending(side, frame.count.entries[i].channel);
        if (direction == nullptr) continue;
        const uint64_t said =
            wire::expand32(direction->next_unsent, frame.count.entries[i].count32);
        direction->counted = std::max(direction->counted, said);
      }
      break;
    case wire::FrameType::kWindow:
      if (DirectionLedger* direction = receiving(side, frame.window.channel);
          direction != nullptr && frame.window.generation > direction->window_generation) {
        direction->window_generation = frame.window.generation;
        direction->ack_every_before = direction->ack_every;
        direction->ack_every = frame.window.messages_per_ack;
        if (direction->ack_timeout != 0) {
          direction->ack_timeout_before = direction->ack_timeout;
        } else {
          // What came before the first WINDOW is counted with the ACKs.
          direction->ack_timeout_before = kLongestAckDelay;
        }
        direction->ack_timeout =
            static_cast<transport::Duration>(frame.window.ack_after_us) * transport::kMicrosecond;
      }
      break;
    case wire::FrameType::kCountNow:
      if (DirectionLedger* direction = receiving(side, frame.count_now.channel)) {
        direction->count_called_for = true;
      }
      break;
    case wire::FrameType::kMessage:
    case wire::FrameType::kSkip:
    case wire::FrameType::kFragment: {
      uint64_t channel = frame.skip.channel;
      if (frame.type() == wire::FrameType::kMessage) channel = frame.message.channel;
      if (frame.type() == wire::FrameType::kFragment) channel = frame.fragment.channel;
      DirectionLedger* direction = receiving(side, channel);
      if (direction != nullptr && direction->receipt_at == 0) {
        direction->receipt_at = network_.now();
      }
      break;
    }
    default:
      break;
  }
}

}  // namespace hawser::sim
