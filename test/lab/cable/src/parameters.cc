#include "parameters.h"

#include <array>
#include <variant>

namespace cable {
namespace {

using Setter = void (*)(Parameters&, double);

struct Field {
  std::string_view name;
  double maximum;
  Setter set;
};

constexpr double kMaximumMs = 3.6e6;

/// The numbers, each from 0. The checks that concern several of them are the caller's.
constexpr std::array kFields = {
    Field{"rate", 1e11, [](Parameters& p, double v) { p.rate = v; }},
    Field{"queueBytes", 1e12,
          [](Parameters& p, double v) { p.queue_bytes = static_cast<uint64_t>(v); }},
    Field{"delayMs", kMaximumMs, [](Parameters& p, double v) { p.delay = milliseconds(v); }},
    Field{"jitterMs", kMaximumMs, [](Parameters& p, double v) { p.jitter = milliseconds(v); }},
    Field{"loss", 1, [](Parameters& p, double v) { p.loss = v; }},
    Field{"burstEnter", 1, [](Parameters& p, double v) { p.burst.enter = v; }},
    Field{"burstLeave", 1, [](Parameters& p, double v) { p.burst.leave = v; }},
    Field{"burstGood", 1, [](Parameters& p, double v) { p.burst.good = v; }},
    Field{"burstBad", 1, [](Parameters& p, double v) { p.burst.bad = v; }},
    Field{"duplicate", 1, [](Parameters& p, double v) { p.duplicate = v; }},
    Field{"reorder", 1, [](Parameters& p, double v) { p.reorder = v; }},
    Field{"reorderMs", kMaximumMs, [](Parameters& p, double v) { p.reorder_by = milliseconds(v); }},
    Field{"mtu", 65535, [](Parameters& p, double v) { p.mtu = static_cast<uint64_t>(v); }},
    Field{"outageEveryMs", kMaximumMs,
          [](Parameters& p, double v) { p.outage_every = milliseconds(v); }},
    Field{"outageForMs", kMaximumMs,
          [](Parameters& p, double v) { p.outage_for = milliseconds(v); }},
};

}  // namespace

std::string Parameters::set(std::string_view name, const JsonValue& value) {
  const std::string shown(name);
  for (const auto& [flag_name, flag] :
       {std::pair{std::string_view("down"), &Parameters::down},
        std::pair{std::string_view("jitterReorders"), &Parameters::jitter_reorders}}) {
    if (flag_name != name) continue;
    const bool* wanted = std::get_if<bool>(&value);
    if (wanted == nullptr) return shown + ": true or false";
    this->*flag = *wanted;
    return {};
  }
  for (const Field& field : kFields) {
    if (field.name != name) continue;
    const double* number = std::get_if<double>(&value);
    if (number == nullptr || !(*number >= 0) || *number > field.maximum) {
      return shown + ": a number from 0 to " + std::to_string(field.maximum);
    }
    field.set(*this, *number);
    return {};
  }
  return shown + ": there is no such parameter";
}

}  // namespace cable
