// Reads the committed vectors: every valid one decodes to the fields that it shows and is written
// back to its bytes, every invalid one is refused.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "test/unit/wire_support.h"
#include "wire/number.h"
#include "wire/packet.h"
#include "wire/vectors/describe_packets.h"
#include "wire/vectors/json.h"

namespace hawser::wire::testing {
namespace {

using vectors::Json;
using vectors::printed;

std::string folder() { return HAWSER_NATIVE_DIR "/wire/vectors/"; }

std::string content(const std::string& path) {
  std::string text;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  char buffer[4096];
  for (size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;) {
    text.append(buffer, got);
  }
  std::fclose(file);
  return text;
}

// The vectors of one group; never empty, or the test would check nothing.
std::vector<Json> load(const char* file, const char* group) {
  const std::string text = content(folder() + file);
  EXPECT_FALSE(text.empty()) << folder() + file;
  vectors::JsonReader reader(text);
  const Json json = reader.read();
  EXPECT_TRUE(reader.ok()) << file;
  const Json* list = json.find(group);
  EXPECT_TRUE(list != nullptr && !list->items.empty()) << file << ": " << group;
  return list == nullptr ? std::vector<Json>{} : list->items;
}

Bytes bytes_of(const Json& vector) {
  Bytes bytes = vectors::from_hex(vector.at("hex").text);
  if (const Json* zeros = vector.find("zeros")) {
    bytes.resize(bytes.size() + std::strtoull(zeros->text.c_str(), nullptr, 10));
  }
  return bytes;
}

uint64_t number_of(const Json& vector, const char* name) {
  return std::strtoull(vector.at(name).text.c_str(), nullptr, 10);
}

bool is_exact(const Json& vector) {
  const Json* exact = vector.find("exact");
  return exact == nullptr || exact->truth;
}

TEST(WireVectors, Varints) {
  for (const Json& vector : load("numbers.json", "varints")) {
    SCOPED_TRACE(printed(vector));
    Exact bytes(bytes_of(vector));
    uint64_t value = 0;
    const uint8_t* behind = read_varint(bytes.begin(), bytes.end(), value);
    if (vector.find("invalid") != nullptr) {
      EXPECT_EQ(behind, nullptr);
      continue;
    }
    ASSERT_EQ(behind, bytes.end());
    EXPECT_EQ(value, number_of(vector, "value"));
    Exact again(Bytes(varint_size(value)));
    write_varint(again.begin(), value);
    EXPECT_EQ(Bytes(again.begin(), again.end()), Bytes(bytes.begin(), bytes.end()));
  }
}

TEST(WireVectors, RestoredNumbers) {
  for (const Json& vector : load("numbers.json", "restored")) {
    SCOPED_TRACE(printed(vector));
    const uint64_t number = number_of(vector, "number");
    const auto truncated = static_cast<uint32_t>(number_of(vector, "truncated"));
    EXPECT_EQ(truncate32(number), truncated);
    EXPECT_EQ(expand32(number_of(vector, "expected"), truncated), number);
  }
}

// Reads a datagram as far as this room can. False: to be dropped. `again`: as it would be written.
bool read_packet(Exact& bytes, Json& packet, Bytes& again) {
  PacketType type = PacketType::kData;
  if (!classify(bytes.begin(), bytes.size(), type)) return false;
  again.assign(kInitHeaderBytes, 0);
  switch (type) {
    case PacketType::kData: {
      DataHeader header{};
      if (!read_data_header(bytes.begin(), bytes.size(), header)) return false;
      const uint8_t* const content = bytes.begin() + kHeaderBytes;
      const uint8_t* const tag = bytes.end() - kTagBytes;
      packet = vectors::describe(header, content, static_cast<size_t>(tag - content), tag);
      again.resize(static_cast<size_t>(write_data_header(again.data(), header) - again.data()));
      again.insert(again.end(), content, tag + kTagBytes);
      return true;
    }
    case PacketType::kInit: {
      InitHeader header{};
      if (!read_init_header(bytes.begin(), bytes.size(), header)) return false;
      packet = vectors::describe(header, bytes.begin());
      again.resize(static_cast<size_t>(write_init_header(again.data(), header) - again.data()));
      again.insert(again.end(), init_message(bytes.begin()), init_mac1(bytes.begin()));
      again.insert(again.end(), init_mac1(bytes.begin()), init_mac2(bytes.begin()));
      again.insert(again.end(), init_mac2(bytes.begin()), bytes.end());
      return true;
    }
    case PacketType::kResponse: {
      ResponseHeader header{};
      const uint8_t* message = nullptr;
      size_t length = 0;
      if (!read_response(bytes.begin(), bytes.size(), header, message, length)) return false;
      packet = vectors::describe(header, message, length);
      again.resize(static_cast<size_t>(write_response_header(again.data(), header) - again.data()));
      again.insert(again.end(), message, message + length);
      return true;
    }
    case PacketType::kCookie: {
      Cookie cookie{};
      if (!read_cookie(bytes.begin(), bytes.size(), cookie)) return false;
      packet = vectors::describe(cookie);
      again.resize(kCookiePacketBytes);
      again.resize(write_cookie(again.data(), again.size(), cookie));
      return true;
    }
  }
  return false;
}

bool read_init(Exact& bytes, Json& content, Bytes& again) {
  InitPayload payload{};
  if (!read_init_payload(bytes.begin(), bytes.size(), payload)) return false;
  content = vectors::describe(payload);
  again.resize(kInitPayloadBytes);
  return write_init_payload(again.data(), payload);
}

bool read_response(Exact& bytes, Json& content, Bytes& again) {
  ResponsePayload payload{};
  if (!read_response_payload(bytes.begin(), bytes.size(), payload)) return false;
  content = vectors::describe(payload);
  again.resize(kMaxResponsePayload);
  again.resize(write_response_payload(again.data(), again.size(), payload));
  return true;
}

// `key`: what a vector shows its content under.
void check_all(const char* group, const char* key, bool (*read)(Exact&, Json&, Bytes&)) {
  for (const Json& vector : load("packets.json", group)) {
    SCOPED_TRACE(vector.at("name").text);
    const Bytes bytes = bytes_of(vector);
    Exact exact(bytes);
    Json content;
    Bytes again;
    const bool valid = read(exact, content, again);
    EXPECT_EQ(valid, vector.find("invalid") == nullptr);
    if (!valid || vector.find("invalid") != nullptr) continue;
    EXPECT_EQ(printed(content), printed(vector.at(key)));
    EXPECT_EQ(again == bytes, is_exact(vector));
  }
}

TEST(WireVectors, Packets) { check_all("packets", "packet", read_packet); }
TEST(WireVectors, InitPayloads) { check_all("init_payloads", "payload", read_init); }
TEST(WireVectors, ResponsePayloads) { check_all("response_payloads", "payload", read_response); }

TEST(WireVectors, Frames) {
  for (const Json& vector : load("frames.json", "frames")) {
    SCOPED_TRACE(vector.at("name").text);
    const Bytes bytes = bytes_of(vector);
    Exact exact(bytes);
    FrameReader reader(exact.begin(), exact.size());
    Json frames = Json::array();
    Bytes again(bytes.size());
    uint8_t* out = again.data();
    Frame frame;
    FrameReader::Next next = reader.next(frame);
    for (; next == FrameReader::Next::kFrame; next = reader.next(frame)) {
      frames.add(vectors::describe(frame));
      out = vectors::write(out, again.data() + again.size(), frame);
      ASSERT_NE(out, nullptr);
    }
    if (vector.find("invalid") != nullptr) {
      EXPECT_EQ(next, FrameReader::Next::kError);
      continue;
    }
    EXPECT_EQ(next, FrameReader::Next::kEnd) << reader.error();
    EXPECT_EQ(printed(frames), printed(vector.at("frames")));
    again.resize(static_cast<size_t>(out - again.data()));
    EXPECT_EQ(again == bytes, is_exact(vector));
  }
}

}  // namespace
}  // namespace hawser::wire::testing
