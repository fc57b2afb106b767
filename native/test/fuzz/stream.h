#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/content.h"
#include "wire/frames.h"

namespace hawser::fuzz {

// The messages of one direction of a channel as its sender knows them: lengths and contents follow
// from the sequence number and a profile.
class Stream {
 public:
  Stream(uint64_t first, const sim::SizeProfile& sizes) : first_(first), sizes_(sizes) {}

  uint64_t first() const { return first_; }
  size_t length(uint64_t sequence) const { return sim::message_length(sizes_, key(sequence)); }
  // What all messages from the first to `sequence` cost together.
  uint64_t cost_through(uint64_t sequence) {
    while (first_ + costs_.size() <= sequence) {
      const uint64_t before = costs_.empty() ? 0 : costs_.back();
      costs_.push_back(before + wire::message_cost(length(first_ + costs_.size())));
    }
    return costs_[static_cast<size_t>(sequence - first_)];
  }
  std::vector<uint8_t> body(uint64_t sequence, size_t length) const {
    std::vector<uint8_t> out(length);
    sim::fill_message(key(sequence), out.data(), length);
    return out;
  }
  bool is_body(uint64_t sequence, const uint8_t* data, size_t length) const {
    return sim::is_message(key(sequence), data, length);
  }
  // As in a MESSAGE frame: the length, then the bytes.
  void append_block(uint64_t sequence, size_t length, std::vector<uint8_t>& out) const {
    const size_t at = out.size();
    out.resize(at + wire::block_size(length));
    uint8_t* const begin = wire::write_varint(out.data() + at, length);
    sim::fill_message(key(sequence), begin, length);
  }

 private:
  static uint64_t key(uint64_t sequence) { return sim::message_key(0x73747265616d, sequence); }

  const uint64_t first_;
  const sim::SizeProfile sizes_;
  std::vector<uint64_t> costs_;  // of message first_ + index and all before it
};

}  // namespace hawser::fuzz
