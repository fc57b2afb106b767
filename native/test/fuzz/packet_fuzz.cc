// wire/packet.h and what lies below it: every reader over any bytes; what was read is written and
// reads back equal.
#include <cstring>
#include <memory>

#include "test/fuzz/check.h"
#include "wire/frames.h"
#include "wire/number.h"
#include "wire/packet.h"
#include "wire/text.h"

namespace hawser::fuzz {
namespace {

using namespace wire;

// Exactly as long as it says, so that AddressSanitizer sees one byte too many.
struct Buffer {
  explicit Buffer(size_t size) : bytes(new uint8_t[size]), length(size) {}
  uint8_t* begin() const { return bytes.get(); }
  uint8_t* end() const { return bytes.get() + length; }
  std::unique_ptr<uint8_t[]> bytes;
  size_t length;
};

void check_data(const uint8_t* data, size_t size) {
  ConnectionId destination{};
  const bool addressed = read_destination(data, size, destination);
  DataHeader header{};
  if (!read_data_header(data, size, header)) return;
  FUZZ_CHECK(size >= kMinDataPacket, "%zu bytes", size);
  FUZZ_CHECK(addressed && destination == header.destination, "another destination");
  const Buffer out(kHeaderBytes);
  FUZZ_CHECK(write_data_header(out.begin(), header) == out.end(), "header length");
  FUZZ_CHECK(std::memcmp(out.begin(), data, kHeaderBytes) == 0, "written otherwise than read");
}

void check_init(const uint8_t* data, size_t size) {
  InitHeader header{};
  if (!read_init_header(data, size, header)) return;
  FUZZ_CHECK(size == kInitBytes, "%zu bytes", size);
  const Buffer out(kInitHeaderBytes);
  FUZZ_CHECK(write_init_header(out.begin(), header) == out.end(), "header length");
  FUZZ_CHECK(std::memcmp(out.begin(), data, kInitHeaderBytes) == 0, "written otherwise than read");
  FUZZ_CHECK(init_mac2(data) + kHandshakeMacBytes == data + size, "does not end with the packet");
}

void check_response(const uint8_t* data, size_t size) {
  ResponseHeader header{};
  const uint8_t* message = nullptr;
  size_t length = 0;
  if (!read_response(data, size, header, message, length)) return;
  FUZZ_CHECK(size <= kMaxResponseBytes, "%zu bytes", size);
  FUZZ_CHECK(length > kSecondMessageOverhead && message + length == data + size, "message");
  const Buffer out(kResponseHeaderBytes);
  FUZZ_CHECK(write_response_header(out.begin(), header) == out.end(), "header length");
  FUZZ_CHECK(std::memcmp(out.begin(), data, out.length) == 0, "written otherwise than read");
}

void check_cookie(const uint8_t* data, size_t size) {
  Cookie cookie{};
  if (!read_cookie(data, size, cookie)) return;
  const Buffer out(kCookiePacketBytes);
  FUZZ_CHECK(write_cookie(out.begin(), out.length, cookie) == size, "length");
  FUZZ_CHECK(std::memcmp(out.begin(), data, size) == 0, "written otherwise than read");
  FUZZ_CHECK(write_cookie(out.begin(), out.length - 1, cookie) == 0, "wrote beyond its room");
}

void check_init_payload(const uint8_t* data, size_t size) {
  InitPayload payload{};
  if (!read_init_payload(data, size, payload)) return;
  FUZZ_CHECK(size == kInitPayloadBytes, "%zu bytes", size);
  const Buffer out(kInitPayloadBytes);
  FUZZ_CHECK(write_init_payload(out.begin(), payload), "what was read cannot be written");
  InitPayload again{};
  FUZZ_CHECK(read_init_payload(out.begin(), out.length, again), "what was written cannot be read");
  FUZZ_CHECK(again.initiator == payload.initiator && again.reset == payload.reset &&
                 again.parameters == payload.parameters,
             "payload changed");
}

void check_response_payload(const uint8_t* data, size_t size) {
  ResponsePayload payload{};
  if (!read_response_payload(data, size, payload)) return;
  const Buffer out(kMaxResponsePayload);
  const size_t length = write_response_payload(out.begin(), out.length, payload);
  FUZZ_CHECK(length != 0, "does not fit");
  ResponsePayload again{};
  FUZZ_CHECK(read_response_payload(out.begin(), length, again), "what was written cannot be read");
  FUZZ_CHECK(again.source == payload.source && again.reset == payload.reset &&
                 again.parameters == payload.parameters,
             "payload changed");
  for (size_t room = 0; room < length; room++) {
    const Buffer small(room);
    FUZZ_CHECK(write_response_payload(small.begin(), room, payload) == 0, "fits into %zu bytes",
               room);
  }
}

void check_parameters(const uint8_t* data, size_t size) {
  Parameters parameters;
  if (!read_parameters(data, size, parameters)) return;
  const Buffer out(kMaxResponseBytes);
  uint8_t* const behind = write_parameters(out.begin(), out.end(), parameters);
  FUZZ_CHECK(behind != nullptr, "what was read cannot be written");
  Parameters again;
  FUZZ_CHECK(read_parameters(out.begin(), static_cast<size_t>(behind - out.begin()), again),
             "what was written cannot be read");
  FUZZ_CHECK(again == parameters, "parameters changed");
}

void check_varint(const uint8_t* data, size_t size) {
  uint64_t value = 0;
  const uint8_t* const behind = read_varint(data, data + size, value);
  if (behind == nullptr) return;
  const auto length = static_cast<size_t>(behind - data);
  FUZZ_CHECK(value <= kMaxVarint && varint_size(value) == length, "%zu bytes", length);
  const Buffer out(length);
  FUZZ_CHECK(write_varint(out.begin(), value) == out.end(), "another length");
  FUZZ_CHECK(std::memcmp(out.begin(), data, length) == 0, "written otherwise than read");
}

void check_number(const uint8_t* data, size_t size) {
  if (size < 12) return;
  const uint64_t expected = load_u64(data) & kMaxVarint;
  const uint32_t truncated = load_u32(data + 8);
  const uint64_t number = expand32(expected, truncated);
  FUZZ_CHECK(truncate32(number) == truncated && number <= kMaxVarint, "another number");
  const uint64_t distance = number > expected ? number - expected : expected - number;
  constexpr uint64_t kHalf = uint64_t{1} << 31;
  const bool at_an_end = number < 2 * kHalf || number > kMaxVarint - 2 * kHalf;
  FUZZ_CHECK(distance <= kHalf || at_an_end, "not the closest one");
}

// UTF-8 (RFC 3629) the slow way: the number that the bytes stand for, and how long it must be.
bool is_utf8(const uint8_t* p, const uint8_t* end) {
  while (p != end) {
    const uint32_t first = *p++;
    if (first < 0x80) continue;
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc0 || first >= 0xf8 || end - p < more) return false;
    uint32_t value = first & (0x3fu >> more);
    for (int i = 0; i < more; i++, p++) {
      if ((*p & 0xc0) != 0x80) return false;
      value = value << 6 | (*p & 0x3f);
    }
    static constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (value < kLeast[more] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace hawser::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hawser::fuzz;
  PacketType type{};
  const bool known = classify(data, size, type);
  FUZZ_CHECK(!known || (data[0] & 0x80) != 0, "not Hawser's");
  check_data(data, size);
  check_init(data, size);
  check_response(data, size);
  check_cookie(data, size);
  check_init_payload(data, size);
  check_response_payload(data, size);
  check_parameters(data, size);
  check_varint(data, size);
  check_number(data, size);
  FUZZ_CHECK(valid_utf8(data, size) == is_utf8(data, data + size), "UTF-8");
  return 0;
}
