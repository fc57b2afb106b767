#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "transport/time.h"
#include "wire/frames.h"
#include "wire/packet.h"

namespace hawser::sim {

// A datagram as an onlooker reads it who has the bytes of a DATA packet before its header is masked
// and its frames are sealed.
struct PacketView {
  wire::PacketType type = wire::PacketType::kData;
  // DATA: where it goes to and its number; the others: see the readers of wire/packet.h.
  uint64_t destination = 0;
  uint32_t number32 = 0;
  const uint8_t* frames = nullptr;
  size_t frames_length = 0;
};

// False: not a Hawser packet, or cut off.
bool view_packet(const uint8_t* data, size_t length, PacketView& view);

// Calls visit(const wire::Frame&) for each frame of a DATA packet. False: frames that cannot be
// read.
template <typename Visit>
bool each_frame(const PacketView& view, Visit visit) {
  if (view.type != wire::PacketType::kData) return true;
  wire::FrameReader reader(view.frames, view.frames_length);
  wire::Frame frame;
  for (;;) {
    switch (reader.next(frame)) {
      case wire::FrameReader::Next::kFrame:
        visit(static_cast<const wire::Frame&>(frame));
        break;
      case wire::FrameReader::Next::kEnd:
        return true;
      case wire::FrameReader::Next::kError:
        return false;
    }
  }
}

// What became of a datagram on its link.
enum class Fate : uint8_t {
  kCarried,
  kLost,
  kDuplicated,
  kCorrupted,
  kDropRule,
  kOutage,
  kTooLong
};

// A datagram as it was sent, before the link did anything to it.
struct Captured {
  transport::Time time = 0;
  int from = 0;
  int to = 0;
  Fate fate = Fate::kCarried;
  std::vector<uint8_t> bytes;
  // As it was on the wire.
  std::vector<uint8_t> sealed;

  PacketView view() const {
    PacketView result;
    view_packet(bytes.data(), bytes.size(), result);
    return result;
  }
};

// One line: "DATA #17 ACK 1-5,7 MESSAGE c1 s10+3 120B".
std::string describe(const uint8_t* data, size_t length);
const char* fate_name(Fate fate);

}  // namespace hawser::sim
