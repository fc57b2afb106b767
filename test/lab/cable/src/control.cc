#include "control.h"

#include <cstdint>
#include <variant>

#include "json.h"

namespace cable {
namespace {

template <typename T>
const T* member(const JsonObject& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : std::get_if<T>(&found->second);
}

uint64_t microseconds(Duration duration) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

JsonWriter stats_of(const Lane& lane) {
  const Direction& direction = lane.direction;
  const Counters& counters = direction.counters();
  JsonWriter drops;
  drops.number("loss", counters.lost)
      .number("queue", counters.dropped_queue)
      .number("mtu", counters.dropped_mtu)
      .number("outage", counters.dropped_outage)
      .number("overflow", counters.dropped_overflow)
      .number("write", counters.dropped_write);
  JsonWriter queue;
  queue.number("packets", direction.queue_packets())
      .number("bytes", direction.queue_bytes())
      .number("mostPackets", counters.queue_packets_most)
      .number("mostBytes", counters.queue_bytes_most);
  JsonWriter stats;
  stats.number("packetsIn", counters.packets_in)
      .number("bytesIn", counters.bytes_in)
      .number("packetsOut", counters.packets_out)
      .number("bytesOut", counters.bytes_out)
      .object("drops", drops)
      .number("duplicated", counters.duplicated)
      .number("reordered", counters.reordered)
      .object("queue", queue)
      .number("inFlight", direction.in_flight())
      .number("unread", lane.from->unread())
      .number("latestUs", microseconds(counters.late_most));
  return stats;
}

/// Returns what is wrong, or nothing.
std::string set(const JsonObject& command, Time now, Lanes& lanes) {
  const std::string* only = member<std::string>(command, "direction");
  std::array<Parameters, 2> wanted{lanes[0].direction.parameters(),
                                   lanes[1].direction.parameters()};
  bool found = false;
  for (size_t i = 0; i < lanes.size(); ++i) {
    if (only != nullptr && *only != lanes[i].name) continue;
    found = true;
    for (const auto& [name, value] : command) {
      if (name == "id" || name == "command" || name == "direction") continue;
      std::string error = wanted[i].set(name, value);
      if (!error.empty()) return error;
    }
  }
  if (!found) return "direction: " + lanes[0].name + " or " + lanes[1].name;
  for (size_t i = 0; i < lanes.size(); ++i) lanes[i].direction.set_parameters(now, wanted[i]);
  return {};
}

/// Adds what `command` asks for to its answer.
void carry_out(const JsonObject& command, Time now, Lanes& lanes, JsonWriter& answer) {
  const std::string* what = member<std::string>(command, "command");
  if (what != nullptr && *what == "set") {
    const std::string error = set(command, now, lanes);
    if (error.empty()) {
      answer.boolean("ok", true);
    } else {
      answer.string("error", error);
    }
  } else if (what != nullptr && *what == "stats") {
    answer.number("timeUs", microseconds(now));
    for (Lane& lane : lanes) {
      lane.direction.advance(now);
      answer.object(lane.name, stats_of(lane));
    }
  } else {
    answer.string("error", "command: set or stats");
  }
}

}  // namespace

std::string obey(std::string_view line, Time now, Lanes& lanes) {
  JsonWriter answer;
  const auto command = read_json(line);
  if (!command) return answer.string("error", "not an object of plain members").text();
  const double* id = member<double>(*command, "id");
  answer.number("id", id == nullptr ? 0 : static_cast<uint64_t>(*id));
  carry_out(*command, now, lanes, answer);
  return answer.text();
}

}  // namespace cable
