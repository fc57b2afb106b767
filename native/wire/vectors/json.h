#pragma once

// The little JSON that the vectors need: objects, arrays, strings, true and false. Numbers are
// written as strings, because they reach 62 bits. For the generator and the tests, never for the
// addon.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace hawser::wire::vectors {

struct Json {
  enum class Kind { kString, kBoolean, kArray, kObject };

  Kind kind = Kind::kString;
  std::string text;  // of a string
  bool truth = false;
  std::vector<Json> items;                           // of an array
  std::vector<std::pair<std::string, Json>> fields;  // of an object, in their order

  static Json string(std::string value) {
    Json json;
    json.text = std::move(value);
    return json;
  }
  static Json number(uint64_t value) { return string(std::to_string(value)); }
  static Json boolean(bool value) {
    Json json;
    json.kind = Kind::kBoolean;
    json.truth = value;
    return json;
  }
  static Json array() {
    Json json;
    json.kind = Kind::kArray;
    return json;
  }
  static Json object() {
    Json json;
    json.kind = Kind::kObject;
    return json;
  }

  Json& add(Json value) & {
    items.push_back(std::move(value));
    return *this;
  }
  Json& set(const char* name, Json value) & {
    fields.emplace_back(name, std::move(value));
    return *this;
  }
  const Json* find(const char* name) const {
    for (const auto& [key, value] : fields) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  // A field that must be there.
  const Json& at(const char* name) const {
    const Json* found = find(name);
    if (found == nullptr) {
      std::fprintf(stderr, "vectors: no field %s\n", name);
      std::abort();
    }
    return *found;
  }

  friend bool operator==(const Json&, const Json&) = default;
};

inline void print_string(std::string& out, const std::string& text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// On one line.
inline void print(std::string& out, const Json& json) {
  const char* separator = "";
  switch (json.kind) {
    case Json::Kind::kString:
      print_string(out, json.text);
      break;
    case Json::Kind::kBoolean:
      out += json.truth ? "true" : "false";
      break;
    case Json::Kind::kArray:
      out += '[';
      for (const Json& item : json.items) {
        out += separator;
        print(out, item);
        separator = ", ";
      }
      out += ']';
      break;
    case Json::Kind::kObject:
      out += '{';
      for (const auto& [name, value] : json.fields) {
        out += separator;
        print_string(out, name);
        out += ": ";
        print(out, value);
        separator = ", ";
      }
      out += '}';
      break;
  }
}

inline std::string printed(const Json& json) {
  std::string out;
  print(out, json);
  return out;
}

// Reads what print() writes, white space anywhere. ok() is false after anything else.
class JsonReader {
 public:
  explicit JsonReader(const std::string& text) : text_(text) {}

  Json read() {
    Json json = value();
    skip_space();
    if (at_ != text_.size()) ok_ = false;
    return json;
  }
  bool ok() const { return ok_; }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) ok_ = false;
  }
  bool take_word(const char* word) {
    const size_t length = std::char_traits<char>::length(word);
    if (text_.compare(at_, length, word) != 0) return false;
    at_ += length;
    return true;
  }

  std::string string_content() {
    std::string content;
    while (ok_ && at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      content += text_[at_++];
    }
    expect('"');
    return content;
  }

  Json value() {
    if (take('"')) return Json::string(string_content());
    if (take('[')) {
      Json json = Json::array();
      if (take(']')) return json;
      do {
        json.add(value());
      } while (ok_ && take(','));
      expect(']');
      return json;
    }
    if (take('{')) {
      Json json = Json::object();
      if (take('}')) return json;
      do {
        expect('"');
        std::string name = string_content();
        expect(':');
        json.fields.emplace_back(std::move(name), value());
      } while (ok_ && take(','));
      expect('}');
      return json;
    }
    if (take_word("true")) return Json::boolean(true);
    if (take_word("false")) return Json::boolean(false);
    ok_ = false;
    return {};
  }

  const std::string& text_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace hawser::wire::vectors
