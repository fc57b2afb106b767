#include "wire/codes.h"

namespace hawser::wire {

namespace {

const char* name_or_null(Code code) {
  switch (code) {
    case Code::kNoError:
      return "NO_ERROR";
    case Code::kInternal:
      return "INTERNAL";
    case Code::kFrameEncoding:
      return "FRAME_ENCODING";
    case Code::kFlowControl:
      return "FLOW_CONTROL";
    case Code::kChannelLimit:
      return "CHANNEL_LIMIT";
    case Code::kChannelState:
      return "CHANNEL_STATE";
    case Code::kAckInvalid:
      return "ACK_INVALID";
    case Code::kMessageTooLarge:
      return "MESSAGE_TOO_LARGE";
    case Code::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case Code::kCryptoFailed:
      return "CRYPTO_FAILED";
    case Code::kKeysExhausted:
      return "KEYS_EXHAUSTED";
    case Code::kSessionLimit:
      return "SESSION_LIMIT";
    case Code::kCancelled:
      return "CANCELLED";
    case Code::kServiceUnknown:
      return "SERVICE_UNKNOWN";
    case Code::kServiceRefused:
      return "SERVICE_REFUSED";
    case Code::kIdle:
      return "IDLE";
    case Code::kHandlerFailed:
      return "HANDLER_FAILED";
  }
  return nullptr;
}

}  // namespace

const char* code_name(Code code) {
  const char* name = name_or_null(code);
  return name == nullptr ? "UNKNOWN" : name;
}

Code code_from_wire(uint64_t number) {
  const Code code = static_cast<Code>(number);
  return name_or_null(code) == nullptr ? Code::kInternal : code;
}

}  // namespace hawser::wire
