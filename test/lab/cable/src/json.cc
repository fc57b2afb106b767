#include "json.h"

#include <charconv>
#include <system_error>

namespace cable {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<JsonObject> object() {
    JsonObject members;
    if (!skip('{')) return std::nullopt;
    if (!skip('}')) {
      do {
        auto name = string();
        if (!name || !skip(':')) return std::nullopt;
        auto member = value();
        if (!member) return std::nullopt;
        members.insert_or_assign(std::move(*name), std::move(*member));
      } while (skip(','));
      if (!skip('}')) return std::nullopt;
    }
    space();
    if (!rest_.empty()) return std::nullopt;
    return members;
  }

 private:
  void space() {
    const size_t at = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at);
  }

  bool skip(char wanted) {
    space();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool skip(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<std::string> string() {
    if (!skip('"')) return std::nullopt;
    const size_t end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos || rest_[end] == '\\') return std::nullopt;
    std::string found(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return found;
  }

  std::optional<JsonValue> value() {
    space();
    if (rest_.starts_with('"')) {
      auto text = string();
      if (!text) return std::nullopt;
      return JsonValue(std::move(*text));
    }
    if (skip(std::string_view("true"))) return JsonValue(true);
    if (skip(std::string_view("false"))) return JsonValue(false);
    double number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return JsonValue(number);
  }

  std::string_view rest_;
};

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace

std::optional<JsonObject> read_json(std::string_view text) { return Reader(text).object(); }

std::string& JsonWriter::member(std::string_view name) {
  if (!members_.empty()) members_ += ',';
  return members_ += quoted(name) + ":";
}

JsonWriter& JsonWriter::number(std::string_view name, uint64_t value) {
  member(name) += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::boolean(std::string_view name, bool value) {
  member(name) += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view name, std::string_view value) {
  member(name) += quoted(value);
  return *this;
}

JsonWriter& JsonWriter::object(std::string_view name, const JsonWriter& value) {
  member(name) += value.text();
  return *this;
}

}  // namespace cable
