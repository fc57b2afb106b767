// When a session sends, and how much at once: trains of packets (session_packet.cc), CLOSE, and the
// pace and ACK policy that follow from the path.

#include <algorithm>

#include "transport/endpoint.h"
#include "transport/packet_tap.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {

// Packets that are sealed together at most.
constexpr size_t kMaxSegments = 64;

// The ACK policy the peer is given: about eight acknowledgements a congestion window.
constexpr uint64_t kAcksPerWindow = 8;
constexpr uint32_t kFewestPackets = 2;
constexpr uint32_t kMostPackets = 64;
constexpr Duration kShortestAckDelay = kMillisecond;
constexpr Duration kLongestAckDelay = 25 * kMillisecond;

// Most that a CLOSE frame takes: type, code and length are varints.
size_t close_bytes(const wire::Close& frame) { return 1 + 8 + 2 + frame.reason_length; }

}  // namespace

bool Session::transmit(Time now, Train& train) {
  train.from = &endpoint_;
  train.to = path_.address;
  train.length = 0;
  train.segments = 0;
  train.segment_size = 0;
  train.has_packets = false;
  switch (state_) {
    case State::kConnecting:
    case State::kHalfOpen:
      return transmit_handshake(now, train);
    case State::kOpen:
      if (charge_keys()) return transmit_packets(now, train);
      // It was parked, and cannot seal now.
      runtime_.not_ready(this);
      try_later(now);
      rearm(now);
      return false;
    case State::kClosing:
      // A session that ends gives back more than this: it says so in any case.
      (void)charge_keys();
      return transmit_close(now, train);
    case State::kDraining:
    case State::kGone:
      break;
  }
  runtime_.not_ready(this);
  return false;
}

bool Session::transmit_close(Time now, Train& train) {
  runtime_.not_ready(this);
  if (!closing_.wanted) return false;
  closing_.wanted = false;
  // Nobody acknowledges a CLOSE, so it is said a few times in case one is lost.
  closing_.next = now + loss_.pto(path_.rtt, peer_max_ack_delay());
  uint8_t* out = train.buffer;
  uint8_t* end = out + std::min<size_t>(train.capacity, path_.datagram());
  wire::Close frame;
  frame.code = static_cast<uint64_t>(reason_.code());
  frame.reason = reinterpret_cast<const uint8_t*>(reason_.text());
  frame.reason_length = reason_.length();
  uint8_t* frames = out + wire::kHeaderBytes;
  // What arrived last may not have been acknowledged yet, or in a packet that was lost: without
  // this, a peer whose messages are all here would take them for lost.
  uint8_t* after = write_acks(now, frames, end - wire::kTagBytes - close_bytes(frame));
  after = wire::write(after, end - wire::kTagBytes, frame);
  if (after == nullptr) return false;
  const uint64_t number = take_number();
  wire::write_data_header(out, wire::DataHeader{remote_id_, wire::truncate32(number)});
  const auto content = static_cast<size_t>(after - frames);
  if (PacketTap* tap = runtime_.tap()) tap->on_packet(*this, number, frames, content);
  train.length = static_cast<size_t>(after - out) + wire::kTagBytes;
  if (!seal(now, out, train.length, train.length, &number)) return false;
  train.segments = 1;
  train.segment_size = train.length;
  totals_.packets_sent++;
  totals_.bytes_sent += train.length;
  rearm(now);
  return true;
}

bool Session::transmit_packets(Time now, Train& train) {
  if (transmit_path(now, train)) return true;
  if (state_ != State::kOpen) return false;
  // First, because behind messages there may never be its turn; there is not one in each train.
  if (transmit_mtu_probe(now, train)) return true;
  if (state_ != State::kOpen) return false;
  const size_t size = std::min<size_t>(path_.datagram(), remote_parameters_.max_datagram);
  if (probes_ != 0) prepare_probe();
  if (may_change_keys() && (keys_.epoch_wanted || keys_.protection->update_due())) begin_epoch(now);
  uint64_t numbers[kMaxSegments];
  numbers[0] = 0;
  const size_t most = std::min(train.max_segments, kMaxSegments);
  while (train.segments < most && train.length + size <= train.capacity) {
    const bool probe = probes_ != 0;
    const bool allowed = probe || (congestion_allows(size) && path_.pacer.budget(now) >= size);
    // Should the path not carry long packets any more, a short one gets through.
    const bool brief = brief_ || (probe && (probes_ == 1 || loss_.pto_count() > 1));
    const size_t room = brief ? std::min(size, path_.mtu.base()) : size;
    const size_t built = build_packet(now, train.buffer + train.length, room, allowed, probe);
    if (built == 0) break;
    brief_ = false;
    numbers[train.segments] = next_number_ - 1;
    if (probe) {
      probes_--;
      totals_.probes_sent++;
    }
    if (train.segments == 0) train.segment_size = built;
    train.length += built;
    train.segments++;
    // A shorter packet ends a train, and nothing longer may follow it.
    if (built < size) break;
  }
  // No memory to note what was lost: it closes, and what was built is not sent.
  if (state_ != State::kOpen) return transmit(now, train);
  train.has_packets = train.segments != 0;
  train.session = local_id_;
  train.first_number = numbers[0];
  if (train.segments != 0 && !seal(now, train.buffer, train.length, train.segment_size, numbers)) {
    return false;
  }
  if (active_.empty() && congestion_allows(size)) loss_.note_app_limited();
  // To the back of the queue: other sessions have their turn.
  runtime_.not_ready(this);
  if (train.segments != 0) {
    const bool more = (!active_.empty() || has_control()) && congestion_allows(size) &&
                      path_.pacer.budget(now) >= size;
    if (more || ping_wanted_ || probes_ != 0 || acks_.ack_due(now) || mtu_probe_due(now) != 0) {
      runtime_.make_ready(this);
    }
  }
  rearm(now);
  return train.segments != 0;
}

bool Session::has_control() const {
  return !control_.empty() || policy_wanted_ || max_channels_wanted_ || keys_.crypto_wanted;
}

bool Session::congestion_allows(size_t bytes) const {
  return loss_.bytes_in_flight() + bytes <= path_.congestion.window();
}

// A probe repeats the oldest messages in flight, so that one which arrives also repairs.
void Session::prepare_probe() {
  // Without memory the probe is a PING.
  if (const SentPacket* oldest = loss_.oldest_to_probe()) (void)repeat_frames(*oldest);
}

void Session::update_rates(Time /*now*/) {
  path_.pacer.set_rate(path_.congestion.pacing_rate(path_.rtt), path_.datagram());
  update_policy();
}

void Session::update_policy() {
  const uint64_t packets = path_.congestion.window() / path_.datagram();
  const auto wanted_packets = static_cast<uint32_t>(
      std::clamp<uint64_t>(packets / kAcksPerWindow, kFewestPackets, kMostPackets));
  const Duration wanted_delay =
      path_.rtt.has_sample()
          ? std::clamp(path_.rtt.smoothed() / 4, kShortestAckDelay, kLongestAckDelay)
          : kLongestAckDelay;
  // Changes below a factor of two are not worth a frame.
  const bool packets_far =
      wanted_packets >= peer_policy_.packets * 2 || wanted_packets * 2 <= peer_policy_.packets;
  const bool delay_far =
      wanted_delay >= peer_policy_.max_delay * 2 || wanted_delay * 2 <= peer_policy_.max_delay;
  const uint32_t threshold = loss_.reordering_threshold();
  if (!packets_far && !delay_far && threshold == peer_policy_.reordering_threshold) return;
  peer_policy_.packets = wanted_packets;
  peer_policy_.max_delay = wanted_delay;
  peer_policy_.reordering_threshold = threshold;
  peer_policy_.generation++;
  policy_wanted_ = true;
}

}  // namespace hawser::transport
