#pragma once

#include <cstdint>
#include <iterator>
#include <vector>

#include "test/fuzz/script.h"
#include "wire/endian.h"
#include "wire/limits.h"
#include "wire/varint.h"

namespace hawser::fuzz {

// What the fields of a frame are, in the order of PROTOCOL.md §5. A new type needs a line here.
//   c  a channel id        v  any varint            u  u32, a sequence or a count
//   b  a block of bytes    m  packed messages       p  a packet number that the victim has sent
//   *  how often what follows is there, which goes on to the end
//   +  the same less one; the first time only the next field is there (ACK: no gap before it)
struct FrameShape {
  uint8_t type;
  const char* fields;
};

inline constexpr FrameShape kShapes[] = {
    {0x00, ""},    {0x01, ""},      {0x02, "pv+vvv"}, {0x04, ""},       {0x05, "vvvv"},
    {0x06, "*cu"}, {0x07, "c*uv"},  {0x08, "cuv"},    {0x09, "cvvvvv"}, {0x0a, "cvvvv"},
    {0x0b, "cv"},  {0x0c, "cv"},    {0x0d, "v"},      {0x0e, "cbbvvv"}, {0x0f, "cvvv"},
    {0x10, "cv"},  {0x11, "cvvvb"}, {0x12, "vb"},     {0x14, "cum"},    {0x15, "cuvvb"},
    {0x28, "c"},   {0x40, "b"},     {0x03, "vvb"},    {0x16, "uu"},     {0x17, "uu"},
};

// Makes frames that look right and say anything: what the reader accepts most of, with values that
// the state of a session may not allow.
class FrameMaker {
 public:
  // latest: the last packet number that the victim used.
  FrameMaker(Script& script, uint64_t latest) : script_(script), latest_(latest) {}

  void add(std::vector<uint8_t>& out) {
    const FrameShape& shape = kShapes[script_.below(std::size(kShapes))];
    varint(out, shape.type);
    for (const char* field = shape.fields; *field != 0; field++) {
      if (*field != '*' && *field != '+') {
        one(*field, out);
        continue;
      }
      const uint32_t more = script_.below(4);
      const bool less_one = *field == '+';
      varint(out, less_one ? more : more + 1);
      if (less_one) one(*++field, out);
      for (uint32_t i = less_one ? 1 : 0; i <= more; i++) {
        for (const char* again = field + 1; *again != 0; again++) one(*again, out);
      }
      return;
    }
  }

 private:
  void one(char field, std::vector<uint8_t>& out) {
    switch (field) {
      case 'c':
        varint(out, script_.u8() % 12);
        break;
      case 'u': {
        uint8_t bytes[4];
        const uint8_t low = script_.u8();
        wire::store_u32(bytes, low < 240 ? low % 48u : low < 250 ? script_.u32() : 0u - low % 8u);
        out.insert(out.end(), bytes, bytes + 4);
        break;
      }
      case 'p':
        varint(out, latest_ - std::min<uint64_t>(latest_, script_.u8()));
        break;
      case 'b':
        block(out);
        break;
      case 'm':
        messages(out);
        break;
      default:
        varint(out, value());
        break;
    }
  }

  // Mostly small, now and then at the edge of something.
  uint64_t value() {
    static constexpr uint64_t kEdges[] = {
        wire::kMaxVarint, wire::kMaxMessage, 0xffff'ffff, 65'536, 65'535, 4'096, 1u << 24, 1'024};
    const uint8_t first = script_.u8();
    if (first < 160) return first % 64;
    if (first < 200) return script_.u16();
    if (first < 220) return script_.u32();
    if (first < 240) return script_.u64() & wire::kMaxVarint;
    return (kEdges[first % 8] + (first >= 248 ? 1 : 0)) & wire::kMaxVarint;
  }

  static void varint(std::vector<uint8_t>& out, uint64_t value) {
    uint8_t bytes[wire::kMaxVarintBytes];
    const uint8_t* const end = wire::write_varint(bytes, value);
    out.insert(out.end(), static_cast<const uint8_t*>(bytes), end);
  }

  // Letters: also valid as a service or a reason.
  void block(std::vector<uint8_t>& out) {
    const uint32_t length = script_.length() % 1'500;
    varint(out, length);
    out.insert(out.end(), length, 'x');
  }

  void messages(std::vector<uint8_t>& out) {
    std::vector<uint8_t> run;
    for (uint32_t count = 1 + script_.below(6); count != 0; count--) {
      const uint32_t length = script_.length() % 400;
      varint(run, length);
      run.insert(run.end(), length, 'm');
    }
    varint(out, run.size());
    out.insert(out.end(), run.begin(), run.end());
  }

  Script& script_;
  const uint64_t latest_;
};

}  // namespace hawser::fuzz
