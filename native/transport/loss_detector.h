#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "transport/delivery_rate.h"
#include "transport/memory.h"
#include "transport/range_set.h"
#include "transport/rtt_estimator.h"
#include "transport/sent_packets.h"
#include "transport/time.h"

namespace hawser::transport {

// Finds lost packets of one number space, and says when to probe: RACK-TLP (RFC 8985) in the form
// RFC 9002 gives it. Packet numbers rise with the time of sending and are never reused, so RACK's
// order of transmission is the order of numbers and a retransmission is never confused with its
// original.
//
// Packets are sent on one path at a time (SentPacket::path). All that is counted, timed and
// concluded is about the path in use. What was in flight on another one when the path was changed
// is *left*: its acknowledgement is taken, but says nothing about the path in use, as acknowledged
// packets of that say nothing about it; after a grace it is declared lost all at once, which is a
// signal of congestion for nobody.
//
// A packet below the largest acknowledged is lost when the largest is reordering_threshold() or
// more above it, or when it was sent longer ago than the loss delay. The tail, which no later
// acknowledgement can convict, is probed (PTO): probes never declare anything lost, they make the
// peer send an ACK that does.
//
// Adaptation to reordering (RFC 8985, section 6.2, with round trips where it has DSACK rounds): a
// packet that was declared lost and is acknowledged after all widens what convicted it: the packet
// threshold to just above the distance seen, at most 20; the time threshold, which starts at an
// eighth of a round trip above the round trip, by another eighth a loss episode, at most to two
// round trips. Both go back to the start after 16 loss episodes with nothing spurious.
//
// A probe for the MTU (SentPacket::mtu_probe) is found to be lost like any other packet, and the
// visitor is told; but it is in no count of losses and makes no episode (RFC 9000, section 14.4).
//
// Packets that only carry ACKs (neither ack-eliciting nor counted) are recorded, so that an ACK of
// them is known, but never declared lost and never timed; they are forgotten when old. What is sent
// on another path than the one in use must be such a packet.
class LossDetector {
 public:
  static constexpr uint32_t kInitialReorderingThreshold = 3;
  static constexpr uint32_t kMaximumReorderingThreshold = 20;
  // Eighths of a round trip that the time threshold adds to it.
  static constexpr unsigned kInitialReorderingEighths = 1;
  static constexpr unsigned kMaximumReorderingEighths = 8;
  // The back-off of the PTO ends here, or at the PTO without back-off where that is longer. RFC
  // 9002 has no such bound, but a path that comes back is to be found well within an idle timeout.
  static constexpr Duration kMaximumPto = 4 * kSecond;
  // No PTO is longer, whatever round trip a peer that holds back its ACKs makes us measure.
  static constexpr Duration kLongestPto = 60 * kSecond;
  static constexpr unsigned kProbes = 2;
  // Records of lost packets hold up the ring: they are kept for two probe timeouts, but only while
  // there are no more than this and four times the packets in flight, those included that were left
  // on another path and of which the records are still kept.
  static constexpr size_t kKeptRecords = 1024;
  // RFC 9002, section 7.6.1.
  static constexpr int kPersistentCongestionThreshold = 3;
  // RFC 8985: RACK.reo_wnd_persist.
  static constexpr unsigned kReorderingPersist = 16;

  // What became of packets. Called from within on_ack() and on_timeout(), in any order of numbers;
  // must not call the detector. The reference is good until the call returns.
  struct Visitor {
    // In flight until now, acknowledged.
    virtual void on_acked(const SentPacket& packet) = 0;
    virtual void on_lost(const SentPacket& packet) = 0;
    // Declared lost before, acknowledged after all. on_acked() is not called for it.
    virtual void on_spurious(const SentPacket& packet) = 0;

   protected:
    ~Visitor() = default;
  };

  struct AckResult {
    // false: it acknowledges a number that was never sent, or is not in order. Nothing was changed;
    // a protocol error.
    bool valid = false;
    // It acknowledged something that was not acknowledged before.
    bool any_new = false;
    // And of that, something of the path in use. What follows is about that path, but for counts of
    // packets.
    bool any_on_path = false;
    bool rtt_sampled = false;
    // Counted bytes newly acknowledged (not those found spuriously lost: they had left the flight).
    uint64_t acked_bytes = 0;
    uint64_t lost_bytes = 0;
    // Of the newest packet newly acknowledged; meaningful when any_on_path.
    Time largest_newly_acked_sent_at = 0;
    // Bytes in flight before this ACK.
    uint64_t prior_in_flight = 0;
    // Of the newest packet newly acknowledged.
    bool app_limited = false;
    // Meaningful when lost_packets.
    Time largest_lost_sent_at = 0;
    bool persistent_congestion = false;
    // Every packet of the last loss episode has turned out not to be lost: a congestion controller
    // may take its reduction back (before it hears of new losses in this ACK).
    bool loss_undone = false;
    uint64_t acked_packets = 0;
    uint64_t lost_packets = 0;
    RateSample rate;
  };

  struct TimeoutResult {
    // Packets of the path in use were declared lost.
    bool loss = false;
    // Ack-eliciting packets the session should send now, beyond the congestion window.
    unsigned probes = 0;
    uint64_t lost_bytes = 0;
    Time largest_lost_sent_at = 0;
    uint64_t prior_in_flight = 0;
    bool persistent_congestion = false;
  };

  // Says which packets give_up() is about. Must not call the detector.
  struct Picker {
    virtual bool picks(const SentPacket& packet) = 0;

   protected:
    ~Picker() = default;
  };

  explicit LossDetector(Memory& memory) : packets_(memory) {}

  uint64_t next_number() const { return packets_.next_number(); }
  // Only before the first packet.
  void start_at(uint64_t first_number);

  // Makes sure that on_sent() of next_number() cannot fail. false: as there.
  [[nodiscard]] bool reserve_one(Time now);
  // The same for a packet that has to go although there is no memory, such as an ACK, for which the
  // peer may be waiting to free its own: the oldest packet in flight gives its record up. What it
  // carried is lost for the visitor, but that is a loss that nobody counts, as with withdraw().
  // false: there never was room for a record (reserve_any()). Amortised O(1).
  [[nodiscard]] bool displace_one(Time now, Visitor& visitor);
  // Makes sure that displace_one() finds a record. false: no memory.
  [[nodiscard]] bool reserve_any() { return packets_.reserve_any(); }
  // Records a packet at the moment it is sent. number >= next_number(); the numbers in between are
  // recorded as skipped. false: no memory, or 2^17 numbers are being tracked: it must not be sent.
  [[nodiscard]] bool on_sent(const SentPacket& packet);

  // Applies one ACK: `count` ranges, newest first, disjoint, inclusive begin and exclusive end.
  // ack_delay as the peer said; peer_max_ack_delay as it promised. O(newly acknowledged + newly
  // lost + ranges * log), whatever numbers the ranges name. Samples the round trip into `rtt`.
  AckResult on_ack(Time now, const Interval* ranges, size_t count, Duration ack_delay,
                   Duration peer_max_ack_delay, RttEstimator& rtt, Visitor& visitor);

  // The path in use changes: `path` may be one that was in use before, whose packets in flight come
  // back. What is in flight on the present one is left until `give_up_at`; what had been left
  // before and does not come back is lost now. O(packets in flight).
  void change_path(Time now, uint32_t path, Time give_up_at, Visitor& visitor);
  uint32_t path() const { return path_; }
  // Packets that are in flight on paths no longer in use.
  uint64_t left_in_flight() const { return left_in_flight_; }

  // When to call on_timeout(): the loss timer when a packet below the largest acknowledged is in
  // flight, else the probe timeout; kNever when nothing ack-eliciting is in flight. If packets are
  // left, not later than when they are given up.
  Time deadline(const RttEstimator& rtt, Duration peer_max_ack_delay) const;
  // Early calls do nothing. After a call deadline() is later than `now`.
  TimeoutResult on_timeout(Time now, RttEstimator& rtt, Duration peer_max_ack_delay,
                           Visitor& visitor);

  struct Withdrawn {
    uint64_t packets = 0;
    uint64_t bytes = 0;
    // Some of them carried an ACK.
    bool acks = false;
  };
  // Of the packets from number `first` on, all but the first `sent` never left this machine.
  // Visitor::on_lost() is told, but it is no loss: nobody counts it, and it says nothing about any
  // path. O(these packets).
  Withdrawn withdraw(Time now, uint64_t first, size_t sent, Visitor& visitor);
  // Recorded, and sent on the path in use.
  bool is_of_path(uint64_t number) const {
    return packets_.contains(number) && packets_.at(number).path == path_;
  }

  // Declares the packets in flight that `picker` picks lost: a timeout of their own is over.
  // O(packets in flight).
  TimeoutResult give_up(Time now, Picker& picker, Visitor& visitor);

  uint64_t bytes_in_flight() const { return bytes_in_flight_; }
  // Of the path in use, as far as the peer has to acknowledge them.
  uint64_t packets_in_flight() const { return eliciting_in_flight_; }
  // Probe timeouts since the last progress.
  unsigned pto_count() const { return pto_count_; }
  bool anything_ack_eliciting_in_flight() const { return eliciting_in_flight_ != 0; }
  // Something is in flight that a probe timeout covers.
  bool probe_pending() const { return eliciting_in_flight_ != deferred_in_flight_; }
  // kNever when nothing that counts or elicits is in flight.
  Time oldest_unacked_sent_at() const;
  uint64_t lost_packets() const { return lost_packets_; }
  uint64_t acked_packets() const { return acked_packets_; }
  // Packets declared lost and acknowledged after all.
  uint64_t spurious() const { return spurious_; }
  // Counted bytes of the path in use acknowledged in all, spurious losses included.
  uint64_t delivered_bytes() const { return rate_.delivered(); }
  // The congestion window and the pacer let something go, and there is nothing.
  void note_app_limited() { rate_.note_app_limited(bytes_in_flight_); }
  uint32_t reordering_threshold() const { return reordering_threshold_; }
  // How long after it was sent a packet below the largest acknowledged is lost.
  Duration loss_delay(const RttEstimator& rtt) const;
  // The probe timeout with back-off.
  Duration pto(const RttEstimator& rtt, Duration peer_max_ack_delay) const;
  // The largest number acknowledged on the path in use; meaningful when any_acked().
  uint64_t largest_acked() const { return largest_acked_; }
  bool any_acked() const { return any_acked_; }

  // The oldest packet still recorded (its frame references are still needed); nullptr when none.
  const SentPacket* oldest() const { return packets_.empty() ? nullptr : &packets_.front(); }
  // The oldest packet in flight that a probe timeout covers; nullptr when none. O(packets before
  // it).
  const SentPacket* oldest_to_probe() const;
  // The oldest packet in flight on the path in use that counts or elicits; nullptr when none.
  const SentPacket* oldest_in_flight() const {
    return packets_.contains(cursor_) ? &packets_.at(cursor_) : nullptr;
  }
  size_t tracked() const { return packets_.size(); }
  size_t memory_bytes() const { return packets_.memory_bytes(); }

  // Forgets every packet and gives the memory back: for an idle session (nothing in flight) or a
  // dying path. Numbers go on.
  void release();

 private:
  struct Losses {
    uint64_t packets = 0;
    uint64_t bytes = 0;
    Time largest_sent_at = 0;
    bool persistent = false;
  };

  // In flight and worth a loss: its loss frees window or needs repair.
  static bool is_in_flight(const SentPacket& packet) {
    return packet.state == kSentInFlight && (packet.ack_eliciting || packet.in_flight_counted);
  }
  bool is_watched(const SentPacket& packet) const {
    return is_in_flight(packet) && packet.path == path_;
  }
  // Below it nothing is in flight on any path.
  uint64_t first_in_flight() const {
    if (left_in_flight_ == 0) return cursor_;
    return std::max(std::min(cursor_, left_first_), packets_.first_number());
  }
  bool valid_ranges(const Interval* ranges, size_t count) const;
  void enter_flight(const SentPacket& packet);
  void leave_flight(const SentPacket& packet);
  void lose(Time now, SentPacket& packet, Losses& losses);
  void acknowledge(Time now, const SentPacket& packet, uint64_t largest_before, AckResult& result,
                   Visitor& visitor);
  void adapt_to_spurious(const SentPacket& packet, uint64_t largest_before);
  Losses detect(Time now, const RttEstimator& rtt, Duration peer_max_ack_delay, Visitor& visitor);
  void note_episode(Time now, const SentPacket& packet);
  void lose_left(Time now, SentPacket& packet, Visitor& visitor);
  // It leaves the flight; nobody counts it, and should it be acknowledged, that says nothing.
  void write_off(Time now, SentPacket& packet, Visitor& visitor);
  void give_up_left(Time now, Visitor& visitor);
  bool loss_timer_armed() const;
  // Moves cursor_ to the next packet in flight that counts or elicits.
  void settle_cursor();
  // Lets go of the records at the front that are acknowledged or old.
  void trim(Time now);
  // Lets go of everything before the cursor. true: there was something.
  bool drop_lost_at_front();

  SentPackets packets_;
  uint32_t path_ = 0;
  Time path_since_ = 0;
  // The oldest packet in flight that counts or elicits, or next_number(). Only rises, but for a
  // change of the path.
  uint64_t cursor_ = 0;
  // Left packets, none of them below left_first_, and when they are given up.
  uint64_t left_in_flight_ = 0;
  uint64_t left_first_ = 0;
  Time left_until_ = kNever;
  // Packets that were left at all, until their records have gone with time.
  uint64_t left_kept_ = 0;
  uint64_t largest_acked_ = 0;
  bool any_acked_ = false;

  uint64_t bytes_in_flight_ = 0;
  uint64_t eliciting_in_flight_ = 0;
  uint64_t deferred_in_flight_ = 0;
  Time last_sent_at_ = 0;
  Time last_eliciting_sent_at_ = 0;
  Time last_probe_timeout_at_ = 0;
  unsigned pto_count_ = 0;
  // When the round trip was first sampled; kNever: not yet.
  Time first_sample_at_ = kNever;
  // Two probe timeouts.
  Duration keep_lost_ = 2 * 3 * RttEstimator::kInitialRtt;

  // A loss episode lasts for a round trip: it holds losses of packets sent before it began.
  uint64_t episodes_ = 0;
  Time episode_start_ = 0;
  uint64_t episode_lost_ = 0;
  uint64_t episode_spurious_ = 0;
  bool episode_widened_ = false;
  // The episode whose losses this ACK has shown to be spurious, all of them; 0: none.
  uint64_t undone_episode_ = 0;

  uint32_t reordering_threshold_ = kInitialReorderingThreshold;
  unsigned reordering_eighths_ = kInitialReorderingEighths;
  // Episodes until both go back.
  unsigned reordering_persist_ = 0;

  uint64_t lost_packets_ = 0;
  uint64_t acked_packets_ = 0;
  uint64_t spurious_ = 0;
  DeliveryRate rate_;
};

}  // namespace hawser::transport
