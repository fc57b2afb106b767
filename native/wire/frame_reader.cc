#include <cstring>

#include "wire/endian.h"
#include "wire/frames.h"
#include "wire/text.h"

namespace hawser::wire {

namespace {

// nullptr: read and valid. Otherwise what is wrong with the frame.
using Fault = const char*;

constexpr Fault kCutOff = "frame cut off or a number not in its shortest form";
constexpr Fault kOutOfRange = "value outside its range";
constexpr Fault kBadText = "text that is not UTF-8";

class Input {
 public:
  Input(const uint8_t* position, const uint8_t* end) : position_(position), end_(end) {}

  bool varint(uint64_t& value) {
    const uint8_t* behind = read_varint(position_, end_, value);
    if (behind == nullptr) return false;
    position_ = behind;
    return true;
  }

  bool u32(uint32_t& value) {
    if (end_ - position_ < 4) return false;
    value = load_u32(position_);
    position_ += 4;
    return true;
  }

  bool bytes(uint8_t* out, size_t length) {
    if (static_cast<size_t>(end_ - position_) < length) return false;
    std::memcpy(out, position_, length);
    position_ += length;
    return true;
  }

  bool block(const uint8_t*& data, size_t& length) {
    uint64_t value = 0;
    if (!varint(value) || value > static_cast<uint64_t>(end_ - position_)) return false;
    data = position_;
    length = static_cast<size_t>(value);
    position_ += length;
    return true;
  }

  const uint8_t* position() const { return position_; }

 private:
  const uint8_t* position_;
  const uint8_t* end_;
};

// A varint that has to lie in [lowest, highest].
Fault bounded(Input& in, uint64_t lowest, uint64_t highest, uint64_t& value) {
  if (!in.varint(value)) return kCutOff;
  return value >= lowest && value <= highest ? nullptr : kOutOfRange;
}

Fault bounded(Input& in, uint64_t lowest, uint64_t highest, uint32_t& value) {
  uint64_t wide = 0;
  const Fault fault = bounded(in, lowest, highest, wide);
  value = static_cast<uint32_t>(wide);
  return fault;
}

Fault any(Input& in, uint64_t& value) { return in.varint(value) ? nullptr : kCutOff; }

// Ids start at 1; which ones are allowed is the session's to say.
Fault channel_id(Input& in, uint64_t& channel) { return bounded(in, 1, kMaxVarint, channel); }

Fault text(Input& in, size_t shortest, size_t longest, const uint8_t*& data, size_t& length) {
  if (!in.block(data, length)) return kCutOff;
  if (length < shortest || length > longest) return kOutOfRange;
  return valid_utf8(data, length) ? nullptr : kBadText;
}

// Runs the steps in order up to the first fault.
template <typename... Steps>
Fault all(Steps... steps) {
  Fault fault = nullptr;
  (void)((fault = steps(), fault == nullptr) && ...);
  return fault;
}

Fault read(Input& in, Ack& ack) {
  uint64_t largest = 0;
  uint64_t further = 0;
  uint64_t length = 0;
  if (!in.varint(largest) || !in.varint(ack.delay_us) || !in.varint(further)) return kCutOff;
  if (further >= kMaxAckRanges) return kOutOfRange;
  if (!in.varint(length)) return kCutOff;
  if (length > largest) return "ACK range below zero";
  ack.range_count = static_cast<uint32_t>(further) + 1;
  ack.ranges[0] = {largest - length, largest};
  for (uint32_t i = 1; i < ack.range_count; ++i) {
    uint64_t gap = 0;
    if (!in.varint(gap) || !in.varint(length)) return kCutOff;
    const uint64_t above = ack.ranges[i - 1].first;
    // Both below 2^62, so that the sums cannot overflow.
    if (above < gap + 2 || above - gap - 2 < length) return "ACK range below zero";
    const uint64_t last = above - gap - 2;
    ack.ranges[i] = {last - length, last};
  }
  return nullptr;
}

Fault read(Input& in, AckPolicy& policy) {
  return all([&] { return any(in, policy.generation); },
             [&] { return bounded(in, 1, kMaxPolicyPackets, policy.packets); },
             [&] { return bounded(in, 0, kMaxAckDelayUs, policy.max_delay_us); },
             [&] { return bounded(in, 1, kMaxReorderingThreshold, policy.reordering_threshold); });
}

Fault read(Input& in, Count& count) {
  if (const Fault fault = bounded(in, 1, kMaxCountEntries, count.entry_count)) return fault;
  for (uint32_t i = 0; i < count.entry_count; ++i) {
    if (const Fault fault = channel_id(in, count.entries[i].channel)) return fault;
    if (!in.u32(count.entries[i].count32)) return kCutOff;
  }
  return nullptr;
}

Fault read(Input& in, Window& window) {
  uint64_t mode = 0;
  const Fault fault = all([&] { return channel_id(in, window.channel); },
                          [&] { return any(in, window.generation); },
                          [&] { return bounded(in, kMinWindow, kMaxWindow, window.messages); },
                          [&] { return bounded(in, 1, window.messages, window.messages_per_ack); },
                          [&] { return bounded(in, 0, UINT32_MAX, window.ack_after_us); },
                          [&] { return bounded(in, 0, 1, mode); });
  window.mode = static_cast<WindowMode>(mode);
  return fault;
}

Fault read(Input& in, WindowHint& hint) {
  const Fault fault =
      all([&] { return channel_id(in, hint.channel); }, [&] { return any(in, hint.generation); },
          [&] { return bounded(in, 0, kLossUnit, hint.loss); },
          [&] { return bounded(in, 0, kMaxWindow, hint.messages); },
          [&] { return bounded(in, 0, hint.messages, hint.messages_per_ack); });
  if (fault != nullptr) return fault;
  return hint.messages == 0 || hint.messages >= kMinWindow ? nullptr : kOutOfRange;
}

Fault read(Input& in, Request& request) {
  const Fault fault = all([&] { return channel_id(in, request.channel); },
                          [&] { return bounded(in, 1, kMaxRequestRanges, request.range_count); });
  if (fault != nullptr) return fault;
  for (uint32_t i = 0; i < request.range_count; ++i) {
    RequestRange& range = request.ranges[i];
    if (!in.u32(range.first32)) return kCutOff;
    if (const Fault bad = bounded(in, 0, kMaxRequestRun - 1, range.count)) return bad;
    range.count++;
    if (i > 0 && !follows(request.ranges[i - 1], range)) return "REQUEST ranges not in order";
  }
  return nullptr;
}

Fault read(Input& in, Skip& skip) {
  if (const Fault fault = channel_id(in, skip.channel)) return fault;
  return in.u32(skip.next32) && in.varint(skip.cost) ? nullptr : kCutOff;
}

Fault delivery(Input& in, Delivery& out) {
  uint64_t value = 0;
  const Fault fault = bounded(in, 0, static_cast<uint64_t>(Delivery::kUnreliable), value);
  out = static_cast<Delivery>(value);
  return fault;
}

Fault read(Input& in, Credit& credit) {
  return all([&] { return channel_id(in, credit.channel); }, [&] { return any(in, credit.limit); });
}

Fault read(Input& in, Blocked& blocked) {
  return all([&] { return channel_id(in, blocked.channel); },
             [&] { return any(in, blocked.wanted); });
}

Fault read(Input& in, MaxChannels& max_channels) { return any(in, max_channels.total); }

Fault read(Input& in, Open& open) {
  return all([&] { return channel_id(in, open.channel); },
             [&] { return text(in, kMinService, kMaxService, open.service, open.service_length); },
             [&] { return in.block(open.metadata, open.metadata_length) ? nullptr : kCutOff; },
             [&] { return open.metadata_length <= kMaxMetadata ? nullptr : kOutOfRange; },
             [&] { return any(in, open.limit); },
             [&] { return bounded(in, 1, kMaxMessage, open.max_message); },
             [&] { return delivery(in, open.delivery); });
}

Fault read(Input& in, Accept& accept) {
  return all([&] { return channel_id(in, accept.channel); }, [&] { return any(in, accept.limit); },
             [&] { return bounded(in, 1, kMaxMessage, accept.max_message); },
             [&] { return delivery(in, accept.delivery); });
}

Fault read(Input& in, End& frame) {
  return all([&] { return channel_id(in, frame.channel); },
             [&] { return any(in, frame.final_sequence); });
}

Fault read(Input& in, Reset& reset) {
  return all([&] { return channel_id(in, reset.channel); },  //
             [&] { return any(in, reset.code); }, [&] { return any(in, reset.final_sequence); },
             [&] { return any(in, reset.final_cost); },
             [&] { return text(in, 0, kMaxReason, reset.reason, reset.reason_length); });
}

Fault read(Input& in, Close& close) {
  return all([&] { return any(in, close.code); },
             [&] { return text(in, 0, kMaxReason, close.reason, close.reason_length); });
}

// Counts the messages and makes sure that next_block() may walk over them unchecked.
Fault check_packing(Message& message) {
  uint32_t count = 0;
  const uint8_t* const end = message.data + message.length;
  if (!walk_blocks(message.data, end, [&count](const uint8_t*, size_t) { ++count; })) {
    return "messages that do not fill their frame";
  }
  message.count = count;
  return count == 0 ? "MESSAGE without messages" : nullptr;
}

Fault read(Input& in, Message& message) {
  if (const Fault fault = channel_id(in, message.channel)) return fault;
  if (!in.u32(message.sequence32) || !in.block(message.data, message.length)) return kCutOff;
  return check_packing(message);
}

Fault read(Input& in, Fragment& fragment) {
  if (const Fault fault = channel_id(in, fragment.channel)) return fault;
  if (!in.u32(fragment.sequence32) || !in.varint(fragment.total) || !in.varint(fragment.offset) ||
      !in.block(fragment.data, fragment.length)) {
    return kCutOff;
  }
  if (fragment.length == 0) return "FRAGMENT without bytes";
  if (fragment.offset + fragment.length > fragment.total) return "FRAGMENT beyond its message";
  return nullptr;
}

Fault read(Input& in, Crypto& crypto) {
  if (const Fault fault = bounded(in, 1, kMaxVarint, crypto.generation)) return fault;
  if (const Fault fault = bounded(in, 1, kLastCryptoStep, crypto.step)) return fault;
  if (!in.block(crypto.message, crypto.length)) return kCutOff;
  return crypto.length >= 1 && crypto.length <= kMaxCryptoMessage ? nullptr : kOutOfRange;
}

Fault path_data(Input& in, uint8_t (&data)[kPathDataBytes]) {
  return in.bytes(data, kPathDataBytes) ? nullptr : kCutOff;
}

Fault read(Input& in, uint64_t type, Frame& out) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kPadding:  // passed over by the caller
    case FrameType::kPing:
    case FrameType::kAckNow:
      return nullptr;
    case FrameType::kAck:
      return read(in, out.ack);
    case FrameType::kAckPolicy:
      return read(in, out.ack_policy);
    case FrameType::kCount:
      return read(in, out.count);
    case FrameType::kRequest:
      return read(in, out.request);
    case FrameType::kSkip:
      return read(in, out.skip);
    case FrameType::kWindow:
      return read(in, out.window);
    case FrameType::kWindowHint:
      return read(in, out.window_hint);
    case FrameType::kCountNow:
      return channel_id(in, out.count_now.channel);
    case FrameType::kCredit:
      return read(in, out.credit);
    case FrameType::kBlocked:
      return read(in, out.blocked);
    case FrameType::kMaxChannels:
      return read(in, out.max_channels);
    case FrameType::kOpen:
      return read(in, out.open);
    case FrameType::kAccept:
      return read(in, out.accept);
    case FrameType::kEnd:
      return read(in, out.end);
    case FrameType::kReset:
      return read(in, out.reset);
    case FrameType::kClose:
      return read(in, out.close);
    case FrameType::kMessage:
      return read(in, out.message);
    case FrameType::kFragment:
      return read(in, out.fragment);
    case FrameType::kCrypto:
      return read(in, out.crypto);
    case FrameType::kPathChallenge:
      return path_data(in, out.path_challenge.data);
    case FrameType::kPathResponse:
      return path_data(in, out.path_response.data);
  }
  return "unknown or reserved frame type";
}

const uint8_t* skip_padding(const uint8_t* p, const uint8_t* end) {
  while (end - p >= 8 && (load_u32(p) | load_u32(p + 4)) == 0) p += 8;
  while (p != end && *p == 0) ++p;
  return p;
}

}  // namespace

FrameReader::Next FrameReader::fail(const char* error) {
  error_ = error;
  return Next::kError;
}

FrameReader::Next FrameReader::next(Frame& out) {
  if (begin_ == end_) return fail("packet without frames");
  while (true) {
    position_ = skip_padding(position_, end_);
    if (position_ == end_) return Next::kEnd;
    Input in(position_, end_);
    uint64_t type = 0;
    if (!in.varint(type)) return fail(kCutOff);
    if (type < kFirstSkippableType) {
      if (const Fault fault = read(in, type, out)) return fail(fault);
      position_ = in.position();
      out.type_ = static_cast<FrameType>(type);
      return Next::kFrame;
    }
    const uint8_t* content = nullptr;
    size_t length = 0;
    if (!in.block(content, length)) return fail(kCutOff);
    position_ = in.position();
    ++skipped_;
  }
}

}  // namespace hawser::wire
