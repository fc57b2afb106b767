#include <gtest/gtest.h>

#include "test/unit/wire_support.h"
#include "wire/endian.h"
#include "wire/varint.h"

namespace hawser::wire::testing {
namespace {

constexpr uint64_t kEdges[] = {0,          1,           0x3f,           0x40,
                               0x3fff,     0x4000,      0x3fffffff,     0x40000000,
                               0xffffffff, 0x100000000, kMaxVarint - 1, kMaxVarint};

// The form of RFC 9000 §16 with 1, 2, 4 or 8 bytes, without regard to whether it is the shortest.
Bytes form(uint64_t value, size_t size) {
  const uint64_t prefix = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
  Bytes bytes(size);
  for (size_t i = size; i-- > 0; value >>= 8) bytes[i] = static_cast<uint8_t>(value);
  bytes[0] = static_cast<uint8_t>(bytes[0] | prefix << 6);
  return bytes;
}

const uint8_t* read(Exact& bytes, uint64_t& value) {
  return read_varint(bytes.begin(), bytes.end(), value);
}

TEST(WireVarint, SizesChangeAtTheEdges) {
  EXPECT_EQ(varint_size(0), 1u);
  EXPECT_EQ(varint_size(0x3f), 1u);
  EXPECT_EQ(varint_size(0x40), 2u);
  EXPECT_EQ(varint_size(0x3fff), 2u);
  EXPECT_EQ(varint_size(0x4000), 4u);
  EXPECT_EQ(varint_size(0x3fffffff), 4u);
  EXPECT_EQ(varint_size(0x40000000), 8u);
  EXPECT_EQ(varint_size(kMaxVarint), 8u);
  EXPECT_EQ(varint_size(kMaxVarint + 1), 0u);
  EXPECT_EQ(varint_size(UINT64_MAX), 0u);
}

void check_value(uint64_t value) {
  const size_t shortest = varint_size(value);
  Exact written(Bytes(shortest, 0xee));
  ASSERT_EQ(write_varint(written.begin(), value), written.end());
  EXPECT_EQ(Bytes(written.begin(), written.end()), form(value, shortest));

  uint64_t read_value = ~value;
  EXPECT_EQ(read(written, read_value), written.end());
  EXPECT_EQ(read_value, value);

  Exact with_more(form(value, shortest));
  for (const size_t size : {1, 2, 4, 8}) {
    if (size < shortest) continue;
    const Bytes bytes = form(value, size);
    for (size_t length = 0; length < size; ++length) {
      Exact cut(bytes.data(), length);
      EXPECT_EQ(read(cut, read_value), nullptr) << value << " cut to " << length;
    }
    if (size == shortest) continue;
    Exact longer(bytes);
    EXPECT_EQ(read(longer, read_value), nullptr) << value << " in " << size << " bytes";
  }
}

TEST(WireVarint, EdgesRoundTripAndOtherFormsAreRefused) {
  for (const uint64_t value : kEdges) check_value(value);
}

TEST(WireVarint, RandomValuesRoundTripAndOtherFormsAreRefused) {
  HAWSER_TRACE_SEED();
  Random random(1);
  for (int i = 0; i < 20000; ++i) check_value(random.varint());
}

TEST(WireVarint, StopsBehindTheNumber) {
  Exact bytes(Bytes{0x7b, 0xbd, 0xff, 0xff});
  uint64_t value = 0;
  EXPECT_EQ(read(bytes, value), bytes.begin() + 2);
  EXPECT_EQ(value, 15293u);
}

TEST(WireVarint, BlockRoomIsTheLargestThatFits) {
  for (size_t room = 1; room < 20000; ++room) {
    const size_t length = block_room(room);
    ASSERT_LE(varint_size(length) + length, room);
    ASSERT_GT(varint_size(length + 1) + length + 1, room);
  }
  for (const size_t room : {size_t{0x3fffffff}, size_t{0x40000000}, size_t{0x40000003},
                            size_t{0x40000004}, size_t{0x40000007}, size_t{0x40000008}}) {
    const size_t length = block_room(room);
    EXPECT_LE(varint_size(length) + length, room);
    EXPECT_GT(varint_size(length + 1) + length + 1, room);
  }
}

TEST(WireEndian, IsBigEndianAtAnyAddress) {
  Exact bytes(Bytes(9));
  uint8_t* odd = bytes.begin() + 1;
  EXPECT_EQ(store_u64(odd, 0x0102030405060708), bytes.end());
  EXPECT_EQ(Bytes(odd, odd + 8), (Bytes{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(load_u64(odd), 0x0102030405060708u);
  EXPECT_EQ(load_u32(odd), 0x01020304u);
  EXPECT_EQ(load_u16(odd), 0x0102u);
  EXPECT_EQ(store_u32(odd, 0xfffefdfc), odd + 4);
  EXPECT_EQ(load_u32(odd), 0xfffefdfcu);
  EXPECT_EQ(store_u16(odd, 0xabcd), odd + 2);
  EXPECT_EQ(load_u32(odd), 0xabcdfdfcu);
}

}  // namespace
}  // namespace hawser::wire::testing
