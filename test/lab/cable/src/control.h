// Commands and answers, a line of JSON each.

#pragma once

#include <array>
#include <string>
#include <string_view>

#include "clock_time.h"
#include "direction.h"
#include "tap.h"

namespace cable {

/// What a frame from one end goes through to come out at the other.
struct Lane {
  std::string name;
  const Tap* from;
  const Tap* to;
  Direction direction;
};

using Lanes = std::array<Lane, 2>;

/// Does what a line says and returns the line that answers it, without its end:
///
///   {"id":1,"command":"set","direction":"leftToRight","loss":0.01}      {"id":1,"ok":true}
///   {"id":2,"command":"stats"}           {"id":2,"timeUs":…,"leftToRight":{…},"rightToLeft":{…}}
///   anything else                                   {"id":3,"error":"…"}
///
/// Without a direction, `set` is about both. If one of its parameters is wrong, none is set.
std::string obey(std::string_view line, Time now, Lanes& lanes);

}  // namespace cable
