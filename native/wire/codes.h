#pragma once

#include <cstdint>

namespace hawser::wire {

// Why a session or a channel ended (PROTOCOL.md §7).
enum class Code : uint64_t {
  kNoError = 0x00,
  kInternal = 0x01,
  kFrameEncoding = 0x02,
  kFlowControl = 0x03,
  kChannelLimit = 0x04,
  kChannelState = 0x05,
  kAckInvalid = 0x06,
  kMessageTooLarge = 0x07,
  kOutOfMemory = 0x08,
  kCryptoFailed = 0x09,   // a handshake within the session that does not check
  kKeysExhausted = 0x0a,  // the limit of a cipher was reached
  kSessionLimit = 0x0b,   // too many sessions, or too many with this peer
  kCancelled = 0x10,
  kServiceUnknown = 0x11,
  kServiceRefused = 0x12,
  kIdle = 0x13,
  kHandlerFailed = 0x14,
};

// The name as PROTOCOL.md writes it ("NO_ERROR"); "UNKNOWN" for a number without one.
const char* code_name(Code code);

// A code as it came from the wire; an unknown one is treated as kInternal.
Code code_from_wire(uint64_t number);

}  // namespace hawser::wire
