// Packets of 1,200 B sealed and opened: by themselves, and as a session does it, in trains with
// masked headers.

#include "crypto/aead.h"

#include <cstring>
#include <vector>

#include "binding/arguments.h"
#include "crypto/aead_packet_protection.h"
#include "loops.h"
#include "wire/limits.h"

namespace hawser::micro {
namespace {

using crypto::AeadPacketProtection;
using crypto::AeadSuite;
using crypto::kAeadKeyBytes;
using crypto::kAeadNonceBytes;

constexpr size_t kPacket = 1'200;
constexpr size_t kHeader = wire::kHeaderBytes;
constexpr size_t kText = kPacket - wire::kPacketOverhead;
constexpr size_t kTrain = 16;
constexpr uint8_t kKey[kAeadKeyBytes] = {1, 2, 3};

template <AeadSuite kSuite>
struct Single {
  Single() {
    ready = sealer.init(kSuite, kKey) && opener.init(kSuite, kKey) && seal();
    std::memcpy(sealed, packet, sizeof sealed);
  }
  bool seal() {
    return sealer.seal(nonce, packet, kHeader, packet + kHeader, kText, packet + kHeader + kText);
  }

  crypto::AeadSealer sealer;
  crypto::AeadOpener opener;
  uint8_t nonce[kAeadNonceBytes] = {};
  uint8_t packet[kPacket] = {};
  uint8_t sealed[kPacket];
  bool ready = false;
};

template <AeadSuite kSuite>
Single<kSuite>& single() {
  static Single<kSuite> made;
  return made;
}

// Packets sealed.
template <AeadSuite kSuite>
double seal(uint32_t count) {
  Single<kSuite>& one = single<kSuite>();
  uint32_t done = 0;
  for (uint32_t i = 0; one.ready && i < count; i++) {
    uint64_t number = 0;
    std::memcpy(&number, one.nonce, sizeof number);
    number++;
    std::memcpy(one.nonce, &number, sizeof number);
    done += one.seal() ? 1 : 0;
  }
  return done;
}

// Packets opened. A packet opens in place, so each time it is copied first, some 20 ns.
template <AeadSuite kSuite>
double open(uint32_t count) {
  Single<kSuite>& one = single<kSuite>();
  const uint8_t nonce[kAeadNonceBytes] = {};
  uint8_t packet[kPacket];
  uint32_t done = 0;
  for (uint32_t i = 0; one.ready && i < count; i++) {
    std::memcpy(packet, one.sealed, sizeof packet);
    const bool opened =
        one.opener.open(nonce, packet, kHeader, packet + kHeader, kText, packet + kHeader + kText);
    done += opened ? 1 : 0;
  }
  return done;
}

template <AeadSuite kSuite>
struct Pair {
  Pair() {
    crypto::ProtectionLimits limits;
    limits.sealed_in_epoch = UINT64_MAX;
    const uint8_t there[kAeadKeyBytes] = {4};
    const uint8_t back[kAeadKeyBytes] = {5};
    using Secret = crypto::Secret<kAeadKeyBytes>;
    ready = sender.init(kSuite, true, Secret(there), Secret(back), limits) &&
            receiver.init(kSuite, false, Secret(back), Secret(there), limits) && seal();
    sealed = train;
    std::memcpy(sealed_numbers, numbers, sizeof numbers);
  }
  bool seal() {
    for (uint64_t& number : numbers) number = next++;
    for (size_t i = 0; i < kTrain; i++) {
      uint8_t* const header = train.data() + i * kPacket;
      std::memset(header, 0, kHeader);
      header[0] = 0x80;
    }
    return sender.seal(train.data(), train.size(), kPacket, numbers);
  }

  AeadPacketProtection sender;
  AeadPacketProtection receiver;
  uint64_t next = 0;
  uint64_t numbers[kTrain];
  uint64_t sealed_numbers[kTrain];
  std::vector<uint8_t> train = std::vector<uint8_t>(kTrain * kPacket);
  std::vector<uint8_t> sealed;
  bool ready = false;
};

template <AeadSuite kSuite>
Pair<kSuite>& pair() {
  static Pair<kSuite> made;
  return made;
}

// `count` is that of packets. Packets sealed, in whole trains.
template <AeadSuite kSuite>
double seal_train(uint32_t count) {
  Pair<kSuite>& two = pair<kSuite>();
  uint32_t done = 0;
  while (two.ready && done < count && two.seal()) done += kTrain;
  return done;
}

// Packets opened, copied first.
template <AeadSuite kSuite>
double open_train(uint32_t count) {
  Pair<kSuite>& two = pair<kSuite>();
  using Opened = crypto::PacketProtection::Opened;
  uint8_t packet[kPacket];
  uint32_t done = 0;
  for (uint32_t i = 0; two.ready && i < count; i++) {
    const size_t which = i % kTrain;
    std::memcpy(packet, two.sealed.data() + which * kPacket, kPacket);
    const bool opened =
        two.receiver.unmask(packet, kPacket) &&
        two.receiver.open(two.sealed_numbers[which], packet, kPacket) == Opened::kYes;
    done += opened ? 1 : 0;
  }
  return done;
}

// (suite: 0 AES, 1 ChaCha20; key; nonce; header; text): what AeadSealer makes of it, the tag
// behind.
napi_value seal_once(napi_env env, napi_callback_info info) {
  const binding::Arguments<5> arguments(env, info);
  binding::Bytes parts[4];
  for (size_t i = 0; i < 4; i++) {
    if (!binding::read_bytes(env, arguments[i + 1], &parts[i])) return nullptr;
  }
  crypto::AeadSealer sealer;
  const auto suite =
      arguments.handle(0) == 0 ? AeadSuite::kAes256Gcm : AeadSuite::kChaCha20Poly1305;
  std::vector<uint8_t> text(parts[3].data, parts[3].data + parts[3].length);
  text.resize(text.size() + crypto::kAeadTagBytes);
  if (parts[0].length != kAeadKeyBytes || parts[1].length != kAeadNonceBytes ||
      !sealer.init(suite, parts[0].data) ||
      !sealer.seal(parts[1].data, parts[2].data, parts[2].length, text.data(), parts[3].length,
                   text.data() + parts[3].length)) {
    return nullptr;
  }
  return to_buffer(env, text.data(), text.size());
}

}  // namespace

void export_aead(napi_env env, napi_value exports) {
  constexpr AeadSuite kAes = AeadSuite::kAes256Gcm;
  constexpr AeadSuite kChaCha = AeadSuite::kChaCha20Poly1305;
  export_loop(env, exports, "sealAes", &seal<kAes>);
  export_loop(env, exports, "openAes", &open<kAes>);
  export_loop(env, exports, "sealTrainAes", &seal_train<kAes>);
  export_loop(env, exports, "openTrainAes", &open_train<kAes>);
  export_loop(env, exports, "sealChaCha", &seal<kChaCha>);
  export_loop(env, exports, "openChaCha", &open<kChaCha>);
  export_loop(env, exports, "sealTrainChaCha", &seal_train<kChaCha>);
  export_loop(env, exports, "openTrainChaCha", &open_train<kChaCha>);
  export_call(env, exports, "sealOnce", &seal_once);
}

}  // namespace hawser::micro
