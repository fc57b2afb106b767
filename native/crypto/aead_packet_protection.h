#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/aead.h"
#include "crypto/header_mask.h"
#include "crypto/packet_protection.h"
#include "crypto/secret.h"
#include "crypto/traffic_keys.h"

namespace hawser::crypto {

// In the first byte of a header (PROTOCOL.md 2.1).
inline constexpr uint8_t kKeyPhaseBit = 0x01;     // the lowest bit of the packet's epoch
inline constexpr uint8_t kMaskedFlagBits = 0x0f;  // hidden, as is the packet number

// How much keys are used. Sources: RFC 9001 6.6 and its appendix B.1, for packets of up to 2^16
// bytes, because a peer may take datagrams as large as UDP carries. Smaller ones are for tests.
struct ProtectionLimits {
  // The next epoch is due when so many packets were sealed in one, or so many opened. An eighth of
  // the limit below: of what the peer seals, which only we can end, we see what arrives.
  uint64_t update_after = uint64_t{1} << 20;
  // Packets sealed in an epoch, above which nothing is. Appendix B.1.1 for AES-GCM;
  // ChaCha20-Poly1305 has no limit below the number of packets there can be, and takes the same for
  // having one rule.
  uint64_t sealed_in_epoch = uint64_t{1} << 23;
  // Packets that did not open, in all epochs together. Appendix B.1.2; for AES-256-GCM alone it
  // would be larger, but the RFC gives both key lengths the one of AES-128-GCM.
  uint64_t forged_aes_gcm = uint64_t{1} << 52;
  // Section 6.6.
  uint64_t forged_chacha20_poly1305 = uint64_t{1} << 36;
};

// Protection with the AEADs, as in RFC 9001 5.3 to 5.4 and 6: the nonce is the IV XOR the packet
// number, associated data is the whole header as it was before masking, and the mask of the header
// is made from the 16 bytes behind it: the low half of the first byte and the packet number are
// hidden. Keys are those of traffic_keys.h.
//
// The phase bit tells the present epoch from the previous and the next one, which both have the
// other bit; which of these two is meant, the packet number tells, because numbers rise over the
// epochs (RFC 9001 6.3 to 6.5). So the key is chosen before anything is decrypted, and one alone is
// tried: opening with a wrong one destroys the packet.
class AeadPacketProtection final : public PacketProtection {
 public:
  AeadPacketProtection() = default;
  AeadPacketProtection(const AeadPacketProtection&) = delete;
  AeadPacketProtection& operator=(const AeadPacketProtection&) = delete;

  // From the two secrets of NoiseHandshake::split(), which the caller wipes. Once. False: the suite
  // is not available or memory ran out; nothing can be sealed or opened then.
  bool init(AeadSuite suite, bool initiator, const Secret<kAeadKeyBytes>& send,
            const Secret<kAeadKeyBytes>& receive, const ProtectionLimits& limits = {});

  // As the interface says. When it fails, the train is zeros.
  bool seal(uint8_t* train, size_t length, size_t segment, const uint64_t* numbers) override;
  bool unmask(uint8_t* packet, size_t length) override;
  Opened open(uint64_t number, uint8_t* packet, size_t length) override;

  uint64_t epoch() const override { return send_epoch_; }
  bool update_due() const override;
  bool updating() const override { return send_epoch_ != receive_epoch_; }
  bool update() override;
  // Several in one epoch add up, in the same order on both sides.
  bool mix(const uint8_t fresh[kFreshBytes]) override;
  void forget_previous() override;
  void park() override;
  size_t memory_bytes() const override;
  // Contexts for one epoch that is sealed and three that are opened, and two header masks.
  size_t active_bytes() const override;

 private:
  // What packets of one epoch are opened with.
  struct ReceiveEpoch {
    EpochKeys keys;
    AeadOpener opener;  // made when it is first needed
    bool known = false;

    void clear();
  };

  ReceiveEpoch* epoch_of(uint64_t number, uint8_t first_byte);
  bool prepare_upcoming();
  void begin_sending();
  void begin_receiving();
  bool ready_to_seal(size_t length, size_t segment, size_t* count);
  bool seal_packets(uint8_t* train, size_t length, size_t segment, const uint64_t* numbers);
  bool mask_headers(uint8_t* train, size_t segment, size_t count);
  bool load_mask(HeaderMask* mask, const Secret<kHeaderMaskKeyBytes>& key) const;
  Opened forged();

  AeadSuite suite_ = AeadSuite::kAes256Gcm;
  bool initiator_ = false;
  bool live_ = false;
  ProtectionLimits limits_;
  uint64_t forged_limit_ = 0;
  uint64_t forged_ = 0;

  EpochKeys send_keys_;
  AeadSealer sealer_;
  HeaderMask send_mask_;
  Secret<kHeaderMaskKeyBytes> send_header_key_;
  uint64_t send_epoch_ = 0;
  uint64_t sealed_ = 0;  // in this epoch

  // The initiator knows the upcoming epoch between its update() and the first packet in it, the
  // responder from the first packet on that may be of it, which may be a forged one. In the
  // responder nothing has changed by that; upcoming_send_ is where it goes on when one opens.
  ReceiveEpoch previous_;
  ReceiveEpoch current_;
  ReceiveEpoch upcoming_;
  EpochKeys upcoming_send_;
  HeaderMask receive_mask_;
  Secret<kHeaderMaskKeyBytes> receive_header_key_;
  uint64_t receive_epoch_ = 0;
  // In this epoch. The numbers mean something when opened_ is not zero.
  uint64_t opened_ = 0;
  uint64_t lowest_opened_ = 0;
  uint64_t highest_opened_ = 0;
};

}  // namespace hawser::crypto
