#pragma once

// Frames as the vectors show them (see README.md beside this file). For the generator and the
// tests, never for the addon.

#include <string>
#include <vector>

#include "wire/frames.h"
#include "wire/vectors/json.h"

namespace hawser::wire::vectors {

using Bytes = std::vector<uint8_t>;

inline std::string to_hex(const uint8_t* data, size_t length) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * length);
  for (size_t i = 0; i < length; ++i) {
    hex += kDigits[data[i] >> 4];
    hex += kDigits[data[i] & 15];
  }
  return hex;
}

inline std::string to_hex(const Bytes& bytes) { return to_hex(bytes.data(), bytes.size()); }

// Blanks are passed over, so that hand-written bytes can be grouped.
inline Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  uint32_t digits = 1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int digit = c >= 'a' ? c - 'a' + 10 : c - '0';
    if (digit < 0 || digit > 15) std::abort();
    digits = digits << 4 | static_cast<uint32_t>(digit);
    if (digits < 0x100) continue;
    bytes.push_back(static_cast<uint8_t>(digits));
    digits = 1;
  }
  if (digits != 1) std::abort();
  return bytes;
}

inline Json hex_json(const uint8_t* data, size_t length) {
  return Json::string(to_hex(data, length));
}

inline Json text_json(const uint8_t* data, size_t length) {
  return Json::string(std::string(data, data + length));
}

inline Json start(const char* type, FrameType frame_type) {
  Json json = Json::object();
  json.set("type", Json::string(type));
  json.set("eliciting", Json::boolean(is_ack_eliciting(frame_type)));
  return json;
}

inline Json describe(const Ping&) { return start("PING", FrameType::kPing); }
inline Json describe(const AckNow&) { return start("ACK_NOW", FrameType::kAckNow); }

inline Json describe(const CountNow& count_now) {
  Json json = start("COUNT_NOW", FrameType::kCountNow);
  json.set("channel", Json::number(count_now.channel));
  return json;
}

inline Json describe(const Ack& ack) {
  Json json = start("ACK", FrameType::kAck);
  json.set("delay", Json::number(ack.delay_us));
  Json ranges = Json::array();
  for (uint32_t i = 0; i < ack.range_count; ++i) {
    Json range = Json::array();
    range.add(Json::number(ack.ranges[i].first)).add(Json::number(ack.ranges[i].last));
    ranges.add(std::move(range));
  }
  json.set("ranges", std::move(ranges));
  return json;
}

inline Json describe(const AckPolicy& policy) {
  Json json = start("ACK_POLICY", FrameType::kAckPolicy);
  json.set("generation", Json::number(policy.generation));
  json.set("packets", Json::number(policy.packets));
  json.set("max_delay", Json::number(policy.max_delay_us));
  json.set("reordering_threshold", Json::number(policy.reordering_threshold));
  return json;
}

inline Json describe(const Count& count) {
  Json json = start("COUNT", FrameType::kCount);
  Json entries = Json::array();
  for (uint32_t i = 0; i < count.entry_count; ++i) {
    Json entry = Json::object();
    entry.set("channel", Json::number(count.entries[i].channel));
    entry.set("count", Json::number(count.entries[i].count32));
    entries.add(std::move(entry));
  }
  json.set("entries", std::move(entries));
  return json;
}

inline Json describe(const Window& window) {
  Json json = start("WINDOW", FrameType::kWindow);
  json.set("channel", Json::number(window.channel));
  json.set("generation", Json::number(window.generation));
  json.set("messages", Json::number(window.messages));
  json.set("messages_per_ack", Json::number(window.messages_per_ack));
  json.set("ack_after", Json::number(window.ack_after_us));
  json.set("mode", Json::number(static_cast<uint64_t>(window.mode)));
  return json;
}

inline Json describe(const WindowHint& hint) {
  Json json = start("WINDOW_HINT", FrameType::kWindowHint);
  json.set("channel", Json::number(hint.channel));
  json.set("generation", Json::number(hint.generation));
  json.set("loss", Json::number(hint.loss));
  json.set("messages", Json::number(hint.messages));
  json.set("messages_per_ack", Json::number(hint.messages_per_ack));
  return json;
}

inline Json describe(const Request& request) {
  Json json = start("REQUEST", FrameType::kRequest);
  json.set("channel", Json::number(request.channel));
  Json ranges = Json::array();
  for (uint32_t i = 0; i < request.range_count; ++i) {
    Json range = Json::object();
    range.set("first", Json::number(request.ranges[i].first32));
    range.set("count", Json::number(request.ranges[i].count));
    ranges.add(std::move(range));
  }
  json.set("ranges", std::move(ranges));
  return json;
}

inline Json describe(const Skip& skip) {
  Json json = start("SKIP", FrameType::kSkip);
  json.set("channel", Json::number(skip.channel));
  json.set("next", Json::number(skip.next32));
  json.set("cost", Json::number(skip.cost));
  return json;
}

inline Json describe(const Credit& credit) {
  Json json = start("CREDIT", FrameType::kCredit);
  json.set("channel", Json::number(credit.channel));
  json.set("limit", Json::number(credit.limit));
  return json;
}

inline Json describe(const Blocked& blocked) {
  Json json = start("BLOCKED", FrameType::kBlocked);
  json.set("channel", Json::number(blocked.channel));
  json.set("wanted", Json::number(blocked.wanted));
  return json;
}

inline Json describe(const MaxChannels& max_channels) {
  Json json = start("MAX_CHANNELS", FrameType::kMaxChannels);
  json.set("total", Json::number(max_channels.total));
  return json;
}

inline Json describe(const Open& open) {
  Json json = start("OPEN", FrameType::kOpen);
  json.set("channel", Json::number(open.channel));
  json.set("service", text_json(open.service, open.service_length));
  json.set("metadata", hex_json(open.metadata, open.metadata_length));
  json.set("limit", Json::number(open.limit));
  json.set("max_message", Json::number(open.max_message));
  json.set("delivery", Json::number(static_cast<uint64_t>(open.delivery)));
  return json;
}

inline Json describe(const Accept& accept) {
  Json json = start("ACCEPT", FrameType::kAccept);
  json.set("channel", Json::number(accept.channel));
  json.set("limit", Json::number(accept.limit));
  json.set("max_message", Json::number(accept.max_message));
  json.set("delivery", Json::number(static_cast<uint64_t>(accept.delivery)));
  return json;
}

inline Json describe(const End& end) {
  Json json = start("END", FrameType::kEnd);
  json.set("channel", Json::number(end.channel));
  json.set("final_sequence", Json::number(end.final_sequence));
  return json;
}

inline Json describe(const Reset& reset) {
  Json json = start("RESET", FrameType::kReset);
  json.set("channel", Json::number(reset.channel));
  json.set("code", Json::number(reset.code));
  json.set("final_sequence", Json::number(reset.final_sequence));
  json.set("final_cost", Json::number(reset.final_cost));
  json.set("reason", text_json(reset.reason, reset.reason_length));
  return json;
}

inline Json describe(const Close& close) {
  Json json = start("CLOSE", FrameType::kClose);
  json.set("code", Json::number(close.code));
  json.set("reason", text_json(close.reason, close.reason_length));
  return json;
}

// `message.data` is well-formed.
inline Json describe(const Message& message) {
  Json json = start("MESSAGE", FrameType::kMessage);
  json.set("channel", Json::number(message.channel));
  json.set("sequence", Json::number(message.sequence32));
  Json messages = Json::array();
  const uint8_t* const end = message.data + message.length;
  for (const uint8_t* p = message.data; p != end;) {
    const uint8_t* body = nullptr;
    size_t length = 0;
    p = next_block(p, end, body, length);
    messages.add(hex_json(body, length));
  }
  json.set("messages", std::move(messages));
  return json;
}

inline Json describe(const Fragment& fragment) {
  Json json = start("FRAGMENT", FrameType::kFragment);
  json.set("channel", Json::number(fragment.channel));
  json.set("sequence", Json::number(fragment.sequence32));
  json.set("total", Json::number(fragment.total));
  json.set("offset", Json::number(fragment.offset));
  json.set("data", hex_json(fragment.data, fragment.length));
  return json;
}

inline Json describe(const Crypto& crypto) {
  Json json = start("CRYPTO", FrameType::kCrypto);
  json.set("generation", Json::number(crypto.generation));
  json.set("step", Json::number(crypto.step));
  json.set("message", hex_json(crypto.message, crypto.length));
  return json;
}

inline Json describe(const PathChallenge& challenge) {
  Json json = start("PATH_CHALLENGE", FrameType::kPathChallenge);
  json.set("data", hex_json(challenge.data, kPathDataBytes));
  return json;
}

inline Json describe(const PathResponse& response) {
  Json json = start("PATH_RESPONSE", FrameType::kPathResponse);
  json.set("data", hex_json(response.data, kPathDataBytes));
  return json;
}

// Calls `with` with the member that the frame holds.
template <typename With>
auto visit(const Frame& frame, With with) {
  switch (frame.type()) {
    case FrameType::kAckNow:
      return with(AckNow{});
    case FrameType::kCountNow:
      return with(frame.count_now);
    case FrameType::kRequest:
      return with(frame.request);
    case FrameType::kSkip:
      return with(frame.skip);
    case FrameType::kWindowHint:
      return with(frame.window_hint);
    case FrameType::kAck:
      return with(frame.ack);
    case FrameType::kAckPolicy:
      return with(frame.ack_policy);
    case FrameType::kCount:
      return with(frame.count);
    case FrameType::kWindow:
      return with(frame.window);
    case FrameType::kCredit:
      return with(frame.credit);
    case FrameType::kBlocked:
      return with(frame.blocked);
    case FrameType::kMaxChannels:
      return with(frame.max_channels);
    case FrameType::kOpen:
      return with(frame.open);
    case FrameType::kAccept:
      return with(frame.accept);
    case FrameType::kEnd:
      return with(frame.end);
    case FrameType::kReset:
      return with(frame.reset);
    case FrameType::kClose:
      return with(frame.close);
    case FrameType::kMessage:
      return with(frame.message);
    case FrameType::kFragment:
      return with(frame.fragment);
    case FrameType::kCrypto:
      return with(frame.crypto);
    case FrameType::kPathChallenge:
      return with(frame.path_challenge);
    case FrameType::kPathResponse:
      return with(frame.path_response);
    case FrameType::kPing:
      return with(Ping{});
    case FrameType::kPadding:  // never returned by a FrameReader
      break;
  }
  std::abort();
}

inline Json describe(const Frame& frame) {
  return visit(frame, [](const auto& member) { return describe(member); });
}

inline uint8_t* write(uint8_t* out, uint8_t* end, const Frame& frame) {
  return visit(frame, [&](const auto& member) { return wire::write(out, end, member); });
}

}  // namespace hawser::wire::vectors
