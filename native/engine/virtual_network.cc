#include "engine/virtual_network.h"

#include <algorithm>
#include <cstring>

#include "transport/session.h"

namespace hawser::engine {

uint32_t VirtualNetwork::number_of(const net::Address& address) {
  for (size_t i = 0; i < addresses_.size(); i++) {
    if (addresses_[i] == address) return static_cast<uint32_t>(i);
  }
  addresses_.push_back(address);
  return static_cast<uint32_t>(addresses_.size() - 1);
}

size_t VirtualNetwork::keep(const uint8_t* data, size_t length) {
  const size_t offset = bytes_.size();
  bytes_.insert(bytes_.end(), data, data + length);
  return offset;
}

void VirtualNetwork::clear_sent() {
  sent_.clear();
  bytes_.clear();
}

void VirtualNetwork::on_packet(const transport::Session& session, uint64_t number,
                               const uint8_t* frames, size_t length) {
  tapped_.push_back(Tapped{number, session.local_id(), keep(frames, length), length});
}

void VirtualNetwork::send(const HostSocket* from, const net::Address& to, const uint8_t* data,
                          size_t length, size_t segment_size) {
  size_t tapped = 0;
  for (size_t offset = 0; from != nullptr && offset < length; offset += segment_size) {
    const size_t size = std::min(segment_size, length - offset);
    Sent sent{};
    sent.from = from;
    sent.to = number_of(to);
    wire::PacketType type{};
    if (wire::classify(data + offset, size, type) && type == wire::PacketType::kData &&
        tapped < tapped_.size()) {
      const Tapped& frames = tapped_[tapped++];
      sent.has_frames = true;
      sent.number = frames.number;
      sent.source = frames.source;
      sent.frames_offset = frames.offset;
      sent.frames_length = frames.length;
    }
    sent.offset = keep(data + offset, size);
    sent.length = size;
    sent_.push_back(sent);
  }
  tapped_.clear();
}

void VirtualNetwork::fill(uint8_t* out, size_t length) {
  while (length > 0) {
    const uint64_t word = prng_.next();
    const size_t piece = std::min(length, sizeof word);
    // Byte by byte, so that the order of bytes in a machine's words changes nothing.
    for (size_t i = 0; i < piece; i++) out[i] = static_cast<uint8_t>(word >> (8 * i));
    out += piece;
    length -= piece;
  }
}

}  // namespace hawser::engine
