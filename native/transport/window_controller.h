#pragma once

#include <cstdint>

#include "transport/time.h"

namespace hawser::transport {

// Why N and M are what they are.
enum class WindowCause : uint8_t {
  kStart,      // nothing is known yet
  kFixed,      // the application chose them
  kFloor,      // raised to what the congestion window asks for, or to the application's minimum
  kGrowth,     // the path is clean and N was the limit
  kLoss,       // too much was lost
  kRecovered,  // nothing was lost for a while: M is N / 2 again
  kAdvice,     // the receiver has room for no more
};

// Chooses N (messages in flight) and M (messages in sequence an acknowledgement) of one direction
// of a channel from how reliable the path is, once a round trip; N that has to double, at once.
//
// N is flow control; the congestion window decides about the rate. Over a path that loses, N has to
// be well above what is in flight, because one missing message holds the window: at 5 % loss, 1.33,
// 2, 3 and 4 congestion windows use 0.49, 0.68, 0.89 and 0.94 of the path. So N never goes below
// four congestion windows, unless the application gives a minimum of its own.
class WindowController {
 public:
  static constexpr uint32_t kFirstWindow = 256;
  static constexpr uint32_t kSmallestWindow = 8;
  static constexpr uint64_t kWindowsOfCongestion = 4;
  // Of the messages sent. Above kPoor N and M fall; below kClean for kCleanRounds they may rise.
  static constexpr double kPoor = 0.02;
  static constexpr double kClean = 0.001;
  static constexpr int kCleanRounds = 3;

  // 0: automatic, no bound. `window` and `ack_every` hold when they are given.
  void configure(uint32_t window, uint32_t ack_every, uint32_t minimum, uint32_t maximum);

  struct Path {
    Duration round_trip;
    // Messages sent for the first time and again, since the channel began.
    uint64_t sent;
    uint64_t resent;
    // What the congestion window holds, in messages of this channel's size.
    uint64_t congestion_messages;
    // N kept messages from leaving since the last call.
    bool limited;
  };
  // Called when something was acknowledged or lost. True: N or M has changed.
  bool update(Time now, const Path& path);
  // WINDOW_HINT: what the receiver measured (0 to 1), and its advice; 0: none.
  void on_advice(double loss, uint32_t window, uint32_t ack_every);

  // Even, or as the application gave it.
  uint32_t window() const { return window_; }
  uint32_t ack_every() const { return ack_every_; }
  // Smoothed, 0 to 1: messages sent again; and what the receiver said of packets.
  double loss() const { return loss_; }
  double advised_loss() const { return advised_loss_; }
  WindowCause cause() const { return cause_; }

 private:
  static constexpr uint64_t kFewestMessages = 16;

  uint32_t ceiling() const;
  uint32_t floor_of(uint64_t congestion_messages) const;
  bool far_below(const Path& path) const;
  void decide(const Path& path);
  void set_window(uint64_t window, WindowCause cause);

  uint32_t fixed_window_ = 0;
  uint32_t fixed_ack_every_ = 0;
  uint32_t minimum_ = 0;
  uint32_t maximum_ = 0;

  uint32_t window_ = kFirstWindow;
  uint32_t ack_every_ = kFirstWindow / 2;
  // M is N / this.
  uint32_t divisor_ = 2;
  WindowCause cause_ = WindowCause::kStart;

  double loss_ = 0;
  bool measured_ = false;
  double advised_loss_ = 0;
  uint32_t advised_window_ = 0;
  uint32_t advised_ack_every_ = 0;

  Time round_began_ = 0;
  uint64_t sent_before_ = 0;
  uint64_t resent_before_ = 0;
  bool limited_ = false;
  int clean_rounds_ = 0;
  int rounds_since_growth_ = 0;
};

}  // namespace hawser::transport
