// The handshake: Noise_IK and Noise_IKpsk2 with 25519, AESGCM or ChaChaPoly, and SHA256 (the Noise
// Protocol Framework, revision 34).
//
//   IK:  <- s  ...  -> e, es, s, ss   <- e, ee, se          (IKpsk2: <- e, ee, se, psk)
//
// The initiator knows the responder's static key. The first message names the initiator, readable
// by the responder alone, and may be replayed; the second gives both sides forward secrecy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/noise_symmetric.h"
#include "crypto/x25519.h"

namespace hawser::crypto {

enum class NoisePattern : uint8_t { kIk, kIkPsk2 };

inline constexpr size_t kNoisePskBytes = 32;

// What a message takes above its payload.
inline constexpr size_t kNoiseFirstOverhead = kX25519Bytes + (kX25519Bytes + 16) + 16;
inline constexpr size_t kNoiseSecondOverhead = kX25519Bytes + 16;

struct NoiseConfig {
  NoisePattern pattern = NoisePattern::kIk;
  AeadSuite suite = AeadSuite::kAes256Gcm;
  bool initiator = false;
  // Must be the same on both sides; read during start() only.
  Part prologue = {nullptr, 0};
  // Our static key; must outlive the handshake.
  const X25519Key* static_key = nullptr;
  // The responder's static key, 32 bytes; for the initiator only.
  const uint8_t* remote_static = nullptr;
  // kNoisePskBytes, for kIkPsk2 only.
  const uint8_t* psk = nullptr;
};

// One handshake of two messages: the initiator calls write() and read(), the responder read() and
// write(), then both split(). A call that fails, or that is not the next in this order, wipes the
// object, and everything fails from then on. Not for two threads at a time.
//
// One failure is not the end: a second message that the initiator cannot read. Anyone who sees the
// first message, or guesses that there was one, can send something instead of the answer; the
// initiator then is where it was before, as if nothing had come, and reads the next one. An attempt
// costs two agreements of X25519, so the caller bounds how many it makes.
//
// A message that fails tells who sent it nothing but that: so a responder that wants to answer a
// later, genuine first message needs a new object.
class NoiseHandshake {
 public:
  NoiseHandshake() = default;
  NoiseHandshake(const NoiseHandshake&) = delete;
  NoiseHandshake& operator=(const NoiseHandshake&) = delete;

  // False: the suite is not available, or the config has too little or too much for its pattern and
  // side.
  bool start(const NoiseConfig& config);
  void clear();

  // Puts the message to `out` and its length to `written`. False, with nothing in `out` that may be
  // sent: not our turn, a payload too large for `capacity` or for kMaxNoiseMessage, a remote key of
  // small order, or a failure of libcrypto. `payload` and `out` must not overlap.
  bool write(Part payload, uint8_t* out, size_t capacity, size_t* written);
  // Decrypts the message's payload in place: `payload` points into `message`, which is overwritten
  // in any case and is zeros after a failure. False for an initiator that waits for the second
  // message: not the answer of this responder to our first message, and another may be read.
  bool read(uint8_t* message, size_t length, Part* payload);

  // Both messages have passed.
  bool complete() const { return step_ == Step::kDone || step_ == Step::kSplit; }

  // The peer's static key. For a responder from its read() on, zeros before; that message may have
  // been recorded, so that the peer is there is certain only with its first packet under the keys
  // of split(). For an initiator what its config says, proven once complete(). Zeros when
  // the handshake has failed.
  const uint8_t* remote_static() const { return remote_static_; }

  // The handshake hash: the same 32 bytes on both sides and in no other handshake, for binding
  // other things to this one. Only once complete(); zeros before.
  const uint8_t* hash() const { return complete() ? symmetric_.hash() : kZeros; }

  // The keys for what we send and what we receive, once and only when complete().
  bool split(Secret<kAeadKeyBytes>* send, Secret<kAeadKeyBytes>* receive);

  // For published vectors, which say the ephemeral key; between start() and write(). An ephemeral
  // key used twice gives away everything.
  bool inject_ephemeral_for_vectors(const uint8_t secret[kX25519Bytes]);

 private:
  // What comes next.
  enum class Step : uint8_t { kFailed, kFirst, kSecond, kDone, kSplit };

  static const uint8_t kZeros[kSha256Bytes];

  bool fail();
  // Whether a failure of read() leaves everything as it was.
  bool may_read_again() const { return initiator_ && step_ == Step::kSecond; }
  bool our_turn(bool writing) const;
  bool mix_public(const uint8_t key[kX25519Bytes]);
  bool mix_shared(const X25519Key& own, const uint8_t peer[kX25519Bytes]);
  // The keys of the second message, which both sides mix in the same order. The initiator's
  // ephemeral and static keys meet the responder's ephemeral one.
  bool mix_second();
  bool write_first(Part payload, uint8_t* out);
  bool write_second(Part payload, uint8_t* out);
  bool read_first(uint8_t* message, size_t length, Part* payload);
  bool read_second(uint8_t* message, size_t length, Part* payload);

  NoiseSymmetric symmetric_;
  X25519Key ephemeral_;
  const X25519Key* static_key_ = nullptr;
  Secret<kNoisePskBytes> psk_;
  uint8_t remote_static_[kX25519Bytes] = {};
  uint8_t remote_ephemeral_[kX25519Bytes] = {};
  NoisePattern pattern_ = NoisePattern::kIk;
  bool initiator_ = false;
  Step step_ = Step::kFailed;
};

}  // namespace hawser::crypto
