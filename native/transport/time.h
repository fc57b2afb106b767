#pragma once

#include <cstdint>

namespace hawser::transport {

// A point on a monotonic clock that the caller owns, in nanoseconds. The core never reads a clock.
using Time = int64_t;
// A length of time, in nanoseconds.
using Duration = int64_t;

constexpr Duration kMicrosecond = 1'000;
constexpr Duration kMillisecond = 1'000'000;
constexpr Duration kSecond = 1'000'000'000;

// Later than any deadline: "never".
constexpr Time kNever = INT64_MAX;

}  // namespace hawser::transport
