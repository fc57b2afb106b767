#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/path.h"
#include "transport/path_validation.h"

namespace hawser::transport {

// One of the other addresses that packets came from meanwhile, each packet with the same chance:
// who sends copies from many addresses, each just before the peer's own packet, does not win every
// time.
struct Rival {
  // `luck`: a random number.
  void offer(const PathAddress& from, uint64_t packet, size_t length, uint64_t luck) {
    offers++;
    if (luck % offers != 0) return;
    address = from;
    number = packet;
    bytes = length;
  }

  PathAddress address;
  uint64_t number = 0;
  size_t bytes = 0;
  uint64_t offers = 0;
};

// An address that is being validated: a new one, or the one before the last change.
struct PathTrial {
  PathTrial(Memory& memory, const PathAddress& to, uint32_t name, size_t base, size_t limit,
            CongestionAlgorithm algorithm)
      : path(memory, to, name, base, limit, algorithm) {}

  // Becomes the path in use, and what that was comes here.
  Path path;
  // It was in use before: the peer was there.
  bool proven = false;
  PathValidation validation;
  // Whether another address should be validated instead, and from when on.
  Rival rival;
  Time turn_ends_at = kNever;
};

}  // namespace hawser::transport
