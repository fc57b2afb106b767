// Frames to bytes and back: a MESSAGE with 16 messages of 64 B, as it fills a packet, and an ACK of
// four ranges.

#include <vector>

#include "loops.h"
#include "wire/frames.h"

namespace hawser::micro {
namespace {

constexpr size_t kMessages = 16;
constexpr size_t kMessageBytes = 64;
constexpr size_t kRoom = 1'200;

struct Samples {
  Samples() {
    uint8_t prefix[8];
    for (size_t i = 0; i < kMessages; i++) {
      run.insert(run.end(), prefix, wire::write_varint(prefix, kMessageBytes));
      run.insert(run.end(), kMessageBytes, static_cast<uint8_t>(i));
    }
    message = {5, 1'000, 0, run.data(), run.size()};
    ack.delay_us = 300;
    ack.range_count = 4;
    for (uint32_t i = 0; i < ack.range_count; i++) {
      const uint64_t last = 100'000 - uint64_t{i} * 100;
      ack.ranges[i] = {last - 50, last};
    }
    message_bytes.resize(kRoom);
    message_bytes.resize(static_cast<size_t>(
        wire::write(message_bytes.data(), message_bytes.data() + kRoom, message) -
        message_bytes.data()));
    ack_bytes.resize(kRoom);
    ack_bytes.resize(static_cast<size_t>(
        wire::write(ack_bytes.data(), ack_bytes.data() + kRoom, ack) - ack_bytes.data()));
  }

  std::vector<uint8_t> run;
  wire::Message message{};
  wire::Ack ack{};
  std::vector<uint8_t> message_bytes;
  std::vector<uint8_t> ack_bytes;
  uint8_t out[kRoom] = {};
};

Samples& samples() {
  static Samples made;
  return made;
}

// Bytes written.
template <typename Frame>
double encode(uint32_t count, Frame& frame, uint32_t& varied) {
  Samples& all = samples();
  double bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    varied ^= 1;  // another frame each time
    uint8_t* const end = wire::write(all.out, all.out + kRoom, frame);
    if (end != nullptr) bytes += static_cast<double>(end - all.out);
  }
  return bytes;
}

double encode_message(uint32_t count) {
  return encode(count, samples().message, samples().message.sequence32);
}

double encode_ack(uint32_t count) {
  uint32_t varied = 0;
  return encode(count, samples().ack, varied);
}

// Messages found, their blocks stepped through.
double decode_message(uint32_t count) {
  const std::vector<uint8_t>& bytes = samples().message_bytes;
  wire::Frame frame;
  uint64_t messages = 0;
  for (uint32_t i = 0; i < count; i++) {
    wire::FrameReader reader(bytes.data(), bytes.size());
    if (reader.next(frame) != wire::FrameReader::Next::kFrame) return -1;
    const uint8_t* at = frame.message.data;
    const uint8_t* const end = at + frame.message.length;
    while (at != end) {
      const uint8_t* body = nullptr;
      size_t length = 0;
      at = wire::next_block(at, end, body, length);
      messages += length == kMessageBytes ? 1 : 0;
    }
  }
  return static_cast<double>(messages);
}

// Ranges found.
double decode_ack(uint32_t count) {
  const std::vector<uint8_t>& bytes = samples().ack_bytes;
  wire::Frame frame;
  uint64_t ranges = 0;
  for (uint32_t i = 0; i < count; i++) {
    wire::FrameReader reader(bytes.data(), bytes.size());
    if (reader.next(frame) != wire::FrameReader::Next::kFrame) return -1;
    ranges += frame.ack.range_count;
  }
  return static_cast<double>(ranges);
}

napi_value message_frame(napi_env env, napi_callback_info) {
  return to_buffer(env, samples().message_bytes.data(), samples().message_bytes.size());
}

napi_value ack_frame(napi_env env, napi_callback_info) {
  return to_buffer(env, samples().ack_bytes.data(), samples().ack_bytes.size());
}

}  // namespace

void export_codec(napi_env env, napi_value exports) {
  export_loop(env, exports, "encodeMessage", &encode_message);
  export_loop(env, exports, "decodeMessage", &decode_message);
  export_loop(env, exports, "encodeAck", &encode_ack);
  export_loop(env, exports, "decodeAck", &decode_ack);
  export_call(env, exports, "messageFrame", &message_frame);
  export_call(env, exports, "ackFrame", &ack_frame);
}

}  // namespace hawser::micro
