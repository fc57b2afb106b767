// What goes into one packet of a session, and the record of it: numbers, control frames,
// acknowledgements, messages, in that order. Nothing here asks whether one may be sent
// (session_transmit.cc).

#include <algorithm>

#include "transport/endpoint.h"
#include "transport/packet_tap.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {

// When memory ran out, the next try comes after this.
constexpr Duration kRetryPause = 10 * kMillisecond;
// A packet that lacks less than this of a full one, and is followed by more, is padded, so that the
// train goes on in equal pieces.
constexpr size_t kMostPadding = 128;

// A side that only receives asks now and then for an acknowledgement of its ACKs, so that they need
// not repeat old ranges for ever (RFC 9000, section 13.2.4).
constexpr size_t kManyRanges = 4;
constexpr uint32_t kUnansweredAcks = 16;

}  // namespace

uint64_t Session::take_number() {
  if (next_number_ >= skip_at_) {
    next_number_++;
    plan_skip();
  }
  return next_number_++;
}

void Session::plan_skip() {
  const uint64_t every = endpoint_.config().skip_every;
  if (every == 0) return;
  skip_at_ = next_number_ + every / 2 + runtime_.random().next() % (every + 1);
}

void Session::try_later(Time now) { retry_at_ = now + kRetryPause; }

bool Session::make_record(Time now, bool urgent) {
  if (loss_.reserve_one(now) || (urgent && displace_oldest(now))) return true;
  try_later(now);
  return false;
}

bool Session::record(Time now, const SentPacket& packet) {
  if (loss_.on_sent(packet)) return true;
  // Otherwise there would be more and more numbers left out to record.
  next_number_ = loss_.next_number();
  try_later(now);
  return false;
}

size_t Session::build_packet(Time now, uint8_t* out, size_t capacity, bool allowed, bool probe) {
  // Before anything is taken from the channels: what a packet carries must not be forgotten. Both
  // sides may have no memory until the other one acknowledges: ACKs and probes go in any case.
  const bool ack_due = now >= ack_deadline() || acks_.ack_due(now);
  if (!make_record(now, probe || (ack_due && acks_.range_count() != 0))) return 0;
  // ACK, COUNT and PING leave no reference.
  if (!refs_.reserve(refs_.size() + kFewRefs)) try_later(now);
  const size_t most_refs = std::min(kMaxRefs, refs_.capacity() - refs_.size());
  FrameRef refs[kMaxRefs];
  size_t ref_count = 0;
  uint8_t* const frames = out + wire::kHeaderBytes;
  uint8_t* const end = out + capacity - wire::kTagBytes;
  has_ack_in_packet_ = false;

  uint8_t* p = frames;
  if (allowed) {
    p = write_session_control(p, end, refs, ref_count, most_refs);
    p = write_channel_control(now, p, end, refs, ref_count, most_refs);
  }
  const bool data = allowed && !active_.empty() && ref_count < most_refs;
  bool eliciting = p != frames;
  // Control frames that their channel repeats by itself need no probe.
  bool control_prompt = false;
  for (size_t i = 0; i < ref_count; i++) {
    const bool repeated = refs[i].kind == FrameRef::kRequest ||
                          (refs[i].kind == FrameRef::kCountNow && refs[i].again);
    if (!repeated) control_prompt = true;
  }
  if (ack_due || (acks_.pending() && (eliciting || data))) {
    p = write_acks(now, p, end);
  }
  bool wrote_data = false;
  bool counted = false;
  if (data) {
    // One byte is kept for ACK_NOW.
    uint8_t* after = write_channel_data(now, p, end - 1, refs, ref_count, most_refs, counted);
    wrote_data = after != p;
    p = after;
  }
  // What is acknowledged when the receiver's count is due, and not before.
  eliciting = eliciting || wrote_data;
  bool deferred = eliciting && !control_prompt && (!wrote_data || counted);
  // Without an ACK of packets, a counted channel would wait for T where the congestion window is
  // smaller than M messages.
  const auto bytes = static_cast<size_t>(p - out) + wire::kTagBytes;
  const bool held_up = counted && !active_.empty() &&
                       loss_.bytes_in_flight() + bytes + capacity > path_.congestion.window();
  if ((wrote_data && !counted && active_.empty()) || held_up || probe) {
    if (uint8_t* after = wire::write(p, end, wire::AckNow{}); after != nullptr) {
      p = after;
      eliciting = true;
      deferred = false;
    }
  }
  if (has_ack_in_packet_ && (!eliciting || deferred) && acks_.range_count() >= kManyRanges &&
      ++unanswered_acks_ >= kUnansweredAcks) {
    ping_wanted_ = true;
  }
  if ((eliciting && !deferred) || ping_wanted_) unanswered_acks_ = 0;
  if (ping_wanted_) {
    if (eliciting && !deferred) {
      ping_wanted_ = false;
    } else if (uint8_t* after = wire::write(p, end, wire::Ping{}); after != nullptr) {
      p = after;
      eliciting = true;
      deferred = false;
      ping_wanted_ = false;
    }
  }
  if (p == frames) return 0;
  // Long enough to be answered with a PATH_CHALLENGE, should our address have changed, and with a
  // stateless reset, should the peer have forgotten us.
  if (eliciting && p < frames + PathValidation::kFrameBytes) {
    p = wire::write_padding(p, end, static_cast<size_t>(frames + PathValidation::kFrameBytes - p));
  }
  const auto left = static_cast<size_t>(end - p);
  if (wrote_data && !active_.empty() && left != 0 && left <= kMostPadding) {
    p = wire::write_padding(p, end, left);
  }

  const uint64_t number = take_number();
  const auto content = static_cast<size_t>(p - frames);
  SentPacket packet;
  packet.number = number;
  packet.sent_at = now;
  packet.bytes = static_cast<uint32_t>(content + wire::kPacketOverhead);
  packet.ack_eliciting = eliciting;
  packet.deferred = deferred;
  packet.in_flight_counted = eliciting;
  packet.app_limited = active_.empty();
  packet.has_ack = has_ack_in_packet_;
  packet.largest_acked_in_ack = ack_in_packet_;
  packet.path = path_.number;
  packet.frame_first = refs_.end();
  packet.frame_count = static_cast<uint32_t>(ref_count);
  const bool waiting = loss_.probe_pending();
  if (!record(now, packet)) {
    bool kept = true;
    for (size_t i = 0; i < ref_count; i++) kept = frame_lost(refs[i]) && kept;
    if (!kept) protocol_error(now, wire::Code::kOutOfMemory, "out of memory");
    if (has_ack_in_packet_) acks_.request_now();
    return 0;
  }
  for (size_t i = 0; i < ref_count; i++) (void)refs_.push_back(refs[i]);  // room was reserved
  wire::write_data_header(out, wire::DataHeader{remote_id_, wire::truncate32(number)});
  if (PacketTap* tap = runtime_.tap()) tap->on_packet(*this, number, frames, content);
  if (eliciting) {
    // What is deferred is answered when its receiver's count is due, which may be late.
    // What is repeated has been waited for all the time.
    const bool repeats =
        std::any_of(refs, refs + ref_count, [](const FrameRef& ref) { return ref.again; });
    if (!waiting && !repeats) unanswered_.since = kNever;
    if (ref_count != 0 && !deferred) unanswered_.wait(now);
    path_.congestion.on_sent(now, packet.bytes, loss_.bytes_in_flight(), number);
    path_.pacer.on_sent(now, packet.bytes);
  }
  parked_ = false;
  last_activity_ = now;
  if (wrote_data) last_data_at_ = now;
  totals_.packets_sent++;
  totals_.bytes_sent += packet.bytes;
  return packet.bytes;
}

uint8_t* Session::write_session_control(uint8_t* out, uint8_t* end, FrameRef* refs,
                                        size_t& ref_count, size_t most_refs) {
  if (keys_.crypto_wanted && ref_count < most_refs) {
    const uint32_t step = initiator_ ? 1 : 2;
    uint8_t* after = wire::write(out, end,
                                 wire::Crypto{keys_.generation, step, keys_.handshake->message(),
                                              keys_.handshake->message_length()});
    if (after != nullptr) {
      keys_.crypto_wanted = false;
      refs[ref_count++] = FrameRef{0, keys_.generation, 0, FrameRef::kCrypto};
      out = after;
    }
  }
  if (policy_wanted_ && ref_count < most_refs) {
    const auto delay = static_cast<uint32_t>(peer_policy_.max_delay / kMicrosecond);
    uint8_t* after = wire::write(out, end,
                                 wire::AckPolicy{peer_policy_.generation, peer_policy_.packets,
                                                 delay, peer_policy_.reordering_threshold});
    if (after != nullptr) {
      policy_wanted_ = false;
      refs[ref_count++] = FrameRef{0, peer_policy_.generation, 0, FrameRef::kAckPolicy};
      out = after;
    }
  }
  if (max_channels_wanted_ && ref_count < most_refs) {
    const uint64_t limit = limits_.remote_gone + endpoint_.config().max_channels;
    uint8_t* after = wire::write(out, end, wire::MaxChannels{limit});
    if (after != nullptr) {
      max_channels_wanted_ = false;
      limits_.told = limit;
      refs[ref_count++] = FrameRef{0, limit, 0, FrameRef::kMaxChannels};
      out = after;
    }
  }
  return out;
}

uint8_t* Session::write_channel_control(Time now, uint8_t* out, uint8_t* end, FrameRef* refs,
                                        size_t& ref_count, size_t most_refs) {
  while (Channel* channel = control_.front()) {
    out = channel->write_control(now, out, end, refs, ref_count, most_refs);
    if (channel->wants_control()) break;  // the packet is full
    control_.remove(channel);
  }
  return out;
}

uint8_t* Session::write_channel_data(Time now, uint8_t* out, uint8_t* end, FrameRef* refs,
                                     size_t& ref_count, size_t most_refs, bool& counted) {
  uint8_t* const begin = out;
  while (Channel* channel = active_.front()) {
    if (ref_count == most_refs) break;
    // A message of a counted channel has its packet to itself.
    if (channel->counted() && out != begin) break;
    channel->adapt(now, path_.congestion.window());
    FrameRef ref{};
    uint8_t* after = channel->write_data(now, out, end, ref);
    const bool stuck = after == out;
    if (!stuck) {
      refs[ref_count++] = ref;
      active_.charge(channel, static_cast<size_t>(after - out));
      counted = channel->counted();
    }
    out = after;
    if (!channel->wants_data()) {
      active_.remove(channel);
      if (counted) break;
    } else if (stuck || counted) {
      break;  // no room for more of it in this packet
    }
  }
  return out;
}

// Why the ACK that is being written is written.
AckCause Session::ack_cause(Time now) const {
  const AckCause cause = acks_.cause(now);
  const bool timeout = !counts_.empty() && now >= count_deadline_;
  return cause == AckCause::kCarried && timeout ? AckCause::kTimeout : cause;
}

uint8_t* Session::write_acks(Time now, uint8_t* out, uint8_t* end) {
  if (acks_.range_count() == 0) return out;
  wire::Ack ack;
  ack.delay_us = static_cast<uint64_t>(std::max<Duration>(now - acks_.largest_received_time(), 0) /
                                       kMicrosecond);
  ack.range_count =
      static_cast<uint32_t>(std::min<size_t>(acks_.range_count(), wire::kMaxAckRanges));
  for (uint32_t i = 0; i < ack.range_count; i++) {
    const Interval range = acks_.range(i);
    ack.ranges[i] = wire::Range{range.begin, range.end - 1};
  }
  uint8_t* after = wire::write(out, end, ack);
  // The newest ranges matter most.
  while (after == nullptr && ack.range_count > 1) {
    ack.range_count /= 2;
    after = wire::write(out, end, ack);
  }
  if (after == nullptr) return out;
  out = after;
  has_ack_in_packet_ = true;
  ack_in_packet_ = ack.largest();
  const AckCause cause = ack_cause(now);
  acks_.on_ack_sent(now);
  totals_.acks_sent++;

  wire::Count count;
  count.entry_count = 0;
  for (Channel* c = counts_.front(); c != nullptr && count.entry_count < wire::kMaxCountEntries;
       c = counts_.next(c)) {
    count.entries[count.entry_count++] =
        wire::CountEntry{c->id(), wire::truncate32(c->count_to_send())};
  }
  while (count.entry_count != 0) {
    after = wire::write(out, end, count);
    if (after != nullptr) break;
    count.entry_count /= 2;
  }
  for (uint32_t i = 0; i < count.entry_count; i++) {
    counts_.pop_front()->on_count_sent(now, cause);
    out = after;
  }
  if (counts_.empty()) count_deadline_ = kNever;
  return out;
}

}  // namespace hawser::transport
