// The keys of the DATA packets, made from the two secrets of NoiseHandshake::split(). For each
// direction, with HKDF of RFC 5869 and SHA-256; info strings are ASCII without a zero behind them,
// all different, so that nothing made with one says anything about what is made with another:
//
//   secret(0)      one of the two secrets of split()
//   header key     Expand(secret(0), "hawser hp", 32), the same in all epochs
//   key(n)         Expand(secret(n), "hawser key", 32)
//   iv(n)          Expand(secret(n), "hawser iv", 12)
//   next(n)        Expand(secret(n), "hawser ku", 32)
//                  with a fresh secret, from a handshake within the session:
//                  Extract(salt = the above, input key = fresh secret); again for each further one
//   secret(n + 1)  next(n)
//
// The steps go one way: from the secrets of an epoch those of earlier ones cannot be found; nor,
// without the fresh secret, those behind a mix.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/header_mask.h"
#include "crypto/secret.h"

namespace hawser::crypto {

inline constexpr size_t kTrafficSecretBytes = kSha256Bytes;
using TrafficSecret = Secret<kTrafficSecretBytes>;

// Of one direction in one epoch. secret(n) itself is not kept: all that is made from it is here.
struct EpochKeys {
  Secret<kAeadKeyBytes> key;
  Secret<kAeadNonceBytes> iv;
  TrafficSecret next;

  void clear();
};

// All of these return false when there is no libcrypto or no memory; `keys` and `out` are then
// wiped. They may not be where `secret` is.

bool derive_epoch(const TrafficSecret& secret, EpochKeys* keys);
// From secret(0).
bool derive_header_key(const TrafficSecret& secret, Secret<kHeaderMaskKeyBytes>* out);
// `next` with a fresh secret in it.
bool mix_fresh(const TrafficSecret& next, Part fresh, TrafficSecret* out);

// The fresh secret of a handshake within the session, from what its split() gave: Extract(salt =
// the secret of the direction from its initiator to its responder, input key = that of the other).
// The same on both sides.
bool fresh_secret(bool initiator, const Secret<kAeadKeyBytes>& send,
                  const Secret<kAeadKeyBytes>& receive, TrafficSecret* out);

// RFC 9001 5.3: the IV, with the packet number XORed into its last eight bytes.
void packet_nonce(const Secret<kAeadNonceBytes>& iv, uint64_t number, uint8_t out[kAeadNonceBytes]);

}  // namespace hawser::crypto
