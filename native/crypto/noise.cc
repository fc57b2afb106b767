#include "crypto/noise.h"

#include <cstring>
#include <string_view>

namespace hawser::crypto {
namespace {

std::string_view protocol_name(NoisePattern pattern, AeadSuite suite) {
  if (pattern == NoisePattern::kIk) {
    return suite == AeadSuite::kAes256Gcm ? "Noise_IK_25519_AESGCM_SHA256"
                                          : "Noise_IK_25519_ChaChaPoly_SHA256";
  }
  return suite == AeadSuite::kAes256Gcm ? "Noise_IKpsk2_25519_AESGCM_SHA256"
                                        : "Noise_IKpsk2_25519_ChaChaPoly_SHA256";
}

constexpr size_t kSealedKeyBytes = kX25519Bytes + kAeadTagBytes;

}  // namespace

const uint8_t NoiseHandshake::kZeros[kSha256Bytes] = {};

void NoiseHandshake::clear() {
  symmetric_.clear();
  ephemeral_.clear();
  static_key_ = nullptr;
  psk_.clear();
  wipe(remote_static_, sizeof(remote_static_));
  wipe(remote_ephemeral_, sizeof(remote_ephemeral_));
  step_ = Step::kFailed;
}

bool NoiseHandshake::fail() {
  clear();
  return false;
}

bool NoiseHandshake::start(const NoiseConfig& config) {
  clear();
  const bool wants_psk = config.pattern == NoisePattern::kIkPsk2;
  if (config.static_key == nullptr || !config.static_key->ready() ||
      config.initiator != (config.remote_static != nullptr) ||
      wants_psk != (config.psk != nullptr) || !aead_available(config.suite)) {
    return false;
  }
  pattern_ = config.pattern;
  initiator_ = config.initiator;
  static_key_ = config.static_key;
  if (wants_psk) psk_.set(config.psk);
  if (initiator_) std::memcpy(remote_static_, config.remote_static, kX25519Bytes);

  // The pre-message "<- s": both sides begin with the responder's static key.
  const uint8_t* responder = initiator_ ? remote_static_ : static_key_->public_key();
  if (!symmetric_.init(config.suite, protocol_name(pattern_, config.suite)) ||
      !symmetric_.mix_hash(config.prologue) || !symmetric_.mix_hash({responder, kX25519Bytes})) {
    return fail();
  }
  step_ = Step::kFirst;
  return true;
}

bool NoiseHandshake::inject_ephemeral_for_vectors(const uint8_t secret[kX25519Bytes]) {
  return step_ != Step::kFailed && ephemeral_.init(secret);
}

bool NoiseHandshake::our_turn(bool writing) const {
  if (step_ == Step::kFirst) return writing == initiator_;
  return step_ == Step::kSecond && writing != initiator_;
}

// The token "e". With a PSK the ephemeral key goes into the keys as well (revision 34, 9.2), so
// that no two handshakes encrypt under the same one.
bool NoiseHandshake::mix_public(const uint8_t key[kX25519Bytes]) {
  return symmetric_.mix_hash({key, kX25519Bytes}) &&
         (pattern_ == NoisePattern::kIk || symmetric_.mix_key({key, kX25519Bytes}));
}

bool NoiseHandshake::mix_shared(const X25519Key& own, const uint8_t peer[kX25519Bytes]) {
  Secret<kX25519Bytes> shared;
  return own.agree(peer, &shared) && symmetric_.mix_key({shared.data(), kX25519Bytes});
}

bool NoiseHandshake::mix_second() {
  // "ee", then "se": the initiator's static key and the responder's ephemeral one.
  return mix_shared(ephemeral_, remote_ephemeral_) &&
         (initiator_ ? mix_shared(*static_key_, remote_ephemeral_)
                     : mix_shared(ephemeral_, remote_static_)) &&
         (pattern_ == NoisePattern::kIk ||
          symmetric_.mix_key_and_hash({psk_.data(), kNoisePskBytes}));
}

bool NoiseHandshake::write(Part payload, uint8_t* out, size_t capacity, size_t* written) {
  *written = 0;
  if (!our_turn(true)) return fail();
  const bool first = step_ == Step::kFirst;
  const size_t overhead = first ? kNoiseFirstOverhead : kNoiseSecondOverhead;
  if (payload.length > kMaxNoiseMessage - overhead || capacity < overhead + payload.length ||
      (!ephemeral_.ready() && !ephemeral_.generate())) {
    return fail();
  }
  const size_t length = overhead + payload.length;
  if (!(first ? write_first(payload, out) : write_second(payload, out))) {
    wipe(out, length);
    return fail();
  }
  step_ = first ? Step::kSecond : Step::kDone;
  if (!first) ephemeral_.clear();
  *written = length;
  return true;
}

bool NoiseHandshake::write_first(Part payload, uint8_t* out) {
  uint8_t* const sealed_key = out + kX25519Bytes;
  uint8_t* const text = sealed_key + kSealedKeyBytes;
  std::memcpy(out, ephemeral_.public_key(), kX25519Bytes);
  std::memcpy(sealed_key, static_key_->public_key(), kX25519Bytes);
  if (payload.length > 0) std::memcpy(text, payload.data, payload.length);
  return mix_public(out) && mix_shared(ephemeral_, remote_static_) &&
         symmetric_.encrypt_and_hash(sealed_key, kX25519Bytes) &&
         mix_shared(*static_key_, remote_static_) &&
         symmetric_.encrypt_and_hash(text, payload.length);
}

bool NoiseHandshake::write_second(Part payload, uint8_t* out) {
  uint8_t* const text = out + kX25519Bytes;
  std::memcpy(out, ephemeral_.public_key(), kX25519Bytes);
  if (payload.length > 0) std::memcpy(text, payload.data, payload.length);
  return mix_public(out) && mix_second() && symmetric_.encrypt_and_hash(text, payload.length);
}

bool NoiseHandshake::read(uint8_t* message, size_t length, Part* payload) {
  *payload = {nullptr, 0};
  const bool first = step_ == Step::kFirst;
  const size_t overhead = first ? kNoiseFirstOverhead : kNoiseSecondOverhead;
  if (!our_turn(false) || length < overhead || length > kMaxNoiseMessage ||
      !(first ? read_first(message, length, payload) : read_second(message, length, payload))) {
    wipe(message, length);
    *payload = {nullptr, 0};
    return may_read_again() ? false : fail();
  }
  step_ = first ? Step::kSecond : Step::kDone;
  if (!first) ephemeral_.clear();
  return true;
}

bool NoiseHandshake::read_first(uint8_t* message, size_t length, Part* payload) {
  uint8_t* const sealed_key = message + kX25519Bytes;
  uint8_t* const text = sealed_key + kSealedKeyBytes;
  const size_t sealed_text = length - kX25519Bytes - kSealedKeyBytes;
  std::memcpy(remote_ephemeral_, message, kX25519Bytes);
  if (!mix_public(remote_ephemeral_) || !mix_shared(*static_key_, remote_ephemeral_) ||
      !symmetric_.decrypt_and_hash(sealed_key, kSealedKeyBytes)) {
    return false;
  }
  std::memcpy(remote_static_, sealed_key, kX25519Bytes);
  *payload = {text, sealed_text - kAeadTagBytes};
  return mix_shared(*static_key_, remote_static_) && symmetric_.decrypt_and_hash(text, sealed_text);
}

bool NoiseHandshake::read_second(uint8_t* message, size_t length, Part* payload) {
  uint8_t* const text = message + kX25519Bytes;
  const size_t sealed_text = length - kX25519Bytes;
  // What is mixed in cannot be taken out again, and a failure wipes the state: so this is kept for
  // the next attempt. It wipes itself when it goes.
  NoiseSymmetric before;
  before.copy_from(symmetric_);
  std::memcpy(remote_ephemeral_, message, kX25519Bytes);
  *payload = {text, sealed_text - kAeadTagBytes};
  if (mix_public(remote_ephemeral_) && mix_second() &&
      symmetric_.decrypt_and_hash(text, sealed_text)) {
    return true;
  }
  symmetric_.copy_from(before);
  wipe(remote_ephemeral_, sizeof(remote_ephemeral_));
  return false;
}

bool NoiseHandshake::split(Secret<kAeadKeyBytes>* send, Secret<kAeadKeyBytes>* receive) {
  if (step_ != Step::kDone ||
      !symmetric_.split(initiator_ ? send : receive, initiator_ ? receive : send)) {
    send->clear();
    receive->clear();
    return fail();
  }
  psk_.clear();
  step_ = Step::kSplit;
  return true;
}

}  // namespace hawser::crypto
