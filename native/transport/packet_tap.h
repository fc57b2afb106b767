#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::transport {

class Session;

// Sees every DATA packet of a runtime as it is built, before it is protected: for tools that show
// or judge what goes over a link. The calls of one Train come in the order of its segments.
class PacketTap {
 public:
  // `number` is the full packet number; `frames` is only lent.
  virtual void on_packet(const Session& session, uint64_t number, const uint8_t* frames,
                         size_t length) = 0;

 protected:
  ~PacketTap() = default;
};

}  // namespace hawser::transport
