// What becomes of the packets a session sent: acknowledgements, losses and timeouts (RFC 9002).

#include <algorithm>

#include "transport/endpoint.h"
#include "transport/runtime.h"
#include "transport/session.h"

namespace hawser::transport {

namespace {
// Probe timeouts in a row after which the address before the last change is asked.
constexpr unsigned kAskPreviousAfter = 3;
}  // namespace

// Tells channels what became of the frames of a packet.
class Session::Fate final : public LossDetector::Visitor {
 public:
  Fate(Session& session, Time now) : session_(session), now_(now) {}

  void on_acked(const SentPacket& packet) override {
    if (packet.path == session_.path_.number) {
      session_.path_.mtu.on_acked(now_, packet.number, packet.bytes, session_.next_number_);
    }
    // An answer to a PING says nothing about packets that carry something; nor does one to CRYPTO,
    // which is always small.
    const bool only_keys =
        packet.frame_count == 1 && session_.refs_[packet.frame_first].kind == FrameRef::kCrypto;
    if (packet.frame_count != 0 && !only_keys) session_.unanswered_.since = kNever;
    if (packet.has_ack) session_.acks_.on_ack_of_ack(packet.largest_acked_in_ack);
    for (uint64_t i = 0; i < packet.frame_count; i++) {
      const FrameRef ref = session_.refs_[packet.frame_first + i];
      if (!session_.frame_acknowledged(now_, ref)) failed_ = true;
    }
  }

  void on_lost(const SentPacket& packet) override {
    if (packet.path == session_.path_.number) {
      session_.path_.mtu.on_lost(now_, packet.number, packet.bytes, session_.next_number_);
    }
    for (uint64_t i = 0; i < packet.frame_count; i++) {
      const FrameRef ref = session_.refs_[packet.frame_first + i];
      if (!session_.frame_lost(ref)) failed_ = true;
    }
  }

  void on_spurious(const SentPacket& packet) override { on_acked(packet); }

  // Some fate could not be noted for want of memory: the channel would never finish.
  bool failed() const { return failed_; }

 private:
  Session& session_;
  Time now_;
  bool failed_ = false;
};

Session::Taken Session::on_ack(Time now, const wire::Ack& ack) {
  Interval ranges[wire::kMaxAckRanges];
  for (uint32_t i = 0; i < ack.range_count; i++) {
    ranges[i] = Interval{ack.ranges[i].first, ack.ranges[i].last + 1};
  }
  const auto delay_us =
      static_cast<Duration>(std::min<uint64_t>(ack.delay_us, wire::kMaxAckDelayUs));
  Fate fate(*this, now);
  const size_t datagram = path_.datagram();
  const LossDetector::AckResult result = loss_.on_ack(
      now, ranges, ack.range_count, delay_us * kMicrosecond, peer_max_ack_delay(), path_.rtt, fate);
  if (!result.valid) {
    return protocol_error(now, wire::Code::kAckInvalid, "acknowledged what was never sent");
  }
  totals_.acks_received++;
  if (loss_.probe_pending()) unanswered_.wait(now);
  if (fate.failed()) {
    return protocol_error(now, wire::Code::kOutOfMemory, "out of memory");
  }
  follow_mtu(datagram);
  if (result.loss_undone) path_.congestion.on_spurious_loss(now);
  if (result.lost_packets != 0) {
    apply_loss(now, result.lost_bytes, result.largest_lost_sent_at, result.prior_in_flight,
               result.persistent_congestion);
  }
  if (result.any_on_path) {
    AckEvent event;
    event.now = now;
    event.acked_bytes = result.acked_bytes;
    event.prior_in_flight = result.prior_in_flight;
    event.largest_sent_time = result.largest_newly_acked_sent_at;
    event.rtt_latest = result.rtt_sampled ? path_.rtt.latest() : 0;
    event.rtt_min = path_.rtt.minimum();
    event.rtt_smoothed = path_.rtt.smoothed();
    event.app_limited = result.app_limited;
    event.largest_acked = loss_.largest_acked();
    event.next_packet_number = loss_.next_number();
    event.rate = result.rate;
    path_.congestion.on_ack(event);
    probes_ = 0;
  }
  release_refs();
  update_rates(now);
  if (!active_.empty() || has_control() || mtu_probe_due(now) != 0) runtime_.make_ready(this);
  return Taken::kYes;
}

bool Session::leave_flight(Time now, uint32_t path, Time give_up_at) {
  Fate fate(*this, now);
  loss_.change_path(now, path, give_up_at, fate);
  if (fate.failed()) {
    protocol_error(now, wire::Code::kOutOfMemory, "out of memory");
    return false;
  }
  release_refs();
  return true;
}

void Session::apply_loss(Time now, uint64_t bytes, Time largest_sent_at, uint64_t prior,
                         bool persistent) {
  LossEvent event;
  event.now = now;
  event.lost_bytes = bytes;
  event.largest_lost_sent_time = largest_sent_at;
  event.prior_in_flight = prior;
  event.persistent = persistent;
  path_.congestion.on_loss(event);
}

bool Session::frame_acknowledged(Time now, const FrameRef& ref) {
  if (ref.channel == 0) return true;
  Channel* channel = channels_.find(ref.channel);
  return channel == nullptr || channel->on_frame_acknowledged(now, ref);
}

bool Session::frame_lost(const FrameRef& ref) {
  if (ref.channel != 0) {
    Channel* channel = channels_.find(ref.channel);
    return channel == nullptr || channel->on_frame_lost(ref);
  }
  if (ref.kind == FrameRef::kAckPolicy && ref.begin == peer_policy_.generation) {
    policy_wanted_ = true;
  }
  if (ref.kind == FrameRef::kMaxChannels && ref.begin == limits_.told) {
    max_channels_wanted_ = true;
  }
  const bool renewing = keys_.renewal == Renewal::kAsked || keys_.renewal == Renewal::kAnswered;
  if (ref.kind == FrameRef::kCrypto && ref.begin == keys_.generation && renewing) {
    keys_.crypto_wanted = true;
  }
  runtime_.make_ready(this);
  return true;
}

bool Session::time_out(Channel* channel, Time now, Duration pause) {
  // The packets that carry messages of the channel, and were sent long enough ago.
  struct Old final : LossDetector::Picker {
    const Ring<FrameRef>& refs;
    uint64_t id;
    Time sent_before;
    Old(const Ring<FrameRef>& all, uint64_t channel_id, Time time)
        : refs(all), id(channel_id), sent_before(time) {}
    bool picks(const SentPacket& packet) override {
      if (packet.sent_at > sent_before) return false;
      for (uint64_t i = 0; i < packet.frame_count; i++) {
        const FrameRef& ref = refs[packet.frame_first + i];
        if (ref.channel == id && ref.kind == FrameRef::kData) return true;
      }
      return false;
    }
  };
  Old old(refs_, channel->id(), now - pause);
  Fate fate(*this, now);
  const size_t datagram = path_.datagram();
  const LossDetector::TimeoutResult result = loss_.give_up(now, old, fate);
  follow_mtu(datagram);
  if (fate.failed()) {
    protocol_error(now, wire::Code::kOutOfMemory, "out of memory");
    return false;
  }
  // As with probe timeouts: what asks for the COUNT gets through whatever the path carries.
  brief_ = true;
  // A channel's timeout may be shorter than a round trip: then it says nothing about the path.
  if (result.loss && now - result.largest_lost_sent_at >= loss_.loss_delay(path_.rtt)) {
    apply_loss(now, result.lost_bytes, result.largest_lost_sent_at, result.prior_in_flight, false);
  }
  release_refs();
  update_rates(now);
  runtime_.make_ready(this);
  return true;
}

void Session::on_refused(Time now, uint64_t first, size_t sent, size_t bytes) {
  // Of what is not longer than the base there is nothing to learn, and nothing shorter to send
  // instead: it is lost like any other.
  if (state_ != State::kOpen || bytes <= path_.mtu.base()) return;
  Fate fate(*this, now);
  const size_t datagram = path_.datagram();
  // A full socket may have held it up for longer than the path was in use.
  if (loss_.is_of_path(first)) path_.mtu.on_refused(now, bytes);
  const LossDetector::Withdrawn withdrawn = loss_.withdraw(now, first, sent, fate);
  if (fate.failed()) {
    protocol_error(now, wire::Code::kOutOfMemory, "out of memory");
    return;
  }
  totals_.packets_sent -= withdrawn.packets;
  totals_.bytes_sent -= withdrawn.bytes;
  if (withdrawn.acks) acks_.request_now();
  path_.pacer.give_back(withdrawn.bytes);
  follow_mtu(datagram);
  release_refs();
  update_rates(now);
  runtime_.make_ready(this);
}

void Session::release_refs() {
  const SentPacket* oldest = loss_.oldest();
  refs_.pop_front_until(oldest == nullptr ? refs_.end() : oldest->frame_first);
}

bool Session::displace_oldest(Time now) {
  // To note a loss may need memory, too. First, because this can wait: the session goes on without.
  const SentPacket* oldest = loss_.oldest();
  if (oldest == nullptr) return false;
  if (oldest->state == kSentInFlight && !repeat_frames(*oldest)) return false;
  const uint64_t number = oldest->number;
  const bool mtu_probe = oldest->mtu_probe;
  Fate fate(*this, now);
  const size_t datagram = path_.datagram();
  const bool displaced = loss_.displace_one(now, fate);
  oldest = loss_.oldest();
  if (oldest == nullptr || oldest->number != number) {
    // Its acknowledgement will say nothing: nothing is waited for any more.
    unanswered_.since = kNever;
    if (mtu_probe) path_.mtu.forget_probe();
  }
  follow_mtu(datagram);
  release_refs();
  return displaced;
}

bool Session::repeat_frames(const SentPacket& packet) {
  bool noted = true;
  for (uint64_t i = 0; i < packet.frame_count; i++) {
    noted = frame_lost(refs_[packet.frame_first + i]) && noted;
  }
  return noted;
}

bool Session::on_loss_timer(Time now) {
  Fate fate(*this, now);
  const size_t datagram = path_.datagram();
  const LossDetector::TimeoutResult result =
      loss_.on_timeout(now, path_.rtt, peer_max_ack_delay(), fate);
  follow_mtu(datagram);
  if (fate.failed()) {
    protocol_error(now, wire::Code::kOutOfMemory, "out of memory");
    return false;
  }
  if (result.loss) {
    apply_loss(now, result.lost_bytes, result.largest_lost_sent_at, result.prior_in_flight,
               result.persistent_congestion);
  }
  probes_ = result.probes;
  if (loss_.pto_count() >= kAskPreviousAfter) ask_previous(now);
  release_refs();
  update_rates(now);
  runtime_.make_ready(this);
  return true;
}

}  // namespace hawser::transport
