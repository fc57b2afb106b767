#include "wire/varint.h"

#include "wire/endian.h"

namespace hawser::wire::detail {

uint8_t* write_long_varint(uint8_t* out, uint64_t value) {
  if (value < 0x40000000) return store_u32(out, static_cast<uint32_t>(value) | 0x80000000u);
  return store_u64(out, value | uint64_t{3} << 62);
}

const uint8_t* read_long_varint(const uint8_t* p, const uint8_t* end, uint64_t& value) {
  if (*p < 0xc0) {
    if (end - p < 4) return nullptr;
    value = load_u32(p) & 0x3fffffffu;
    return value < 0x4000 ? nullptr : p + 4;
  }
  if (end - p < 8) return nullptr;
  value = load_u64(p) & kMaxVarint;
  return value < 0x40000000 ? nullptr : p + 8;
}

}  // namespace hawser::wire::detail
