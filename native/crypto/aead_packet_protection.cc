#include "crypto/aead_packet_protection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "wire/limits.h"

namespace hawser::crypto {
namespace {

// The number is the end of the header.
constexpr size_t kNumberBytes = 4;
constexpr size_t kNumberAt = wire::kHeaderBytes - kNumberBytes;
// Headers masked with one call of libcrypto.
constexpr size_t kMasksAtOnce = 64;

static_assert(wire::kTagBytes == kAeadTagBytes);
static_assert(wire::kTagBytes >= kHeaderSampleBytes, "a packet without frames has a sample too");
static_assert(kHeaderMaskBytes == kHeaderSampleBytes, "masks replace samples in place");

// What a context of libcrypto takes from the heap, which it does not say: the growth of
// mallinfo2().uordblks by 1,000 contexts that were used, for each (OpenSSL 3.0, x86-64, glibc).
constexpr size_t kAesGcmBytes = 1168;
constexpr size_t kAesMaskBytes = 656;
constexpr size_t kChaChaPolyBytes = 1056;
constexpr size_t kChaChaMaskBytes = 512;

void apply_mask(const uint8_t* mask, uint8_t* header) {
  header[0] ^= static_cast<uint8_t>(mask[0] & kMaskedFlagBits);
  for (size_t i = 0; i < kNumberBytes; i++) header[kNumberAt + i] ^= mask[1 + i];
}

void wipe_content(uint8_t* packet, size_t length) {
  if (length > wire::kHeaderBytes) wipe(packet + wire::kHeaderBytes, length - wire::kHeaderBytes);
}

}  // namespace

void AeadPacketProtection::ReceiveEpoch::clear() {
  keys.clear();
  opener.clear();
  known = false;
}

bool AeadPacketProtection::init(AeadSuite suite, bool initiator, const Secret<kAeadKeyBytes>& send,
                                const Secret<kAeadKeyBytes>& receive,
                                const ProtectionLimits& limits) {
  suite_ = suite;
  initiator_ = initiator;
  limits_ = limits;
  forged_limit_ =
      suite == AeadSuite::kAes256Gcm ? limits.forged_aes_gcm : limits.forged_chacha20_poly1305;
  // The contexts now, so that a suite that does not work is found before the session begins.
  current_.known = true;
  live_ =
      derive_epoch(send, &send_keys_) && derive_header_key(send, &send_header_key_) &&
      derive_epoch(receive, &current_.keys) && derive_header_key(receive, &receive_header_key_) &&
      sealer_.init(suite_, send_keys_.key.data()) &&
      current_.opener.init(suite_, current_.keys.key.data()) &&
      load_mask(&send_mask_, send_header_key_) && load_mask(&receive_mask_, receive_header_key_);
  return live_;
}

// --- Sealing
// ---------------------------------------------------------------------------------------

bool AeadPacketProtection::seal(uint8_t* train, size_t length, size_t segment,
                                const uint64_t* numbers) {
  size_t count = 0;
  if (ready_to_seal(length, segment, &count) && seal_packets(train, length, segment, numbers) &&
      mask_headers(train, segment, count)) {
    return true;
  }
  wipe(train, length);
  return false;
}

bool AeadPacketProtection::ready_to_seal(size_t length, size_t segment, size_t* count) {
  if (!live_ || segment < wire::kPacketOverhead || length == 0) return false;
  *count = (length - 1) / segment + 1;
  const size_t last = length - (*count - 1) * segment;
  if (last < wire::kPacketOverhead || sealed_ > limits_.sealed_in_epoch ||
      *count > limits_.sealed_in_epoch - sealed_ ||
      (!sealer_.ready() && !sealer_.init(suite_, send_keys_.key.data())) ||
      !load_mask(&send_mask_, send_header_key_)) {
    return false;
  }
  // Before they are sealed: a train that fails half-way has used the key as well.
  sealed_ += *count;
  return true;
}

bool AeadPacketProtection::seal_packets(uint8_t* train, size_t length, size_t segment,
                                        const uint64_t* numbers) {
  const auto phase = static_cast<uint8_t>(send_epoch_ & kKeyPhaseBit);
  uint8_t nonce[kAeadNonceBytes];
  for (size_t at = 0; at < length; at += segment, numbers++) {
    uint8_t* const packet = train + at;
    const size_t text = std::min(segment, length - at) - wire::kPacketOverhead;
    uint8_t* const frames = packet + wire::kHeaderBytes;
    packet[0] = static_cast<uint8_t>((packet[0] & ~kKeyPhaseBit) | phase);
    packet_nonce(send_keys_.iv, *numbers, nonce);
    if (!sealer_.seal(nonce, packet, wire::kHeaderBytes, frames, text, frames + text)) return false;
  }
  return true;
}

bool AeadPacketProtection::mask_headers(uint8_t* train, size_t segment, size_t count) {
  uint8_t masks[kMasksAtOnce * kHeaderMaskBytes];
  while (count > 0) {
    const size_t now = std::min(count, kMasksAtOnce);
    for (size_t i = 0; i < now; i++) {
      std::memcpy(masks + i * kHeaderMaskBytes, train + i * segment + wire::kHeaderBytes,
                  kHeaderSampleBytes);
    }
    if (!send_mask_.masks(masks, now, masks)) return false;
    for (size_t i = 0; i < now; i++) apply_mask(masks + i * kHeaderMaskBytes, train + i * segment);
    train += now * segment;
    count -= now;
  }
  return true;
}

bool AeadPacketProtection::load_mask(HeaderMask* mask,
                                     const Secret<kHeaderMaskKeyBytes>& key) const {
  return mask->ready() || mask->init(suite_, key.data());
}

// --- Opening
// ---------------------------------------------------------------------------------------

bool AeadPacketProtection::unmask(uint8_t* packet, size_t length) {
  uint8_t mask[kHeaderMaskBytes];
  if (!live_ || length < wire::kPacketOverhead || !load_mask(&receive_mask_, receive_header_key_) ||
      !receive_mask_.masks(packet + wire::kHeaderBytes, 1, mask)) {
    return false;
  }
  apply_mask(mask, packet);
  return true;
}

PacketProtection::Opened AeadPacketProtection::open(uint64_t number, uint8_t* packet,
                                                    size_t length) {
  if (!live_ || length < wire::kPacketOverhead || forged_ >= forged_limit_) {
    wipe_content(packet, length);
    return forged();
  }
  ReceiveEpoch* const epoch = epoch_of(number, packet[0]);
  if (epoch == nullptr ||
      (!epoch->opener.ready() && !epoch->opener.init(suite_, epoch->keys.key.data()))) {
    wipe_content(packet, length);
    return forged();
  }
  uint8_t nonce[kAeadNonceBytes];
  packet_nonce(epoch->keys.iv, number, nonce);
  uint8_t* const frames = packet + wire::kHeaderBytes;
  const size_t text = length - wire::kPacketOverhead;
  if (!epoch->opener.open(nonce, packet, wire::kHeaderBytes, frames, text, frames + text)) {
    return forged();
  }
  if (epoch == &previous_) return Opened::kYes;
  if (epoch == &upcoming_) {
    if (!initiator_) begin_sending();
    begin_receiving();
  }
  lowest_opened_ = opened_ == 0 ? number : std::min(lowest_opened_, number);
  highest_opened_ = opened_ == 0 ? number : std::max(highest_opened_, number);
  opened_++;
  return Opened::kYes;
}

// Counts a packet that did not open, whatever was wrong with it.
PacketProtection::Opened AeadPacketProtection::forged() {
  if (forged_ < forged_limit_) forged_++;
  return forged_ < forged_limit_ ? Opened::kForged : Opened::kExhausted;
}

// nullptr: of no epoch that it can be of.
AeadPacketProtection::ReceiveEpoch* AeadPacketProtection::epoch_of(uint64_t number,
                                                                   uint8_t first_byte) {
  if ((first_byte & kKeyPhaseBit) == (receive_epoch_ & kKeyPhaseBit)) return &current_;
  // Numbers rise over the epochs: one of the other phase stands below all of this epoch or above
  // all, never between two of them.
  if (opened_ > 0 && number < lowest_opened_) return previous_.known ? &previous_ : nullptr;
  if (opened_ > 0 && number <= highest_opened_) return nullptr;
  // The responder never goes ahead.
  if (initiator_) return upcoming_.known ? &upcoming_ : nullptr;
  return prepare_upcoming() ? &upcoming_ : nullptr;
}

// --- Epochs
// ----------------------------------------------------------------------------------------

// All that can fail of going to the next epoch, without going there.
bool AeadPacketProtection::prepare_upcoming() {
  if (upcoming_.known) return true;
  upcoming_.known = derive_epoch(current_.keys.next, &upcoming_.keys) &&
                    derive_epoch(send_keys_.next, &upcoming_send_);
  if (!upcoming_.known) upcoming_.clear();
  return upcoming_.known;
}

void AeadPacketProtection::begin_sending() {
  send_keys_ = std::move(upcoming_send_);
  sealer_.clear();
  send_epoch_++;
  sealed_ = 0;
}

void AeadPacketProtection::begin_receiving() {
  previous_ = std::move(current_);
  // Made from it already; the previous epoch needs its key and IV alone.
  previous_.keys.next.clear();
  current_ = std::move(upcoming_);
  upcoming_.clear();
  receive_epoch_++;
  opened_ = 0;
}

bool AeadPacketProtection::update_due() const {
  return initiator_ && !updating() && std::max(sealed_, opened_) >= limits_.update_after;
}

bool AeadPacketProtection::update() {
  if (!live_ || !initiator_ || updating() || !prepare_upcoming()) return false;
  begin_sending();
  return true;
}

bool AeadPacketProtection::mix(const uint8_t fresh[kFreshBytes]) {
  if (!live_) return false;
  // While updating, the initiator's own epoch is the upcoming one of what it receives.
  EpochKeys* const receive = updating() ? &upcoming_.keys : &current_.keys;
  TrafficSecret next_send;
  TrafficSecret next_receive;
  if (!mix_fresh(send_keys_.next, {fresh, kFreshBytes}, &next_send) ||
      !mix_fresh(receive->next, {fresh, kFreshBytes}, &next_receive)) {
    return false;
  }
  send_keys_.next = std::move(next_send);
  receive->next = std::move(next_receive);
  // What the responder has made for the next epoch was made without this.
  if (!updating()) {
    upcoming_.clear();
    upcoming_send_.clear();
  }
  return true;
}

void AeadPacketProtection::forget_previous() { previous_.clear(); }

void AeadPacketProtection::park() {
  sealer_.clear();
  send_mask_.clear();
  receive_mask_.clear();
  for (ReceiveEpoch* epoch : {&previous_, &current_, &upcoming_}) epoch->opener.clear();
}

size_t AeadPacketProtection::active_bytes() const {
  return suite_ == AeadSuite::kAes256Gcm ? 4 * kAesGcmBytes + 2 * kAesMaskBytes
                                         : 4 * kChaChaPolyBytes + 2 * kChaChaMaskBytes;
}

size_t AeadPacketProtection::memory_bytes() const {
  const bool gcm = suite_ == AeadSuite::kAes256Gcm;
  size_t bytes = sealer_.ready() ? (gcm ? kAesGcmBytes : kChaChaPolyBytes) : 0;
  for (const ReceiveEpoch* epoch : {&previous_, &current_, &upcoming_}) {
    if (epoch->opener.ready()) bytes += gcm ? kAesGcmBytes : kChaChaPolyBytes;
  }
  for (const HeaderMask* mask : {&send_mask_, &receive_mask_}) {
    if (mask->ready()) bytes += gcm ? kAesMaskBytes : kChaChaMaskBytes;
  }
  return bytes;
}

}  // namespace hawser::crypto
