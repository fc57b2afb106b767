// Time as the cable counts it.

#ifndef HAWSER_LAB_CABLE_TIME_H_
#define HAWSER_LAB_CABLE_TIME_H_

#include <chrono>
#include <cstdint>

namespace cable {

/// Nanoseconds, signed.
using Duration = std::chrono::nanoseconds;
/// Nanoseconds since the cable was started.
using Time = std::chrono::nanoseconds;

constexpr Time kNever = Time::max();

/// Milliseconds with a fraction, as options give them, in whole nanoseconds.
inline Duration milliseconds(double value) { return Duration{static_cast<int64_t>(value * 1e6)}; }

}  // namespace cable

#endif  // HAWSER_LAB_CABLE_TIME_H_
