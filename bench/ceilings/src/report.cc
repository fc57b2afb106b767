#include "report.h"

#include <sys/resource.h>

#include <array>
#include <cstdio>

namespace ceiling {

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string& Report::member(std::string_view name) {
  if (!members_.empty()) members_ += ',';
  return members_ += '"' + std::string(name) + "\":";
}

Report& Report::number(std::string_view name, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.6f", value);
  member(name) += text.data();
  return *this;
}

Report& Report::count(std::string_view name, uint64_t value) {
  member(name) += std::to_string(value);
  return *this;
}

Report& Report::flag(std::string_view name, bool value) {
  member(name) += value ? "true" : "false";
  return *this;
}

void Report::print() const {
  std::printf("{%s}\n", members_.c_str());
  std::fflush(stdout);
}

}  // namespace ceiling
