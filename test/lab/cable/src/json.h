// As much of JSON as the control protocol needs.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace cable {

using JsonValue = std::variant<double, bool, std::string>;
using JsonObject = std::map<std::string, JsonValue, std::less<>>;

/// Reads an object of numbers, strings without escapes, true and false; nothing nested. nullopt for
/// all else.
std::optional<JsonObject> read_json(std::string_view text);

/// Writes an object, member by member.
class JsonWriter {
 public:
  JsonWriter& number(std::string_view name, uint64_t value);
  JsonWriter& boolean(std::string_view name, bool value);
  /// Quotes and backslashes are escaped; no control characters.
  JsonWriter& string(std::string_view name, std::string_view value);
  JsonWriter& object(std::string_view name, const JsonWriter& value);
  std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string& member(std::string_view name);

  std::string members_;
};

}  // namespace cable
