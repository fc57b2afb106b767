#pragma once

#include <cstdint>

#include "transport/congestion_controller.h"
#include "transport/cubic.h"
#include "transport/queue_signal.h"
#include "transport/time.h"
#include "transport/windowed_max.h"

namespace hawser::transport {

// Congestion control by a model of the path: how fast it delivers, and how long a round trip takes
// while nothing queues. After BBRv3 (draft-ietf-ccwg-bbr-04), with the deviations below; counted in
// bytes.
//
// As the draft has it: Startup (pacing gain 2.77, window gain 2) until the bandwidth has not grown
// by a quarter for three rounds; Drain (0.35); then cycles of Down, Cruise (1), Refill (1) and Up
// (1.25), an Up every 2 to 3 s or 63 rounds; ProbeRtt, half of what the path holds for 200 ms, when
// the round trip was not confirmed for 10 s. The bandwidth is the largest delivery rate of this
// cycle and the last one. Bounds: inflight_hi by loss while probing, of which Cruise leaves 15 %
// free; bandwidth_lo and inflight_lo by loss at other times, until the next Refill. extra_acked
// makes room for acknowledgements that come in lumps. The window is at least three of the pacer's
// quanta and four packets.
//
// Deviations:
// 1. Loss alone is not congestion. The draft reacts to 2 % of a round; here loss counts only when
//    it depends on what is sent. That is so when
//    a) a queue stands (QueueSignal) and the round lost more than the background, or
//    b) the round probed for more (Up) and lost more than the background, or
//    c) it lost more than kMostTolerated, whatever the reason.
//    The background is what is lost in Cruise while no queue stands: at or below the path's rate,
//    with no more in flight than the path holds, loss is not of our making. "More" is by 2 % of the
//    packets and by three standard deviations of their number. Without such a rule a path that
//    loses 3 % at random would be taken for full; with c) a policer is obeyed all the same.
// 2. The round trip of the model is not the shortest sample but the smallest mean of a round's
//    samples, so that a path whose delay varies is not taken for shorter than it is.
// 3. Up ends when the bandwidth has not grown for two rounds, or does not grow and a queue is seen;
//    Startup also as soon as it does not grow and a queue stands for two rounds, or one of more
//    than a quarter of the round trip for one. Down, with a gain of 0.75, ends as soon as no queue
//    is seen. inflight_hi rises by a quarter with an Up that reached it and lost nothing.
// 4. A queue in Cruise is a sign that the model is too high. If less arrived in that round than was
//    sent by more than the background, that is the bandwidth from then on. Down empties the queue.
// 5. A model does not share with senders that fill queues: with little buffer it takes what they
//    leave of it, with much buffer it starves. So when a queue outlasts Down, or another one stands
//    before the next Up, it is of others; then the window is that of CUBIC (RFC 9438), which shares
//    with TCP as TCP does, but loss while no queue stands goes on to be no congestion (phase
//    Compete). It ends when no queue was seen for 4 s, or when ProbeRtt finds none; if others are
//    there again within 10 s, the next ProbeRtt may end it only after twice the time. Where more
//    than kNoise is lost at random, nobody whom loss slows down can keep a queue filled, and there
//    is no such phase. A loss leaves half of the window and not 0.7: TCP without a pacing queue
//    sends in bursts and loses more at a full queue than we do, so with the same factor it would
//    get half of what we get.
// 6. Three quarters of the background loss are sent on top, because the bandwidth is what arrives.
//    Not all of it: then loss that is our own after all would keep itself alive.
// 7. Where a round trip is shorter than the shortest queue that can be told (1 ms), and nothing is
//    lost, the window alone holds back outside of Startup, Drain, Down and ProbeRtt, paced as CUBIC
//    paces. What limits such a path is mostly a processor that is busy for longer than a round
//    trip; a pace derived from that is missed again and again, and each wait for it is a wake-up.
// 8. Losses and a delay that wanders can end Startup far below the path's rate. So when neither
//    its last round nor those of Drain and the first of Cruise look as if the path had been full,
//    an Up follows at once and not 2 to 3 s later. In an Up before a hundred packets have told the
//    background, loss counts only as at other times: with a queue, or beyond kMostTolerated.
// 9. A round that the application (or the peer's credit, or the message window) limited has no
//    rate, so what it loses bounds what is in flight and not the bandwidth.
//
// What it cannot do: behind a buffer so short that it is no queue (an eighth of a round trip, or
// 1 ms), others that take loss for congestion get little beside it, and it loses some of what it
// sends itself.
class Bbr final : public CongestionController {
 public:
  enum class Phase : uint8_t {
    kStartup,
    kDrain,
    kDown,
    kCruise,
    kRefill,
    kUp,
    kProbeRtt,
    kCompete,
  };

  static constexpr double kMostTolerated = 0.2;
  static constexpr uint64_t kMinimumWindowPackets = 4;

  explicit Bbr(uint64_t max_packet_bytes);

  void on_sent(Time now, uint64_t bytes, uint64_t in_flight_after, uint64_t packet_number) override;
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  void on_spurious_loss(Time now) override;
  void on_mtu(uint64_t max_packet_bytes) override;

  uint64_t window() const override;
  uint64_t pacing_rate(const RttEstimator& rtt) const override;
  bool in_slow_start() const override { return phase_ == Phase::kStartup; }
  const char* name() const override { return "bbr"; }

  Phase phase() const { return phase_; }
  // Bytes a second; 0 before the first sample.
  uint64_t bandwidth() const;
  // What the path holds without a queue, bytes. 0 before the first sample.
  uint64_t bandwidth_delay_product() const { return bdp(1); }
  // Part of the packets that is lost whatever we do, 0 to kMostTolerated.
  double background_loss() const;
  // What keeps acknowledgements in lumps from stopping the sender, bytes.
  uint64_t extra_acked() const { return extra_acked_.value(); }
  // UINT64_MAX: no bound.
  uint64_t inflight_hi() const { return bounds_.inflight_hi; }
  const QueueSignal& queue() const { return queue_; }

 private:
  static constexpr uint64_t kNoBound = UINT64_MAX;
  static constexpr double kNoise = 0.005;

  // What loss has taught.
  struct Bounds {
    uint64_t inflight_hi = kNoBound;
    uint64_t inflight_lo = kNoBound;
    uint64_t bandwidth_lo = kNoBound;
  };
  // What happened within a round trip.
  struct Round {
    Time began_at = 0;
    uint64_t acked = 0;
    uint64_t lost = 0;
    // Largest number of bytes in flight.
    uint64_t flight = 0;
    // Largest delivery rate that was not limited by the application.
    uint64_t rate = 0;
    bool app_limited = false;
  };

  uint64_t bdp(double gain) const;
  uint64_t send_quantum() const;
  uint64_t minimum_window() const { return kMinimumWindowPackets * packet_bytes_; }
  uint64_t probe_rtt_window() const;
  double pacing_gain() const;
  double window_gain() const;
  bool within_path(const AckEvent& event) const;
  // Deviation 7.
  bool short_path() const;

  // Model.
  void take_rate(const AckEvent& event);
  void take_extra_acked(const AckEvent& event);
  // What was acknowledged in this round, bytes a second.
  uint64_t mean_rate(Time now) const;
  bool lost_too_much() const;
  bool lost_unbearably() const;
  bool loss_is_congestion() const;
  bool overflowing() const;
  // So much is lost at random that nobody whom loss slows down can keep a queue filled.
  bool noisy() const { return background_loss() > kNoise; }
  void learn_background();
  void adapt_bounds();
  void update_window(const AckEvent& event);

  // Phases (bbr_phases.cc).
  void enter(Phase phase, Time now);
  void on_round(const AckEvent& event);
  void on_suspicion(const AckEvent& event);
  // Less arrives than the model says.
  void lower_model(const AckEvent& event);
  bool long_queue() const;
  bool plainly_full() const;
  void on_startup_round(const AckEvent& event, bool congested);
  // Probes at once if Startup seems to have ended too early.
  void doubt_startup(const AckEvent& event);
  void on_down_round(const AckEvent& event, bool measured);
  void on_up_round(const AckEvent& event, bool congested);
  void on_compete_round(const AckEvent& event);
  void advance_probe_rtt(const AckEvent& event, bool round);
  void begin_cruise(const AckEvent& event);
  void begin_down(const AckEvent& event);
  void end_up(const AckEvent& event);
  // More was delivered than before the probe.
  bool growing() const;
  void begin_compete(const AckEvent& event);
  void end_compete(const AckEvent& event);

  uint64_t packet_bytes_;
  uint64_t window_;
  Phase phase_ = Phase::kStartup;
  // Where ProbeRtt goes back to.
  Phase resume_ = Phase::kCruise;
  // Startup is over: the window is bounded by the model.
  bool pipe_filled_ = false;
  // The path looked full when Startup ended, or has been probed since.
  bool full_seen_ = false;
  bool untouched_ = true;
  bool undo_possible_ = false;
  // ProbeRtt: 0: what is in flight falls; 1: low, the last packets before come back; 2: measuring.
  uint8_t probe_rtt_step_ = 0;
  // Rounds in a row that saw a queue in Cruise, or no growth in Startup or Up.
  uint8_t suspicious_rounds_ = 0;
  uint8_t flat_rounds_ = 0;
  // Queues seen in Cruise since the last Up.
  uint8_t suspicions_ = 0;
  Time phase_since_ = 0;
  uint32_t phase_rounds_ = 0;
  uint32_t rounds_since_probe_ = 0;
  uint32_t rounds_ = 0;
  uint64_t round_end_ = 0;
  Round round_;
  Time next_probe_ = 0;
  // Largest bandwidth when growth was last seen.
  uint64_t full_bandwidth_ = 0;

  WindowedMax max_bandwidth_;
  WindowedMax extra_acked_;
  Time aggregate_since_ = 0;
  uint64_t aggregate_acked_ = 0;
  Duration shortest_rtt_ = 0;
  Time acked_at_ = 0;
  QueueSignal queue_;
  Bounds bounds_;
  Bounds undo_;
  // Bytes of Cruise without a queue, and of those the lost.
  uint64_t background_sent_ = 0;
  uint64_t background_lost_ = 0;

  // Compete.
  Cubic cubic_;
  Time compete_ended_ = 0;
  Time queue_seen_ = 0;
  Time next_trial_ = 0;
  Duration trial_pause_ = 0;
  Time probe_rtt_low_since_ = 0;
  Duration base_before_probe_ = 0;
};

}  // namespace hawser::transport
