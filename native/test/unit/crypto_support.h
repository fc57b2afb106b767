#pragma once

// What the tests of native/crypto share: hexadecimal, random values with a seed that is printed,
// and the published vectors.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "wire_support.h"

namespace hawser::crypto::testing {

using Bytes = std::vector<uint8_t>;
using wire::testing::Exact;
using wire::testing::Random;

inline Bytes from_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    ADD_FAILURE() << "not hexadecimal: " << c;
    return 0;
  };
  EXPECT_EQ(text.size() % 2, 0u) << text;
  Bytes bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return bytes;
}

inline std::string to_hex(const uint8_t* data, size_t length) {
  std::string text;
  for (size_t i = 0; i < length; i++) {
    text += "0123456789abcdef"[data[i] / 16];
    text += "0123456789abcdef"[data[i] % 16];
  }
  return text;
}
inline std::string to_hex(const Bytes& bytes) { return to_hex(bytes.data(), bytes.size()); }

inline Part part(const Bytes& bytes) { return {bytes.data(), bytes.size()}; }

inline Bytes joined(std::initializer_list<Bytes> pieces) {
  Bytes all;
  for (const Bytes& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

// One case of a file in native/test/vectors: `name = value` lines in their order.
class Case {
 public:
  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  bool empty() const { return fields_.empty(); }
  void clear() { fields_.clear(); }

  bool has(std::string_view name) const { return find(name) != nullptr; }
  // A field that must be there.
  const std::string& word(std::string_view name) const {
    static const std::string kNothing;
    const std::string* found = find(name);
    EXPECT_NE(found, nullptr) << name;
    return found == nullptr ? kNothing : *found;
  }
  Bytes bytes(std::string_view name) const { return from_hex(word(name)); }
  // All fields of that name.
  std::vector<Bytes> all(std::string_view name) const {
    std::vector<Bytes> values;
    for (const auto& [key, value] : fields_) {
      if (key == name) values.push_back(from_hex(value));
    }
    return values;
  }
  bool valid() const { return word("result") == "valid"; }

 private:
  const std::string* find(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
      if (key == name) return &value;
    }
    return nullptr;
  }

  std::vector<std::pair<std::string, std::string>> fields_;
};

inline std::vector<Case> read_cases(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<Case> cases;
  Case current;
  std::string line;
  const auto finish = [&] {
    if (!current.empty()) cases.push_back(current);
    current.clear();
  };
  while (std::getline(file, line)) {
    if (line.empty()) {
      finish();
      continue;
    }
    const size_t equals = line.find(" =");
    if (equals == std::string::npos) {
      ADD_FAILURE() << path << ": " << line;
      continue;
    }
    current.add(line.substr(0, equals),
                line.size() > equals + 3 ? line.substr(equals + 3) : std::string());
  }
  finish();
  return cases;
}

// Runs `check` on every case of a file in the repository, which must have so many.
template <typename Check>
void run_cases(const std::string& path, size_t expected, Check check) {
  const std::vector<Case> cases = read_cases(path);
  EXPECT_EQ(cases.size(), expected) << path;
  size_t ran = 0;
  for (const Case& one : cases) {
    ran++;
    SCOPED_TRACE(path + ", case " + std::to_string(ran));
    check(one);
    if (::testing::Test::HasFatalFailure()) return;
  }
  const size_t slash = path.rfind('/');
  std::printf("%s: %zu cases\n", path.c_str() + (slash == std::string::npos ? 0 : slash + 1), ran);
}

inline std::string vector_file(const char* name) {
  return std::string(HAWSER_NATIVE_DIR "/test/vectors/").append(name);
}

}  // namespace hawser::crypto::testing
