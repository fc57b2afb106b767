#include "packet.h"

#include <cstring>

namespace ceiling {
namespace {

std::span<std::byte> text_of(std::span<std::byte> packet, bool sealed) {
  return packet.subspan(kHeaderBytes, data_bytes(packet.size(), sealed));
}

std::span<std::byte, kTagBytes> tag_of(std::span<std::byte> packet) {
  return packet.last<kTagBytes>();
}

}  // namespace

void write_packet(std::span<std::byte> packet, uint64_t number, Seal* seal) {
  const auto text = text_of(packet, seal != nullptr);
  std::memcpy(packet.data(), &number, sizeof number);
  // A source of data costs a pass over memory, here as anywhere.
  std::memset(text.data(), static_cast<int>(number & 0xff), text.size());
  if (seal != nullptr) seal->seal(number, packet.first(kHeaderBytes), text, tag_of(packet));
}

std::optional<uint64_t> read_packet(std::span<std::byte> packet, Seal* seal) {
  if (packet.size() <= kHeaderBytes + kTagBytes) return std::nullopt;
  uint64_t number = 0;
  std::memcpy(&number, packet.data(), sizeof number);
  const auto text = text_of(packet, seal != nullptr);
  if (seal != nullptr && !seal->open(number, packet.first(kHeaderBytes), text, tag_of(packet))) {
    return std::nullopt;
  }
  // A look at both ends: what is cut or put together wrongly shows there.
  const auto expected = static_cast<std::byte>(number & 0xff);
  if (text.front() != expected || text.back() != expected) return std::nullopt;
  return number;
}

std::optional<uint64_t> read_end(std::span<const std::byte> packet) {
  EndPacket end;
  if (packet.size() != sizeof end) return std::nullopt;
  std::memcpy(&end, packet.data(), sizeof end);
  if (end.mark != kEnd) return std::nullopt;
  return end.packets;
}

}  // namespace ceiling
