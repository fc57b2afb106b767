#pragma once

// How the lists of vectors are put together. For the generator only.

#include <cstring>
#include <string>
#include <utility>

#include "wire/vectors/describe_packets.h"
#include "wire/vectors/json.h"

namespace hawser::wire::vectors {

Json frame_vectors();
Json packet_vectors();  // with those of payload_vectors()
Json payload_vectors();
Json number_vectors();

inline Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

// `length` bytes that count up from `first`.
inline Bytes counting(uint8_t first, size_t length) {
  Bytes bytes;
  for (size_t i = 0; i < length; ++i) bytes.push_back(static_cast<uint8_t>(first + i));
  return bytes;
}

// An id or token whose bytes count up from `first`.
template <typename Id>
Id counting_id(uint8_t first) {
  Id id;
  for (uint8_t& byte : id.bytes) byte = first++;
  return id;
}

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A vector's first fields. A long run of zeros at its end is counted, not shown.
inline Json vector_start(const std::string& name, const Bytes& bytes) {
  constexpr size_t kLongRun = 64;
  size_t shown = bytes.size();
  while (shown > 0 && bytes[shown - 1] == 0) --shown;
  if (bytes.size() - shown < kLongRun) shown = bytes.size();
  Json json = Json::object();
  json.set("name", Json::string(name));
  json.set("hex", Json::string(to_hex(bytes.data(), shown)));
  if (shown < bytes.size()) json.set("zeros", Json::number(bytes.size() - shown));
  return json;
}

inline Json invalid_vector(const std::string& name, const std::string& why, const Bytes& bytes) {
  Json json = vector_start(name, bytes);
  json.set("invalid", Json::string(why));
  return json;
}

// Shorter, or longer by zeros.
inline Bytes cut(Bytes bytes, size_t length) {
  bytes.resize(length);
  return bytes;
}

inline Bytes changed(Bytes bytes, size_t at, uint8_t value) {
  bytes[at] = value;
  return bytes;
}

// A list of vectors that show what their bytes say under one key.
class Vectors {
 public:
  explicit Vectors(const char* key) : key_(key) {}

  void exact(const char* name, const Bytes& bytes, Json content) {
    add(name, bytes, std::move(content), true);
  }
  // Valid bytes that the writer would write in another way.
  void other_form(const char* name, const Bytes& bytes, Json content) {
    add(name, bytes, std::move(content), false);
  }
  void invalid(const char* name, const char* why, const Bytes& bytes) {
    list_.add(invalid_vector(name, why, bytes));
  }

  Json take() { return std::move(list_); }

 private:
  void add(const char* name, const Bytes& bytes, Json content, bool exact) {
    Json json = vector_start(name, bytes);
    if (!exact) json.set("exact", Json::boolean(false));
    json.set(key_, std::move(content));
    list_.add(std::move(json));
  }

  const char* key_;
  Json list_ = Json::array();
};

// The bytes of a frame; one that cannot be written is a mistake in the list.
template <typename AnyFrame>
Bytes written(const AnyFrame& frame) {
  Bytes buffer(kMaxDatagram);
  uint8_t* behind = wire::write(buffer.data(), buffer.data() + buffer.size(), frame);
  if (behind == nullptr) {
    std::fprintf(stderr, "vectors: cannot write %s\n", printed(describe(frame)).c_str());
    std::abort();
  }
  buffer.resize(static_cast<size_t>(behind - buffer.data()));
  return buffer;
}

}  // namespace hawser::wire::vectors
