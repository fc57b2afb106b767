#include "wire/packet.h"

#include "wire/varint.h"

namespace hawser::wire {

namespace {

constexpr uint8_t kDataByte = 0x80;
constexpr uint8_t kInitByte = 0x90;
constexpr uint8_t kResponseByte = 0xa0;
constexpr uint8_t kCookieByte = 0xb0;

// Of the first byte of DATA, once unmasked.
constexpr uint8_t kDataFlags = 0x0f;
constexpr uint8_t kKeyPhaseFlag = 0x01;

// What lies before the parameters.
constexpr size_t kInitFixedBytes = kPeerIdBytes + kResetTokenBytes;
constexpr size_t kResponseFixedBytes = kConnectionIdBytes + kResetTokenBytes;
constexpr size_t kMinResponseBytes =
    kResponseHeaderBytes + kSecondMessageOverhead + kResponseFixedBytes + 1;

uint8_t* store_bytes(uint8_t* out, const uint8_t* bytes, size_t length) {
  std::memcpy(out, bytes, length);
  return out + length;
}

const uint8_t* load_bytes(const uint8_t* p, uint8_t* bytes, size_t length) {
  std::memcpy(bytes, p, length);
  return p + length;
}

// One row of §3.1: where the value lives and what it may be.
struct ParameterRule {
  uint64_t id;
  uint32_t Parameters::*field;
  uint32_t lowest;
  uint32_t highest;
};

constexpr ParameterRule kRules[] = {
    {1, &Parameters::idle_timeout_ms, 0, UINT32_MAX},
    {2, &Parameters::max_datagram, kMinDatagram, kMaxDatagram},
    {3, &Parameters::max_ack_delay_us, 0, kMaxAckDelayUs},
    {4, &Parameters::max_channels, 0, UINT32_MAX},
    {5, &Parameters::initial_credit, kMinInitialCredit, UINT32_MAX},
};

// All of them: an id and a length of one byte each, and a value below 2^32 in eight at most.
constexpr size_t kMaxParameterBytes = sizeof kRules / sizeof kRules[0] * (1 + 1 + kMaxVarintBytes);
static_assert(kInitFixedBytes + 1 + kMaxParameterBytes <= kInitPayloadBytes);
static_assert(kResponseFixedBytes + 1 + kMaxParameterBytes <= kMaxResponsePayload);

const ParameterRule* find_rule(uint64_t id) {
  for (const ParameterRule& rule : kRules) {
    if (rule.id == id) return &rule;
  }
  return nullptr;
}

// Reads `varint length, bytes` and returns the byte behind; the content is [content, content +
// length).
const uint8_t* read_block(const uint8_t* p, const uint8_t* end, const uint8_t*& content,
                          size_t& length) {
  uint64_t value = 0;
  p = read_varint(p, end, value);
  if (p == nullptr || value > static_cast<size_t>(end - p)) return nullptr;
  content = p;
  length = static_cast<size_t>(value);
  return p + length;
}

bool read_value(const uint8_t* block, size_t length, const ParameterRule& rule, uint32_t& field) {
  uint64_t value = 0;
  if (read_varint(block, block + length, value) != block + length) return false;
  if (value < rule.lowest || value > rule.highest) return false;
  field = static_cast<uint32_t>(value);
  return true;
}

// The parameters as a block, which the packets carry them in. Their length stays below 64.
uint8_t* write_parameters_block(uint8_t* out, uint8_t* end, const Parameters& parameters) {
  static_assert(kMaxParameterBytes < 64);
  if (out == end) return nullptr;
  uint8_t* const content = out + 1;
  uint8_t* const behind = write_parameters(content, end, parameters);
  if (behind != nullptr) *out = static_cast<uint8_t>(behind - content);
  return behind;
}

const uint8_t* read_parameters_block(const uint8_t* p, const uint8_t* end, Parameters& parameters) {
  const uint8_t* content = nullptr;
  size_t length = 0;
  p = read_block(p, end, content, length);
  if (p == nullptr || !read_parameters(content, length, parameters)) return nullptr;
  return p;
}

bool all_zero(const uint8_t* p, const uint8_t* end) {
  for (; p != end; ++p) {
    if (*p != 0) return false;
  }
  return true;
}

bool is_packet(const uint8_t* data, size_t length, PacketType wanted, size_t least, size_t most) {
  PacketType type = PacketType::kData;
  return length >= least && length <= most && classify(data, length, type) && type == wanted;
}

bool known_suite(uint8_t value) {
  switch (static_cast<Suite>(value)) {
    case Suite::kAes256Gcm:
    case Suite::kChaCha20Poly1305:
      return true;
  }
  return false;
}

}  // namespace

bool classify(const uint8_t* data, size_t length, PacketType& type) {
  if (length == 0) return false;
  if ((data[0] & ~kDataFlags) == kDataByte) {
    type = PacketType::kData;
    return true;
  }
  switch (data[0]) {
    case kInitByte:
      type = PacketType::kInit;
      return true;
    case kResponseByte:
      type = PacketType::kResponse;
      return true;
    case kCookieByte:
      type = PacketType::kCookie;
      return true;
    default:
      return false;
  }
}

bool read_destination(const uint8_t* data, size_t length, ConnectionId& destination) {
  if (!is_packet(data, length, PacketType::kData, kMinDataPacket, SIZE_MAX)) return false;
  load_bytes(data + 1, destination.bytes, kConnectionIdBytes);
  return true;
}

bool read_data_header(const uint8_t* data, size_t length, DataHeader& header) {
  if (!read_destination(data, length, header.destination)) return false;
  if ((data[0] & kDataFlags & ~kKeyPhaseFlag) != 0) return false;
  header.number = load_u32(data + 1 + kConnectionIdBytes);
  header.key_phase = (data[0] & kKeyPhaseFlag) != 0;
  return true;
}

uint8_t* write_data_header(uint8_t* out, const DataHeader& header) {
  *out++ = header.key_phase ? kDataByte | kKeyPhaseFlag : kDataByte;
  out = store_bytes(out, header.destination.bytes, kConnectionIdBytes);
  return store_u32(out, header.number);
}

uint8_t* write_init_header(uint8_t* out, const InitHeader& header) {
  *out++ = kInitByte;
  out = store_u32(out, header.version);
  *out++ = static_cast<uint8_t>(header.suite);
  return store_bytes(out, header.source.bytes, kConnectionIdBytes);
}

bool read_init_header(const uint8_t* data, size_t length, InitHeader& header) {
  if (!is_packet(data, length, PacketType::kInit, kInitBytes, kInitBytes)) return false;
  header.version = load_u32(data + 1);
  if (header.version != kVersion || !known_suite(data[5])) return false;
  header.suite = static_cast<Suite>(data[5]);
  load_bytes(data + 6, header.source.bytes, kConnectionIdBytes);
  return true;
}

uint8_t* write_response_header(uint8_t* out, const ResponseHeader& header) {
  *out++ = kResponseByte;
  out = store_u32(out, header.version);
  return store_bytes(out, header.destination.bytes, kConnectionIdBytes);
}

bool read_response(const uint8_t* data, size_t length, ResponseHeader& header,
                   const uint8_t*& message, size_t& message_length) {
  if (!is_packet(data, length, PacketType::kResponse, kMinResponseBytes, kMaxResponseBytes)) {
    return false;
  }
  header.version = load_u32(data + 1);
  if (header.version != kVersion) return false;
  message = load_bytes(data + 5, header.destination.bytes, kConnectionIdBytes);
  message_length = length - kResponseHeaderBytes;
  return true;
}

size_t write_cookie(uint8_t* out, size_t capacity, const Cookie& cookie) {
  if (capacity < kCookiePacketBytes || cookie.version != kVersion) return 0;
  *out++ = kCookieByte;
  out = store_u32(out, cookie.version);
  out = store_bytes(out, cookie.destination.bytes, kConnectionIdBytes);
  out = store_bytes(out, cookie.cookie, kCookieBytes);
  store_bytes(out, cookie.mac, kHandshakeMacBytes);
  return kCookiePacketBytes;
}

bool read_cookie(const uint8_t* data, size_t length, Cookie& cookie) {
  if (!is_packet(data, length, PacketType::kCookie, kCookiePacketBytes, kCookiePacketBytes)) {
    return false;
  }
  cookie.version = load_u32(data + 1);
  if (cookie.version != kVersion) return false;
  const uint8_t* p = load_bytes(data + 5, cookie.destination.bytes, kConnectionIdBytes);
  p = load_bytes(p, cookie.cookie, kCookieBytes);
  load_bytes(p, cookie.mac, kHandshakeMacBytes);
  return true;
}

uint8_t* write_parameters(uint8_t* out, uint8_t* end, const Parameters& parameters) {
  for (const ParameterRule& rule : kRules) {
    const uint32_t value = parameters.*rule.field;
    if (value < rule.lowest || value > rule.highest) return nullptr;
    const size_t size = varint_size(value);
    if (static_cast<size_t>(end - out) < varint_size(rule.id) + 1 + size) return nullptr;
    out = write_varint(out, rule.id);
    out = write_varint(out, size);
    out = write_varint(out, value);
  }
  return out;
}

bool read_parameters(const uint8_t* data, size_t length, Parameters& parameters) {
  parameters = Parameters{};
  uint64_t seen[kMaxParameters];
  size_t seen_count = 0;
  const uint8_t* p = data;
  const uint8_t* const end = data + length;
  while (p != end) {
    uint64_t id = 0;
    p = read_varint(p, end, id);
    if (p == nullptr || seen_count == kMaxParameters) return false;
    for (size_t i = 0; i < seen_count; ++i) {
      if (seen[i] == id) return false;
    }
    seen[seen_count++] = id;
    const uint8_t* block = nullptr;
    size_t block_length = 0;
    p = read_block(p, end, block, block_length);
    if (p == nullptr) return false;
    const ParameterRule* rule = find_rule(id);
    if (rule != nullptr && !read_value(block, block_length, *rule, parameters.*rule->field)) {
      return false;
    }
  }
  return true;
}

bool write_init_payload(uint8_t out[kInitPayloadBytes], const InitPayload& payload) {
  uint8_t* const end = out + kInitPayloadBytes;
  uint8_t* p = store_bytes(out, payload.initiator.bytes, kPeerIdBytes);
  p = store_bytes(p, payload.reset.bytes, kResetTokenBytes);
  p = write_parameters_block(p, end, payload.parameters);
  if (p == nullptr) return false;
  std::memset(p, 0, static_cast<size_t>(end - p));
  return true;
}

bool read_init_payload(const uint8_t* data, size_t length, InitPayload& payload) {
  if (length != kInitPayloadBytes) return false;
  const uint8_t* const end = data + length;
  const uint8_t* p = load_bytes(data, payload.initiator.bytes, kPeerIdBytes);
  p = load_bytes(p, payload.reset.bytes, kResetTokenBytes);
  p = read_parameters_block(p, end, payload.parameters);
  return p != nullptr && all_zero(p, end);
}

size_t write_response_payload(uint8_t* out, size_t capacity, const ResponsePayload& payload) {
  if (capacity < kResponseFixedBytes) return 0;
  uint8_t* p = store_bytes(out, payload.source.bytes, kConnectionIdBytes);
  p = store_bytes(p, payload.reset.bytes, kResetTokenBytes);
  p = write_parameters_block(p, out + capacity, payload.parameters);
  return p == nullptr ? 0 : static_cast<size_t>(p - out);
}

bool read_response_payload(const uint8_t* data, size_t length, ResponsePayload& payload) {
  if (length < kResponseFixedBytes || length > kMaxResponsePayload) return false;
  const uint8_t* const end = data + length;
  const uint8_t* p = load_bytes(data, payload.source.bytes, kConnectionIdBytes);
  p = load_bytes(p, payload.reset.bytes, kResetTokenBytes);
  return read_parameters_block(p, end, payload.parameters) == end;
}

}  // namespace hawser::wire
