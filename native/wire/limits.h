#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::wire {

// The numbers of PROTOCOL.md. Lengths in bytes, ranges inclusive.

inline constexpr uint32_t kVersion = 1;

// Datagrams and packets (§2, §3).
inline constexpr size_t kMinDatagram = 1200;
inline constexpr size_t kMaxDatagram = 65527;
inline constexpr size_t kConnectionIdBytes = 8;
inline constexpr size_t kPeerIdBytes = 32;
inline constexpr size_t kResetTokenBytes = 16;
inline constexpr size_t kHeaderBytes = 13;  // of a DATA packet
inline constexpr size_t kTagBytes = 16;
inline constexpr size_t kMinDataPacket = kHeaderBytes + 1 + kTagBytes;
inline constexpr size_t kPacketOverhead = kHeaderBytes + kTagBytes;
inline constexpr size_t kMinResetBytes = kMinDataPacket;  // a stateless reset; ends with its token
inline constexpr uint64_t kMaxFirstPacketNumber = (uint64_t{1} << 31) - 1;
inline constexpr uint64_t kMinDuplicateWindow = 8192;   // packets
inline constexpr uint64_t kMaxDuplicateWindow = 65536;  // packets

// The handshake's packets (§3). The overheads are what Noise adds to the payload of a message.
inline constexpr size_t kInitBytes = 1200;  // exactly
inline constexpr size_t kInitHeaderBytes = 1 + 4 + 1 + kConnectionIdBytes;
inline constexpr size_t kHandshakeMacBytes = 8;
inline constexpr size_t kInitMessageBytes = kInitBytes - kInitHeaderBytes - 2 * kHandshakeMacBytes;
inline constexpr size_t kFirstMessageOverhead = 96;
inline constexpr size_t kSecondMessageOverhead = 48;
inline constexpr size_t kInitPayloadBytes = kInitMessageBytes - kFirstMessageOverhead;  // exactly
inline constexpr size_t kResponseHeaderBytes = 1 + 4 + kConnectionIdBytes;
inline constexpr size_t kMaxResponseBytes = 256;
inline constexpr size_t kMaxResponsePayload =
    kMaxResponseBytes - kResponseHeaderBytes - kSecondMessageOverhead;
inline constexpr size_t kCookieBytes = 16;
inline constexpr size_t kCookiePacketBytes =  // exactly
    1 + 4 + kConnectionIdBytes + kCookieBytes + kHandshakeMacBytes;
static_assert(kInitHeaderBytes == 14 && kInitMessageBytes == 1170 && kInitPayloadBytes == 1074);
static_assert(kCookiePacketBytes == 37);

// Parameters (§3.1).
inline constexpr uint32_t kDefaultIdleTimeoutMs = 30000;
inline constexpr uint32_t kDefaultMaxAckDelayUs = 25000;
inline constexpr uint32_t kDefaultMaxChannels = 0;
inline constexpr uint32_t kDefaultInitialCredit = 65536;
inline constexpr uint32_t kMinInitialCredit = 4096;
inline constexpr uint32_t kMaxAckDelayUs = (uint32_t{1} << 24) - 1;
// Entries in one block, known and unknown ones together; bounds the search for repeated ids.
inline constexpr size_t kMaxParameters = 64;

// Frames (§5).
inline constexpr uint32_t kMaxAckRanges = 32;  // the first one included
inline constexpr uint32_t kMaxCountEntries = 64;
inline constexpr uint32_t kMaxPolicyPackets = 65536;       // P
inline constexpr uint32_t kMaxReorderingThreshold = 1024;  // packets
inline constexpr uint32_t kMinWindow = 2;                  // N
inline constexpr uint32_t kMaxWindow = 65536;              // N
inline constexpr uint32_t kDefaultMessagesPerAck = 32768;  // M until a WINDOW arrives
inline constexpr uint32_t kLossUnit = 65536;               // WINDOW_HINT: packets lost of so many
inline constexpr uint32_t kMaxRequestRanges = 64;
inline constexpr uint32_t kMaxRequestRun = 65536;  // messages in one range of a REQUEST
inline constexpr size_t kMinService = 1;
inline constexpr size_t kMaxService = 255;
inline constexpr size_t kMaxMetadata = 1024;
inline constexpr size_t kMaxOpenText = 1120;  // service and metadata, so that OPEN fits a packet
inline constexpr size_t kMaxReason = 255;
inline constexpr size_t kPathDataBytes = 8;       // of PATH_CHALLENGE and PATH_RESPONSE
inline constexpr size_t kMaxCryptoMessage = 256;  // of CRYPTO, at least 1
inline constexpr uint32_t kLastCryptoStep = 2;    // of CRYPTO, from 1 on
inline constexpr uint64_t kMaxMessage = (uint64_t{1} << 30) - 1;
inline constexpr uint64_t kMessageOverhead = 32;  // what a message costs above its bytes as a block
// A sender packs fewer than 2^15 messages into a packet (§5.11); readers do not rely on it.
inline constexpr uint32_t kMaxMessagesPerPacket = (uint32_t{1} << 15) - 1;

}  // namespace hawser::wire
