// The monotonic clock that every deadline of the net room is measured on.
#pragma once

#include <cstdint>

namespace hawser::net {

// A deadline that never comes.
inline constexpr int64_t kForever = INT64_MAX;

// Nanoseconds of CLOCK_MONOTONIC: never steps back, starts at an arbitrary point.
int64_t monotonic_now_ns();

}  // namespace hawser::net
