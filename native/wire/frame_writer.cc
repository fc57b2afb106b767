#include <cstring>

#include "wire/endian.h"
#include "wire/frames.h"
#include "wire/text.h"

namespace hawser::wire {

namespace {

// Where a frame goes. After the first piece that does not fit, or a number that no varint can hold,
// nothing is written any more and finish() says so.
class Output {
 public:
  Output(uint8_t* out, uint8_t* end, FrameType type) : position_(out), end_(end) {
    varint(static_cast<uint64_t>(type));
  }

  Output& varint(uint64_t value) {
    const size_t size = varint_size(value);
    if (reserve(size) && size != 0) {
      position_ = write_varint(position_, value);
    } else {
      position_ = nullptr;
    }
    return *this;
  }

  Output& u32(uint32_t value) {
    if (reserve(4)) position_ = store_u32(position_, value);
    return *this;
  }

  Output& bytes(const uint8_t* data, size_t length) {
    if (length != 0 && reserve(length)) {
      std::memcpy(position_, data, length);
      position_ += length;
    }
    return *this;
  }

  Output& block(const uint8_t* data, size_t length) { return varint(length).bytes(data, length); }

  uint8_t* finish() const { return position_; }

 private:
  bool reserve(size_t size) {
    if (position_ != nullptr && static_cast<size_t>(end_ - position_) < size) position_ = nullptr;
    return position_ != nullptr;
  }

  uint8_t* position_;
  uint8_t* end_;
};

bool within(uint64_t value, uint64_t lowest, uint64_t highest) {
  return value >= lowest && value <= highest;
}

bool valid_text(const uint8_t* data, size_t length, size_t shortest, size_t longest) {
  return within(length, shortest, longest) && valid_utf8(data, length);
}

bool valid_ranges(const Ack& ack) {
  if (!within(ack.range_count, 1, kMaxAckRanges)) return false;
  for (uint32_t i = 0; i < ack.range_count; ++i) {
    const Range& range = ack.ranges[i];
    if (range.first > range.last || range.last > kMaxVarint) return false;
    // At least one number between this range and the newer one before it.
    if (i > 0 &&
        (range.last >= ack.ranges[i - 1].first || ack.ranges[i - 1].first - range.last < 2)) {
      return false;
    }
  }
  return true;
}

bool valid_request(const Request& request) {
  if (!within(request.range_count, 1, kMaxRequestRanges)) return false;
  for (uint32_t i = 0; i < request.range_count; ++i) {
    if (!within(request.ranges[i].count, 1, kMaxRequestRun)) return false;
    if (i > 0 && !follows(request.ranges[i - 1], request.ranges[i])) return false;
  }
  return true;
}

}  // namespace

uint8_t* write(uint8_t* out, uint8_t* end, const Ping&) {
  return Output(out, end, FrameType::kPing).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const AckNow&) {
  return Output(out, end, FrameType::kAckNow).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const CountNow& count_now) {
  if (count_now.channel == 0) return nullptr;
  return Output(out, end, FrameType::kCountNow).varint(count_now.channel).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Ack& ack) {
  if (!valid_ranges(ack)) return nullptr;
  Output output(out, end, FrameType::kAck);
  output.varint(ack.largest()).varint(ack.delay_us).varint(ack.range_count - 1);
  output.varint(ack.ranges[0].last - ack.ranges[0].first);
  for (uint32_t i = 1; i < ack.range_count; ++i) {
    const Range& range = ack.ranges[i];
    output.varint(ack.ranges[i - 1].first - range.last - 2).varint(range.last - range.first);
  }
  return output.finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const AckPolicy& policy) {
  if (!within(policy.packets, 1, kMaxPolicyPackets) || policy.max_delay_us > kMaxAckDelayUs ||
      !within(policy.reordering_threshold, 1, kMaxReorderingThreshold)) {
    return nullptr;
  }
  Output output(out, end, FrameType::kAckPolicy);
  output.varint(policy.generation).varint(policy.packets).varint(policy.max_delay_us);
  return output.varint(policy.reordering_threshold).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Count& count) {
  if (!within(count.entry_count, 1, kMaxCountEntries)) return nullptr;
  Output output(out, end, FrameType::kCount);
  output.varint(count.entry_count);
  for (uint32_t i = 0; i < count.entry_count; ++i) {
    if (count.entries[i].channel == 0) return nullptr;
    output.varint(count.entries[i].channel).u32(count.entries[i].count32);
  }
  return output.finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Window& window) {
  if (window.channel == 0 || !within(window.messages, kMinWindow, kMaxWindow) ||
      !within(window.messages_per_ack, 1, window.messages) || window.mode > WindowMode::kCounted) {
    return nullptr;
  }
  Output output(out, end, FrameType::kWindow);
  output.varint(window.channel).varint(window.generation).varint(window.messages);
  output.varint(window.messages_per_ack).varint(window.ack_after_us);
  return output.varint(static_cast<uint64_t>(window.mode)).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const WindowHint& hint) {
  const bool advises = hint.messages != 0;
  if (hint.channel == 0 || hint.loss > kLossUnit || hint.messages_per_ack > hint.messages ||
      (advises && !within(hint.messages, kMinWindow, kMaxWindow))) {
    return nullptr;
  }
  Output output(out, end, FrameType::kWindowHint);
  output.varint(hint.channel).varint(hint.generation).varint(hint.loss);
  return output.varint(hint.messages).varint(hint.messages_per_ack).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Request& request) {
  if (request.channel == 0 || !valid_request(request)) return nullptr;
  Output output(out, end, FrameType::kRequest);
  output.varint(request.channel).varint(request.range_count);
  for (uint32_t i = 0; i < request.range_count; ++i) {
    output.u32(request.ranges[i].first32).varint(request.ranges[i].count - 1);
  }
  return output.finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Skip& skip) {
  if (skip.channel == 0) return nullptr;
  Output output(out, end, FrameType::kSkip);
  return output.varint(skip.channel).u32(skip.next32).varint(skip.cost).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Credit& credit) {
  if (credit.channel == 0) return nullptr;
  return Output(out, end, FrameType::kCredit).varint(credit.channel).varint(credit.limit).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Blocked& blocked) {
  if (blocked.channel == 0) return nullptr;
  Output output(out, end, FrameType::kBlocked);
  return output.varint(blocked.channel).varint(blocked.wanted).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const MaxChannels& max_channels) {
  return Output(out, end, FrameType::kMaxChannels).varint(max_channels.total).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Open& open) {
  if (open.channel == 0 ||
      !valid_text(open.service, open.service_length, kMinService, kMaxService) ||
      open.metadata_length > kMaxMetadata || !within(open.max_message, 1, kMaxMessage) ||
      open.delivery > Delivery::kUnreliable) {
    return nullptr;
  }
  Output output(out, end, FrameType::kOpen);
  output.varint(open.channel).block(open.service, open.service_length);
  output.block(open.metadata, open.metadata_length);
  output.varint(open.limit).varint(open.max_message);
  return output.varint(static_cast<uint64_t>(open.delivery)).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Accept& accept) {
  if (accept.channel == 0 || !within(accept.max_message, 1, kMaxMessage) ||
      accept.delivery > Delivery::kUnreliable) {
    return nullptr;
  }
  Output output(out, end, FrameType::kAccept);
  output.varint(accept.channel).varint(accept.limit).varint(accept.max_message);
  return output.varint(static_cast<uint64_t>(accept.delivery)).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const End& frame) {
  if (frame.channel == 0) return nullptr;
  Output output(out, end, FrameType::kEnd);
  return output.varint(frame.channel).varint(frame.final_sequence).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Reset& reset) {
  if (reset.channel == 0 || !valid_text(reset.reason, reset.reason_length, 0, kMaxReason)) {
    return nullptr;
  }
  Output output(out, end, FrameType::kReset);
  output.varint(reset.channel).varint(reset.code).varint(reset.final_sequence);
  return output.varint(reset.final_cost).block(reset.reason, reset.reason_length).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Close& close) {
  if (!valid_text(close.reason, close.reason_length, 0, kMaxReason)) return nullptr;
  Output output(out, end, FrameType::kClose);
  return output.varint(close.code).block(close.reason, close.reason_length).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const Message& message) {
  uint8_t* content =
      write_message_header(out, end, message.channel, message.sequence32, message.length);
  if (content == nullptr) return nullptr;
  std::memcpy(content, message.data, message.length);
  return content + message.length;
}

uint8_t* write(uint8_t* out, uint8_t* end, const Fragment& fragment) {
  uint8_t* content = write_fragment_header(out, end, fragment.channel, fragment.sequence32,
                                           fragment.total, fragment.offset, fragment.length);
  if (content == nullptr) return nullptr;
  std::memcpy(content, fragment.data, fragment.length);
  return content + fragment.length;
}

uint8_t* write(uint8_t* out, uint8_t* end, const Crypto& crypto) {
  if (crypto.generation == 0 || !within(crypto.step, 1, kLastCryptoStep) ||
      !within(crypto.length, 1, kMaxCryptoMessage)) {
    return nullptr;
  }
  Output output(out, end, FrameType::kCrypto);
  output.varint(crypto.generation).varint(crypto.step);
  return output.block(crypto.message, crypto.length).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const PathChallenge& challenge) {
  return Output(out, end, FrameType::kPathChallenge).bytes(challenge.data, kPathDataBytes).finish();
}

uint8_t* write(uint8_t* out, uint8_t* end, const PathResponse& response) {
  return Output(out, end, FrameType::kPathResponse).bytes(response.data, kPathDataBytes).finish();
}

uint8_t* write_padding(uint8_t* out, uint8_t* end, size_t count) {
  if (static_cast<size_t>(end - out) < count) return nullptr;
  if (count != 0) std::memset(out, 0, count);
  return out + count;
}

uint8_t* write_message_header(uint8_t* out, uint8_t* end, uint64_t channel, uint32_t sequence32,
                              size_t length) {
  const size_t room = static_cast<size_t>(end - out);
  if (channel == 0 || channel > kMaxVarint || length == 0 || length > room ||
      room - length < message_header_size(channel, length)) {
    return nullptr;
  }
  *out++ = static_cast<uint8_t>(FrameType::kMessage);
  out = write_varint(out, channel);
  out = store_u32(out, sequence32);
  return write_varint(out, length);
}

uint8_t* write_fragment_header(uint8_t* out, uint8_t* end, uint64_t channel, uint32_t sequence32,
                               uint64_t total, uint64_t offset, size_t length) {
  const size_t room = static_cast<size_t>(end - out);
  if (channel == 0 || channel > kMaxVarint || total > kMaxVarint || offset > total || length == 0 ||
      length > total - offset || length > room ||
      room - length < fragment_header_size(channel, total, offset, length)) {
    return nullptr;
  }
  *out++ = static_cast<uint8_t>(FrameType::kFragment);
  out = write_varint(out, channel);
  out = store_u32(out, sequence32);
  out = write_varint(out, total);
  out = write_varint(out, offset);
  return write_varint(out, length);
}

}  // namespace hawser::wire
