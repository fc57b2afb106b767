// Time as the cable counts it.

#pragma once

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
