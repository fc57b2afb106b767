// Reads the committed vectors: every valid one decodes to the fields that it shows and is written
// back to its bytes, every invalid one is refused.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "test/unit/wire_support.h"
#include "wire/number.h"
#include "wire/packet.h"
#include "wire/vectors/json.h"

namespace hawser::wire::testing {
namespace {

using vectors::Json;
using vectors::printed;

std::string folder() { return std::string(HAWSER_NATIVE_DIR) + "/wire/vectors/"; }

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

// Reads a datagram as far as this room can: with the null protection's tag. False: to be dropped.
bool read_packet(Exact& bytes, Json& packet, Bytes& again) {
  PacketType type = PacketType::kData;
  if (!classify(bytes.begin(), bytes.size(), type)) return false;
  again.assign(kInitBytes, 0);
  switch (type) {
    case PacketType::kData: {
      DataHeader header{};
      if (!read_data_header(bytes.begin(), bytes.size(), header)) return false;
      const uint8_t* const frames = bytes.begin() + kHeaderBytes;
      const uint8_t* const tag = bytes.end() - kTagBytes;
      if (Bytes(tag, tag + kTagBytes) != Bytes(kTagBytes)) return false;
      packet = vectors::describe(header, frames, static_cast<size_t>(tag - frames));
      write_data_header(again.data(), header);
      again.resize(kHeaderBytes);
      again.insert(again.end(), frames, tag + kTagBytes);
      return true;
    }
    case PacketType::kInit: {
      Init init{};
      if (!read_init(bytes.begin(), bytes.size(), init)) return false;
      packet = vectors::describe(init);
      again.resize(write_init(again.data(), again.size(), init));
      return true;
    }
    case PacketType::kResponse: {
      Response response{};
      if (!read_response(bytes.begin(), bytes.size(), response)) return false;
      packet = vectors::describe(response);
      again.resize(write_response(again.data(), again.size(), response));
      return true;
    }
  }
  return false;
}

TEST(WireVectors, Packets) {
  for (const Json& vector : load("packets.json", "packets")) {
    SCOPED_TRACE(vector.at("name").text);
    const Bytes bytes = bytes_of(vector);
    Exact exact(bytes);
    Json packet;
    Bytes again;
    const bool read = read_packet(exact, packet, again);
    EXPECT_EQ(read, vector.find("invalid") == nullptr);
    if (!read || vector.find("invalid") != nullptr) continue;
    EXPECT_EQ(printed(packet), printed(vector.at("packet")));
    EXPECT_EQ(again == bytes, is_exact(vector));
  }
}

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
