#pragma once

// Packets and the handshake's payloads as the vectors show them (see README.md beside this file).
// For the generator and the tests, never for the addon.

#include "wire/packet.h"
#include "wire/vectors/describe.h"

namespace hawser::wire::vectors {

inline Json describe(const Parameters& parameters) {
  Json json = Json::object();
  json.set("idle_timeout", Json::number(parameters.idle_timeout_ms));
  json.set("max_datagram", Json::number(parameters.max_datagram));
  json.set("max_ack_delay", Json::number(parameters.max_ack_delay_us));
  json.set("max_channels", Json::number(parameters.max_channels));
  json.set("initial_credit", Json::number(parameters.initial_credit));
  return json;
}

inline Json describe(const ConnectionId& id) { return hex_json(id.bytes, sizeof id.bytes); }
inline Json describe(const PeerIdBytes& id) { return hex_json(id.bytes, sizeof id.bytes); }
inline Json describe(const ResetToken& token) { return hex_json(token.bytes, sizeof token.bytes); }

// `content` is what stands between the header and the tag, `tag` its kTagBytes.
inline Json describe(const DataHeader& header, const uint8_t* content, size_t length,
                     const uint8_t* tag) {
  Json json = Json::object();
  json.set("type", Json::string("DATA"));
  json.set("key_phase", Json::boolean(header.key_phase));
  json.set("destination", describe(header.destination));
  json.set("number", Json::number(header.number));
  json.set("content", hex_json(content, length));
  json.set("tag", hex_json(tag, kTagBytes));
  return json;
}

// A whole INIT, whose header was read from it.
inline Json describe(const InitHeader& header, const uint8_t* datagram) {
  Json json = Json::object();
  json.set("type", Json::string("INIT"));
  json.set("version", Json::number(header.version));
  json.set("suite", Json::number(static_cast<uint64_t>(header.suite)));
  json.set("source", describe(header.source));
  json.set("message", hex_json(init_message(datagram), kInitMessageBytes));
  json.set("mac1", hex_json(init_mac1(datagram), kHandshakeMacBytes));
  json.set("mac2", hex_json(init_mac2(datagram), kHandshakeMacBytes));
  return json;
}

inline Json describe(const ResponseHeader& header, const uint8_t* message, size_t length) {
  Json json = Json::object();
  json.set("type", Json::string("RESPONSE"));
  json.set("version", Json::number(header.version));
  json.set("destination", describe(header.destination));
  json.set("message", hex_json(message, length));
  return json;
}

inline Json describe(const Cookie& cookie) {
  Json json = Json::object();
  json.set("type", Json::string("COOKIE"));
  json.set("version", Json::number(cookie.version));
  json.set("destination", describe(cookie.destination));
  json.set("cookie", hex_json(cookie.cookie, kCookieBytes));
  json.set("mac", hex_json(cookie.mac, kHandshakeMacBytes));
  return json;
}

inline Json describe(const InitPayload& payload) {
  Json json = Json::object();
  json.set("initiator", describe(payload.initiator));
  json.set("reset", describe(payload.reset));
  json.set("parameters", describe(payload.parameters));
  return json;
}

inline Json describe(const ResponsePayload& payload) {
  Json json = Json::object();
  json.set("source", describe(payload.source));
  json.set("reset", describe(payload.reset));
  json.set("parameters", describe(payload.parameters));
  return json;
}

}  // namespace hawser::wire::vectors
