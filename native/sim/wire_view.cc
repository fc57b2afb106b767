#include "sim/wire_view.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>

#include "wire/codes.h"
#include "wire/endian.h"

namespace hawser::sim {
namespace {

[[gnu::format(printf, 2, 3)]] void append(std::string& out, const char* format, ...) {
  char text[160];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  out += text;
}

void describe_ack(std::string& out, const wire::Ack& ack) {
  out += " ACK";
  for (uint32_t i = 0; i < ack.range_count; i++) {
    append(out, "%c%" PRIu64 "-%" PRIu64, i == 0 ? ' ' : ',', ack.ranges[i].first,
           ack.ranges[i].last);
  }
  append(out, " delay %" PRIu64 "us", ack.delay_us);
}

void describe_count(std::string& out, const wire::Count& count) {
  out += " COUNT";
  for (uint32_t i = 0; i < count.entry_count; i++) {
    append(out, " c%" PRIu64 "=%" PRIu32, count.entries[i].channel, count.entries[i].count32);
  }
}

void describe_frame(std::string& out, const wire::Frame& frame) {
  switch (frame.type()) {
    case wire::FrameType::kPadding:
      break;
    case wire::FrameType::kPing:
      out += " PING";
      break;
    case wire::FrameType::kAckNow:
      out += " ACK_NOW";
      break;
    case wire::FrameType::kAck:
      describe_ack(out, frame.ack);
      break;
    case wire::FrameType::kAckPolicy:
      append(out, " ACK_POLICY g%" PRIu64 " P%" PRIu32 " %" PRIu32 "us threshold %" PRIu32,
             frame.ack_policy.generation, frame.ack_policy.packets, frame.ack_policy.max_delay_us,
             frame.ack_policy.reordering_threshold);
      break;
    case wire::FrameType::kCount:
      describe_count(out, frame.count);
      break;
    case wire::FrameType::kWindow:
      append(out, " WINDOW c%" PRIu64 " g%" PRIu64 " N%" PRIu32 " M%" PRIu32 " T%" PRIu32 "us",
             frame.window.channel, frame.window.generation, frame.window.messages,
             frame.window.messages_per_ack, frame.window.ack_after_us);
      break;
    case wire::FrameType::kWindowHint:
      append(out, " WINDOW_HINT c%" PRIu64 " g%" PRIu64 " loss %u/65536 N%u M%u",
             frame.window_hint.channel, frame.window_hint.generation, frame.window_hint.loss,
             frame.window_hint.messages, frame.window_hint.messages_per_ack);
      break;
    case wire::FrameType::kRequest:
      append(out, " REQUEST c%" PRIu64, frame.request.channel);
      for (uint32_t i = 0; i < frame.request.range_count; i++) {
        append(out, " s%u+%u", frame.request.ranges[i].first32, frame.request.ranges[i].count);
      }
      break;
    case wire::FrameType::kSkip:
      append(out, " SKIP c%" PRIu64 " to s%u cost %" PRIu64, frame.skip.channel, frame.skip.next32,
             frame.skip.cost);
      break;
    case wire::FrameType::kCountNow:
      append(out, " COUNT_NOW c%" PRIu64, frame.count_now.channel);
      break;
    case wire::FrameType::kCredit:
      append(out, " CREDIT c%" PRIu64 " %" PRIu64, frame.credit.channel, frame.credit.limit);
      break;
    case wire::FrameType::kBlocked:
      append(out, " BLOCKED c%" PRIu64 " %" PRIu64, frame.blocked.channel, frame.blocked.wanted);
      break;
    case wire::FrameType::kMaxChannels:
      append(out, " MAX_CHANNELS %" PRIu64, frame.max_channels.total);
      break;
    case wire::FrameType::kOpen:
      append(out, " OPEN c%" PRIu64 " limit %" PRIu64 " max %" PRIu64, frame.open.channel,
             frame.open.limit, frame.open.max_message);
      break;
    case wire::FrameType::kAccept:
      append(out, " ACCEPT c%" PRIu64 " limit %" PRIu64 " max %" PRIu64, frame.accept.channel,
             frame.accept.limit, frame.accept.max_message);
      break;
    case wire::FrameType::kEnd:
      append(out, " END c%" PRIu64 " final %" PRIu64, frame.end.channel, frame.end.final_sequence);
      break;
    case wire::FrameType::kReset:
      append(out, " RESET c%" PRIu64 " %s final %" PRIu64 " cost %" PRIu64, frame.reset.channel,
             wire::code_name(wire::code_from_wire(frame.reset.code)), frame.reset.final_sequence,
             frame.reset.final_cost);
      break;
    case wire::FrameType::kClose:
      append(out, " CLOSE %s '%.*s'", wire::code_name(wire::code_from_wire(frame.close.code)),
             static_cast<int>(frame.close.reason_length),
             reinterpret_cast<const char*>(frame.close.reason));
      break;
    case wire::FrameType::kMessage:
      append(out, " MESSAGE c%" PRIu64 " s%" PRIu32 "+%" PRIu32 " %zuB", frame.message.channel,
             frame.message.sequence32, frame.message.count, frame.message.length);
      break;
    case wire::FrameType::kFragment:
      append(out, " FRAGMENT c%" PRIu64 " s%" PRIu32 " %" PRIu64 "+%zu/%" PRIu64,
             frame.fragment.channel, frame.fragment.sequence32, frame.fragment.offset,
             frame.fragment.length, frame.fragment.total);
      break;
    case wire::FrameType::kCrypto:
      append(out, " CRYPTO g%" PRIu64 " step %" PRIu32 " %zuB", frame.crypto.generation,
             frame.crypto.step, frame.crypto.length);
      break;
    case wire::FrameType::kPathChallenge:
      append(out, " PATH_CHALLENGE %016" PRIx64, wire::load_u64(frame.path_challenge.data));
      break;
    case wire::FrameType::kPathResponse:
      append(out, " PATH_RESPONSE %016" PRIx64, wire::load_u64(frame.path_response.data));
      break;
  }
}

}  // namespace

bool view_packet(const uint8_t* data, size_t length, PacketView& view) {
  if (!wire::classify(data, length, view.type)) return false;
  if (view.type != wire::PacketType::kData) return true;
  wire::DataHeader header;
  if (!wire::read_data_header(data, length, header)) return false;
  view.destination = header.destination.as_u64();
  view.number32 = header.number;
  view.frames = data + wire::kHeaderBytes;
  view.frames_length = length - wire::kPacketOverhead;
  return true;
}

std::string describe(const uint8_t* data, size_t length) {
  PacketView view;
  if (!view_packet(data, length, view)) return "not readable";
  if (view.type == wire::PacketType::kInit) return "INIT";
  if (view.type == wire::PacketType::kResponse) return "RESPONSE";
  if (view.type == wire::PacketType::kCookie) return "COOKIE";
  std::string out;
  append(out, "DATA #%" PRIu32, view.number32);
  if (!each_frame(view, [&](const wire::Frame& frame) { describe_frame(out, frame); })) {
    out += " (then not readable)";
  }
  return out;
}

const char* fate_name(Fate fate) {
  switch (fate) {
    case Fate::kCarried:
      return "";
    case Fate::kLost:
      return "LOST";
    case Fate::kDuplicated:
      return "TWICE";
    case Fate::kCorrupted:
      return "CORRUPTED";
    case Fate::kDropRule:
      return "DROPPED";
    case Fate::kOutage:
      return "OUTAGE";
    case Fate::kTooLong:
      return "TOO LONG";
  }
  return "";
}

}  // namespace hawser::sim
