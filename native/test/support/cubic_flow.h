#pragma once

#include <cstdint>

#include "transport/cubic.h"

// What the tests of CUBIC share: a sender on a path.
namespace hawser::transport::cubic_test {

inline constexpr uint64_t kPacket = 1000;

inline CubicOptions options_with_window(uint64_t packets, bool hystart = false) {
  CubicOptions options;
  options.initial_window_packets = packets;
  options.hystart = hystart;
  return options;
}

// A sender that always has data on a path of constant delay: what is in flight is the window.
class Flow {
 public:
  Flow(Cubic& cubic, Duration rtt) : cubic_(cubic), rtt_(rtt) {}

  // Plays round trips of `acks` ACKs each, until `duration` is over.
  void run(Duration duration, unsigned acks = 10, bool app_limited = false) {
    const Time until = now_ + duration;
    while (now_ < until) round(acks, app_limited);
  }

  void round(unsigned acks = 10, bool app_limited = false) {
    const uint64_t window = cubic_.window();
    const Time start = now_;
    for (unsigned i = 0; i < acks; i++) {
      now_ = start + rtt_ * (i + 1) / acks;
      ack(window / acks, app_limited);
    }
  }

  void ack(uint64_t bytes, bool app_limited = false) {
    AckEvent event;
    event.now = now_;
    event.acked_bytes = bytes;
    event.prior_in_flight = app_limited ? bytes : cubic_.window();
    event.largest_sent_time = now_ - rtt_;
    event.rtt_latest = event.rtt_min = event.rtt_smoothed = rtt_;
    event.app_limited = app_limited;
    event.largest_acked = number_++;
    event.next_packet_number = number_ + 10;
    cubic_.on_ack(event);
  }

  void lose(Time sent_at, bool persistent = false) {
    LossEvent event;
    event.now = now_;
    event.lost_bytes = kPacket;
    event.largest_lost_sent_time = sent_at;
    event.prior_in_flight = cubic_.window();
    event.persistent = persistent;
    cubic_.on_loss(event);
  }
  // Loses what was sent one round trip ago.
  void lose() { lose(now_ - rtt_); }

  void wait(Duration duration) { now_ += duration; }
  Time now() const { return now_; }
  double packets() const { return static_cast<double>(cubic_.window()) / kPacket; }

 private:
  Cubic& cubic_;
  Duration rtt_;
  Time now_ = 1000 * kSecond;
  uint64_t number_ = 0;
};

}  // namespace hawser::transport::cubic_test
