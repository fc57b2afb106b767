#include "transport/window_controller.h"

#include <algorithm>

#include "wire/limits.h"

namespace hawser::transport {

namespace {

constexpr uint32_t kRoundsOfGrowth = 3;
constexpr double kGrowth = 1.25;
constexpr double kShrink = 0.7;
// Weight of a new measurement.
constexpr double kWeight = 0.25;
// A round trip shorter than this is not worth a decision of its own.
constexpr Duration kShortestRound = kMillisecond;

uint32_t even(uint64_t messages) { return static_cast<uint32_t>(messages & ~uint64_t{1}); }

}  // namespace

void WindowController::configure(uint32_t window, uint32_t ack_every, uint32_t minimum,
                                 uint32_t maximum) {
  fixed_window_ = window;
  fixed_ack_every_ = ack_every;
  minimum_ = minimum;
  maximum_ = maximum;
  cause_ = window != 0 ? WindowCause::kFixed : WindowCause::kStart;
  set_window(window != 0 ? window : kFirstWindow, cause_);
}

uint32_t WindowController::ceiling() const {
  uint32_t most = maximum_ != 0 ? maximum_ : wire::kMaxWindow;
  return std::max(most, std::max(minimum_, wire::kMinWindow));
}

uint32_t WindowController::floor_of(uint64_t congestion_messages) const {
  if (minimum_ != 0) return minimum_;
  const uint64_t wanted =
      std::max<uint64_t>(kWindowsOfCongestion * congestion_messages, kSmallestWindow);
  return static_cast<uint32_t>(std::min<uint64_t>(wanted, ceiling()));
}

// In slow start the congestion window doubles within a round trip, and must not wait for N until
// the next one.
bool WindowController::far_below(const Path& path) const {
  return fixed_window_ == 0 && window_ <= floor_of(path.congestion_messages) / 2;
}

void WindowController::set_window(uint64_t window, WindowCause cause) {
  if (fixed_window_ != 0) {
    window_ = fixed_window_;
  } else {
    const uint64_t lowest = minimum_ != 0 ? minimum_ : wire::kMinWindow;
    const auto bounded = static_cast<uint32_t>(std::clamp<uint64_t>(window, lowest, ceiling()));
    // Rounding must not leave the application's bounds.
    window_ = std::max(even(bounded), minimum_ != 0 ? even(minimum_ + 1) : wire::kMinWindow);
    if (maximum_ != 0) window_ = std::min(window_, std::max(even(maximum_), wire::kMinWindow));
    cause_ = cause;
  }
  if (fixed_ack_every_ != 0) {
    ack_every_ = std::min(fixed_ack_every_, window_);
    return;
  }
  // With a fixed N, M stays N / 2: who chose the one does not expect the other to move.
  ack_every_ = std::max(window_ / (fixed_window_ != 0 ? 2 : divisor_), 1u);
  // Advice of bad times is of no use in good ones.
  if (fixed_window_ == 0 && advised_ack_every_ != 0 && advised_loss_ > kPoor) {
    ack_every_ = std::max(std::min(ack_every_, advised_ack_every_), 1u);
  }
}

void WindowController::on_advice(double loss, uint32_t window, uint32_t ack_every) {
  advised_loss_ = loss;
  advised_window_ = window;
  advised_ack_every_ = ack_every;
}

bool WindowController::update(Time now, const Path& path) {
  limited_ = limited_ || path.limited;
  if (round_began_ == 0) round_began_ = now;
  if (limited_ && far_below(path)) {
    limited_ = false;
    set_window(floor_of(path.congestion_messages), WindowCause::kFloor);
    return true;
  }
  if (now - round_began_ < std::max(path.round_trip, kShortestRound)) return false;
  const uint64_t sent = path.sent - sent_before_;
  const uint64_t resent = path.resent - resent_before_;
  // Too few say nothing, but a trickle must be judged at some time.
  const bool few = sent + resent < kFewestMessages;
  if (sent + resent == 0 || (few && now - round_began_ < 8 * path.round_trip)) return false;
  const double sample = static_cast<double>(resent) / static_cast<double>(sent + resent);
  loss_ = measured_ ? loss_ + (sample - loss_) * kWeight : sample;
  measured_ = true;
  round_began_ = now;
  sent_before_ = path.sent;
  resent_before_ = path.resent;
  const uint32_t window_before = window_;
  const uint32_t ack_every_before = ack_every_;
  decide(path);
  limited_ = false;
  return window_ != window_before || ack_every_ != ack_every_before;
}

void WindowController::decide(const Path& path) {
  const double loss = std::max(loss_, advised_loss_);
  const uint32_t floor = floor_of(path.congestion_messages);
  rounds_since_growth_++;
  if (loss > kPoor) {
    clean_rounds_ = 0;
    divisor_ = 4;
    const auto shrunk = static_cast<uint64_t>(static_cast<double>(window_) * kShrink);
    // Never up: what the floor asks for is given when N is the limit.
    set_window(std::min<uint64_t>(std::max<uint64_t>(shrunk, floor), window_), WindowCause::kLoss);
  } else if (loss < kClean) {
    clean_rounds_++;
    if (clean_rounds_ >= kCleanRounds && divisor_ != 2) {
      divisor_ = 2;
      set_window(window_, WindowCause::kRecovered);
    }
  } else {
    clean_rounds_ = 0;
  }
  if (!limited_) return;
  if (window_ < floor) {
    set_window(floor, WindowCause::kFloor);
  } else if (clean_rounds_ > 0 && rounds_since_growth_ >= static_cast<int>(kRoundsOfGrowth)) {
    rounds_since_growth_ = 0;
    const auto grown = static_cast<uint64_t>(static_cast<double>(window_) * kGrowth);
    const uint64_t wanted = std::max<uint64_t>(grown, window_ + uint64_t{2});
    // The receiver's advice holds back growth; it never takes what the path needs, for its credit
    // guards its memory anyway.
    if (advised_window_ != 0 && wanted > std::max(advised_window_, window_)) {
      set_window(std::max(advised_window_, window_), WindowCause::kAdvice);
    } else {
      set_window(wanted, WindowCause::kGrowth);
    }
  }
}

}  // namespace hawser::transport
