#pragma once

#include <cstdint>

namespace hawser::transport {

// What a sent packet carried that must be told of its fate. Frames that newer ones replace (ACK,
// COUNT) leave none.
struct FrameRef {
  enum Kind : uint8_t {
    kData,         // bytes [begin, end) of the channel's stream
    kOpen,         // OPEN
    kAccept,       // ACCEPT
    kEnd,          // END
    kReset,        // RESET
    kCredit,       // CREDIT with limit `begin`
    kBlocked,      // BLOCKED
    kWindow,       // WINDOW of generation `begin`
    kHint,         // WINDOW_HINT of generation `begin`
    kRequest,      // REQUEST
    kSkip,         // SKIP of everything below message number `begin`
    kCountNow,     // COUNT_NOW
    kAckPolicy,    // ACK_POLICY of generation `begin`
    kMaxChannels,  // MAX_CHANNELS with total `begin`
    kCrypto,       // CRYPTO of generation `begin`
  };
  // 0 where the frame belongs to the session.
  uint64_t channel;
  uint64_t begin;
  uint64_t end;
  Kind kind;
  // kData: it was sent before.
  bool again = false;
};

}  // namespace hawser::transport
