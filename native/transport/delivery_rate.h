#pragma once

#include <cstdint>

#include "transport/sent_packets.h"
#include "transport/time.h"

namespace hawser::transport {

// What one ACK says about how fast a path delivers.
struct RateSample {
  // Bytes a second. 0: the ACK says nothing (it acknowledged nothing that counted, or what it
  // acknowledged was sent and delivered within less than the shortest round trip).
  uint64_t bytes_per_second = 0;
  // Over which it was measured.
  Duration interval = 0;
  // Bytes that were acknowledged in that time.
  uint64_t delivered = 0;
  // Bytes acknowledged in all when the newest packet acknowledged was sent, and now: these count
  // rounds.
  uint64_t prior_delivered = 0;
  uint64_t total_delivered = 0;
  // Part of the interval had too little to send, so the path may be faster.
  bool app_limited = false;
};

// Estimates the delivery rate of one path (draft-cheng-iccrg-delivery-rate-estimation-02, taken up
// in draft-ietf-ccwg-bbr-04, section 4.1): the bytes that were acknowledged between the sending and
// the acknowledgement of a packet, over the longer of the time in which they were sent and the time
// in which they were acknowledged. Taking the longer one keeps ACKs that come in lumps (a receiver
// that waits for P packets or reads in batches) from making the path look faster than the sender.
//
// Each packet carries what it needs; here are only the counts of the path.
class DeliveryRate {
 public:
  // A packet that counts is being sent; `in_flight`: bytes before it. Fills the record.
  void on_sent(SentPacket& packet, uint64_t in_flight);
  // Between begin() and end(): what one ACK acknowledges, in any order.
  void begin();
  void on_acked(Time now, const SentPacket& packet);
  // `round_trip_min`: the shortest ever sampled, 0 if none was.
  RateSample end(Duration round_trip_min);

  // The sender could send and has nothing: what is in flight, and what is sent until that is
  // acknowledged, does not show what the path can do.
  void note_app_limited(uint64_t in_flight) {
    app_limited_until_ = delivered_ + (in_flight == 0 ? 1 : in_flight);
  }
  bool app_limited() const { return app_limited_until_ != 0; }

  // Bytes acknowledged in all, and when the last of them were.
  uint64_t delivered() const { return delivered_; }
  Time delivered_at() const { return delivered_at_; }

  // The path in use has changed: what is measured starts anew.
  void restart() {
    app_limited_until_ = 0;
    chosen_ = false;
  }

 private:
  uint64_t delivered_ = 0;
  Time delivered_at_ = 0;
  // When the packet was sent that was acknowledged last: the sending time of a sample begins there.
  Time first_sent_at_ = 0;
  // Samples are limited until so much is delivered; 0: they are not.
  uint64_t app_limited_until_ = 0;

  // Of the newest packet of the present ACK.
  bool chosen_ = false;
  bool chosen_limited_ = false;
  uint64_t chosen_delivered_ = 0;
  Time chosen_delivered_at_ = 0;
  Time chosen_sent_at_ = 0;
  Duration chosen_send_time_ = 0;
};

}  // namespace hawser::transport
