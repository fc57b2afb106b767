// Packets: a number, and data that follows from it, sealed or not.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "seal.h"

namespace ceiling {

constexpr size_t kHeaderBytes = sizeof(uint64_t);

/// How the two ends tell each other of the end; never the number of a packet with data.
constexpr uint64_t kEnd = ~uint64_t{0};

/// The data of a packet of `bytes` bytes: without its number and, if it is sealed, its tag.
constexpr size_t data_bytes(size_t bytes, bool sealed) {
  return bytes - kHeaderBytes - (sealed ? kTagBytes : 0);
}

/// Fills all of `packet`; seals it if there is a seal.
void write_packet(std::span<std::byte> packet, uint64_t number, Seal* seal);

/// The number of a packet; nullopt if it is not one of ours, or its data is not what was written.
std::optional<uint64_t> read_packet(std::span<std::byte> packet, Seal* seal);

/// A packet of one's own for control: kEnd and a count.
struct EndPacket {
  uint64_t mark = kEnd;
  uint64_t packets = 0;
};

/// The count in an end packet; nullopt if it is none.
std::optional<uint64_t> read_end(std::span<const std::byte> packet);

}  // namespace ceiling
