#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <vector>

#include "net/impairment.h"
#include "net/prng.h"
#include "transport/ack_tracker.h"
#include "transport/congestion_controller.h"
#include "transport/loss_detector.h"
#include "transport/memory.h"
#include "transport/pacer.h"
#include "transport/rtt_estimator.h"

// Senders of full packets behind one bottleneck, to see what their congestion controllers do with
// it: loss detection, pacing and acknowledgements are the real ones, sessions and channels are left
// out. Virtual time: the same options give the same run.
namespace hawser::test {

struct BottleneckOptions {
  // Bytes a second, and what may wait for it (drop-tail). Bytes.
  uint64_t rate = 12'500'000;
  uint64_t queue = 625'000;
  // One way.
  transport::Duration delay = 25 * transport::kMillisecond;
  transport::Duration jitter = 0;
  // Jitter of another kind: the delay, both ways, wanders up and down by up to this much, from one
  // random point to the next in four times as long.
  transport::Duration wander = 0;
  // Of the data packets, before the queue.
  double loss = 0;
  // A sender wakes up this much late at most, each time another time: without such noise, flows
  // that share a queue fall into step, and one of them meets it full every time.
  transport::Duration lateness = 200 * transport::kMicrosecond;
  // The receiver looks at what has come at these intervals only; 0: at once.
  transport::Duration lump = 0;
  uint64_t seed = 1;

  // The queue as a part of what the path holds.
  void set_queue(double products) {
    queue = static_cast<uint64_t>(products * 2 * static_cast<double>(delay) / transport::kSecond *
                                  static_cast<double>(rate));
  }
};

class Bottleneck;

class Flow {
 public:
  static constexpr uint32_t kPacketBytes = 1'200;

  transport::CongestionController& controller() { return *controller_; }
  const transport::RttEstimator& rtt() const { return rtt_; }
  uint64_t in_flight() const { return loss_.bytes_in_flight(); }
  // Bytes that have reached the receiver since the last call of mark().
  uint64_t received() const { return received_ - marked_; }
  void mark() {
    marked_ = received_;
    round_trips_ = samples_ = 0;
    longest_ = 0;
  }
  uint64_t packets_sent() const { return sent_; }
  uint64_t packets_lost() const { return loss_.lost_packets(); }
  // Of the samples since mark().
  transport::Duration mean_round_trip() const {
    return samples_ == 0 ? 0 : round_trips_ / static_cast<transport::Duration>(samples_);
  }
  transport::Duration longest_round_trip() const { return longest_; }
  // Bytes a second that there are to send; 0: always something.
  void set_source(uint64_t bytes_per_second);
  // Whatever the window allows leaves at once, as TCP sends without a pacing queue.
  void set_unpaced() { paced_ = false; }
  void stop() { stopped_ = true; }
  void resume();

 private:
  friend class Bottleneck;
  struct Ignore final : transport::LossDetector::Visitor {
    void on_acked(const transport::SentPacket&) override {}
    void on_lost(const transport::SentPacket&) override {}
    void on_spurious(const transport::SentPacket&) override {}
  };

  Flow(Bottleneck& network, std::unique_ptr<transport::CongestionController> controller);
  bool has_data(transport::Time now);
  void send(transport::Time now);
  void on_packet(transport::Time now, uint64_t number);
  void look(transport::Time now);
  void send_ack(transport::Time now);
  void on_ack(transport::Time now, const std::vector<transport::Interval>& ranges,
              transport::Duration delay);
  void on_timer(transport::Time now);
  transport::Time deadline(transport::Time now) const;
  void set_policy();
  void set_pace();
  // Something has happened: when it has to be done next, with the lateness of a wake-up.
  void plan(transport::Time now);

  Bottleneck& network_;
  transport::Time wake_at_ = 0;
  transport::Time planned_for_ = transport::kNever;
  transport::HeapMemory memory_;
  std::unique_ptr<transport::CongestionController> controller_;
  transport::LossDetector loss_{memory_};
  transport::RttEstimator rtt_;
  transport::Pacer pacer_;
  transport::AckTracker tracker_{memory_};
  Ignore ignore_;
  transport::Time began_ = 0;
  uint64_t source_ = 0;
  double supply_ = 0;
  transport::Time supplied_at_ = 0;
  bool stopped_ = false;
  bool paced_ = true;
  unsigned probes_ = 0;
  uint64_t next_ = 0;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
  uint64_t marked_ = 0;
  transport::Duration round_trips_ = 0;
  uint64_t samples_ = 0;
  transport::Duration longest_ = 0;
  std::vector<uint64_t> waiting_;
  transport::Time look_at_ = transport::kNever;
};

class Bottleneck {
 public:
  explicit Bottleneck(const BottleneckOptions& options);

  // Starts at `delay` from now.
  Flow& add(std::unique_ptr<transport::CongestionController> controller,
            transport::Duration delay = 0);
  void run(transport::Duration duration);
  transport::Time now() const { return now_; }
  // From now on; what is in the queue is let go at once.
  void set_rate(uint64_t bytes_per_second);
  // Bytes that the link carries in that time.
  double capacity(transport::Duration duration) const {
    return static_cast<double>(options_.rate) * static_cast<double>(duration) / transport::kSecond;
  }
  uint64_t overflowed() const { return forth_.counters().overflowed; }

 private:
  friend class Flow;
  struct Event {
    transport::Time at;
    uint64_t order;
    Flow* flow;
    // A data packet, or an ACK of these ranges.
    uint64_t number;
    bool ack;
    transport::Duration delay;
    std::vector<transport::Interval> ranges;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  transport::Duration wander(transport::Time at, uint64_t direction) const;
  void send_packet(Flow& flow, uint64_t number);
  void send_ack(Flow& flow, std::vector<transport::Interval> ranges, transport::Duration delay);

  BottleneckOptions options_;
  net::Impairment forth_;
  net::Impairment back_;
  net::Prng luck_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  uint64_t order_ = 0;
  transport::Time now_ = transport::kSecond;
};

}  // namespace hawser::test
