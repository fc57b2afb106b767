#include "options.h"

#include <charconv>
#include <string_view>

namespace ceiling {
namespace {

template <typename Number>
bool read(std::string_view text, Number least, Number most, Number& value) {
  Number found{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (!(found >= least && found <= most)) return false;
  value = found;
  return true;
}

}  // namespace

std::string read_options(std::span<char*> arguments, Options& options) {
  if (arguments.empty()) return "recv, send, echo or ping?";
  options.role = arguments[0];
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--sealed") {
      options.sealed = true;
    } else if (name == "--no-gso") {
      options.gso = false;
    } else if (name == "--spin") {
      options.spin = true;
    } else {
      if (++i == arguments.size()) return std::string(name) + ": unknown, or without a value";
      const std::string_view value = arguments[i];
      if (name == "--host") {
        options.host = value;
      } else if (name == "--port") {
        if (!read<uint16_t>(value, 0, 65535, options.port)) return "--port: 0 to 65535";
      } else if (name == "--bytes") {
        if (!read<size_t>(value, 48, 65507, options.bytes)) return "--bytes: 48 to 65507";
      } else if (name == "--seconds") {
        if (!read<double>(value, 0.01, 3600, options.seconds)) return "--seconds: 0.01 to 3600";
      } else if (name == "--cpu") {
        if (!read<int>(value, 0, 1023, options.cpu)) return "--cpu: 0 to 1023";
      } else {
        return std::string(name) + ": unknown";
      }
    }
  }
  return {};
}

}  // namespace ceiling
