// The line of JSON with which each process ends.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace ceiling {

using Clock = std::chrono::steady_clock;

inline double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// Processor time of this process so far, user and system, in seconds.
double cpu_seconds();

/// Writes an object, member by member, and prints it as a line.
class Report {
 public:
  explicit Report(std::string_view role) { member("role") += '"' + std::string(role) + '"'; }

  Report& number(std::string_view name, double value);
  Report& count(std::string_view name, uint64_t value);
  Report& flag(std::string_view name, bool value);
  void print() const;

 private:
  std::string& member(std::string_view name);

  std::string members_;
};

}  // namespace ceiling
