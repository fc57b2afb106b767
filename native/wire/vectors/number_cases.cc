#include "wire/number.h"
#include "wire/varint.h"
#include "wire/vectors/cases.h"

namespace hawser::wire::vectors {

namespace {

Json varint(uint64_t value) {
  uint8_t buffer[kMaxVarintBytes];
  const uint8_t* behind = write_varint(buffer, value);
  Json json = Json::object();
  json.set("hex", hex_json(buffer, static_cast<size_t>(behind - buffer)));
  json.set("value", Json::number(value));
  return json;
}

Json invalid_varint(const char* hex, const char* why) {
  Json json = Json::object();
  json.set("hex", Json::string(hex));
  json.set("invalid", Json::string(why));
  return json;
}

Json varints() {
  Json list = Json::array();
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{1}, uint64_t{63}, uint64_t{64}, uint64_t{16383}, uint64_t{16384},
        (uint64_t{1} << 30) - 1, uint64_t{1} << 30, uint64_t{1} << 32, kMaxVarint}) {
    list.add(varint(value));
  }
  // The examples of RFC 9000 A.1.
  for (const uint64_t value :
       {uint64_t{151288809941952652}, uint64_t{494878333}, uint64_t{15293}, uint64_t{37}}) {
    list.add(varint(value));
  }
  list.add(invalid_varint("", "nothing there"));
  list.add(invalid_varint("40", "cut off: one of two bytes"));
  list.add(invalid_varint("8000ff", "cut off: three of four bytes"));
  list.add(invalid_varint("c0000000ffffff", "cut off: seven of eight bytes"));
  // RFC 9000 A.1 gives this one as a valid form of 37; here it is not.
  list.add(invalid_varint("4025", "37 in two bytes"));
  list.add(invalid_varint("403f", "63 in two bytes"));
  list.add(invalid_varint("80000000", "0 in four bytes"));
  list.add(invalid_varint("80003fff", "16383 in four bytes"));
  list.add(invalid_varint("c000000000000025", "37 in eight bytes"));
  list.add(invalid_varint("c00000003fffffff", "2^30 - 1 in eight bytes"));
  return list;
}

Json restored_numbers() {
  constexpr uint64_t kHalf = uint64_t{1} << 31;
  constexpr uint64_t kSpan = uint64_t{1} << 32;
  struct Case {
    uint64_t expected;
    uint64_t truncated_from;
    const char* note;
  };
  const Case cases[] = {
      {0, 0, "before the first packet"},
      {0, kHalf - 1, "the largest first packet number"},
      {0, kHalf, "no candidate below"},
      {0, kSpan - 1, "the candidate below would be negative"},
      {kHalf - 1, kSpan - 1, "equally far from a negative one, which is none"},
      {kHalf, 0, "a candidate as far above: wins"},
      {kHalf + 1, 1, "a candidate as far above: wins"},
      {1000, 1000, "the expected one"},
      {1000, 999, "one before"},
      {kSpan, kSpan - 1, "below the step"},
      {kSpan - 1, kSpan, "above the step"},
      {kSpan + 5, kSpan + 5 + kHalf, "half a span above"},
      {kSpan + 5, kSpan + 5 - kHalf + 1, "the oldest that can be told"},
      {7 * kSpan + 9, 7 * kSpan + 8, "later spans"},
      {kMaxVarint, kMaxVarint, "the last number"},
      {kMaxVarint, kMaxVarint - kHalf + 1, "half a span before the last number"},
      {kMaxVarint, kMaxVarint - kHalf, "nothing above the last number"},
  };
  Json list = Json::array();
  for (const Case& c : cases) {
    const uint32_t truncated = truncate32(c.truncated_from);
    Json json = Json::object();
    json.set("note", Json::string(c.note));
    json.set("expected", Json::number(c.expected));
    json.set("truncated", Json::number(truncated));
    json.set("number", Json::number(expand32(c.expected, truncated)));
    list.add(std::move(json));
  }
  return list;
}

}  // namespace

Json number_vectors() {
  Json groups = Json::object();
  groups.set("varints", varints());
  groups.set("restored", restored_numbers());
  return groups;
}

}  // namespace hawser::wire::vectors
