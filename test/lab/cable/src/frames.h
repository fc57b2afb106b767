// Ethernet frames and the memory they are in.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace cable {

/// Destination, source and type. A TAP has no preamble, checksum or gap, so they are not counted
/// anywhere.
constexpr size_t kEthernetHeader = 14;

struct Frame {
  std::unique_ptr<std::byte[]> data;
  /// Bytes of the frame, its header included.
  size_t length = 0;
  /// How many frames came in this direction before it.
  uint64_t index = 0;
  /// It will be lost on the wire.
  bool doomed = false;

  std::span<const std::byte> bytes() const { return {data.get(), length}; }
};

/// Recycles frames. The memory of a frame is allocated when it is first needed, and kept.
class FramePool {
 public:
  /// Frames of up to `capacity` bytes, `limit` of them.
  FramePool(size_t capacity, size_t limit) : capacity_(capacity), limit_(limit) {}

  size_t capacity() const { return capacity_; }

  /// nullptr if all are in use.
  Frame* take() {
    if (free_.empty()) {
      if (all_.size() == limit_) return nullptr;
      auto frame = std::make_unique<Frame>();
      frame->data = std::make_unique<std::byte[]>(capacity_);
      all_.push_back(std::move(frame));
      return all_.back().get();
    }
    Frame* frame = free_.back();
    free_.pop_back();
    return frame;
  }

  void give(Frame* frame) { free_.push_back(frame); }

 private:
  size_t capacity_;
  size_t limit_;
  std::vector<std::unique_ptr<Frame>> all_;
  std::vector<Frame*> free_;
};

}  // namespace cable
