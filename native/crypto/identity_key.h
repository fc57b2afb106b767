// From an identity (Ed25519) to the static key of the handshake (X25519), by the birational map of
// RFC 7748 4.1. A peer has one secret, its seed, for both.
//
// The map forgets the sign of x, so an id and its negation give the same X25519 key: whoever
// compares peers (to allow, to ban) compares the X25519 form.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/ed25519.h"
#include "crypto/secret.h"
#include "crypto/x25519.h"

namespace hawser::crypto {

// u = (1 + y) / (1 - y). Refuses, with false, what is no honest public key: y from p on, x = 0 with
// the sign bit set, points that are not on the curve, and points outside the subgroup of prime
// order, which includes those of small order. What an honest seed gives is never refused.
//
// About as dear as verifying a signature; takes time that depends on the id, which is public.
bool x25519_from_ed25519(const uint8_t id[kEd25519PublicBytes], uint8_t out[kX25519Bytes]);

// The first half of SHA-512(seed), clamped (RFC 8032 5.1.5): the X25519 secret of the public key
// that x25519_from_ed25519 gives. False: no libcrypto; the secret is then wiped.
bool x25519_secret_from_seed(const uint8_t seed[kEd25519SeedBytes], Secret<kX25519Bytes>* secret);

}  // namespace hawser::crypto
