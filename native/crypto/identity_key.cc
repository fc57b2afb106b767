#include "crypto/identity_key.h"

#include "crypto/field25519.h"
#include "crypto/hash.h"

namespace hawser::crypto {
namespace {

// The order of the base point, L = 2^252 + 27742317777372353535851937790883648493, little-endian
// (RFC 8032 5.1).
constexpr uint8_t kOrder[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
constexpr int kOrderTopBit = 252;

// A point with Z = 1, as it is added again and again: y - x, y + x, 2dxy.
struct Addend {
  Field25519 minus, plus, product;
};

// A point in extended coordinates (Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited",
// 2008): x = X / Z, y = Y / Z, xy = T / Z. The formulas are those of RFC 8032 5.1.4.
struct Point {
  Field25519 x, y, z, t;

  // Only plus() needs T; without it, a multiplication is saved.
  Point doubled(bool with_t) const {
    const Field25519 a = x.square();
    const Field25519 b = y.square();
    const Field25519 zz = z.square();
    const Field25519 h = a.loose_plus(b);
    const Field25519 e = h.loose_minus(x.loose_plus(y).square());
    const Field25519 g = a.loose_minus(b);
    const Field25519 f = zz.loose_plus(zz).loose_plus(g);
    return {e * f, g * h, f * g, with_t ? e * h : Field25519()};
  }
  // Whoever doubles the sum does not need its T.
  Point plus(const Addend& other) const {
    const Field25519 a = y.loose_minus(x) * other.minus;
    const Field25519 b = y.loose_plus(x) * other.plus;
    const Field25519 c = t * other.product;
    const Field25519 d = z.loose_plus(z);
    const Field25519 e = b.loose_minus(a);
    const Field25519 f = d.loose_minus(c);
    const Field25519 g = d.loose_plus(c);
    const Field25519 h = b.loose_plus(a);
    return {e * f, g * h, f * g, Field25519()};
  }
  bool is_neutral() const { return x.is_zero() && y == z; }
};

// RFC 8032 5.1.3. False: no encoding of a point. That x = 0 with the sign bit set is none either
// needs no look: it is a point of order 1 or 2, refused as such.
bool decode(const uint8_t id[kEd25519PublicBytes], const Field25519& d, Point* point) {
  if (!Field25519::is_canonical(id)) return false;
  const Field25519 one(1);
  const Field25519 y = Field25519::load(id);
  const Field25519 yy = y.square();
  Field25519 x;
  if (!Field25519::square_root(yy - one, d * yy + one, &x)) return false;
  const bool odd = (id[31] & 0x80) != 0;
  if (x.is_odd() != odd) x = Field25519() - x;
  *point = {x, y, one, x * y};
  return true;
}

// `point`: with Z = 1.
bool has_prime_order(const Point& point, const Field25519& d) {
  if (point.is_neutral()) return false;
  const Addend addend{point.y - point.x, point.y + point.x, point.t * (d + d)};
  Point multiple = point;  // by the bits of L, from the top one down
  for (int bit = kOrderTopBit - 1; bit >= 0; bit--) {
    const bool set = (kOrder[bit / 8] >> (bit % 8) & 1) != 0;
    multiple = multiple.doubled(set);
    if (set) multiple = multiple.plus(addend);
  }
  return multiple.is_neutral();
}

}  // namespace

bool x25519_from_ed25519(const uint8_t id[kEd25519PublicBytes], uint8_t out[kX25519Bytes]) {
  const Field25519 d = Field25519::edwards_d();
  Point point;
  if (!decode(id, d, &point) || !has_prime_order(point, d)) return false;
  const Field25519 one(1);
  // 1 - y is not zero: y = 1 is the neutral element alone.
  ((one + point.y) * (one - point.y).inverse()).store(out);
  return true;
}

bool x25519_secret_from_seed(const uint8_t seed[kEd25519SeedBytes], Secret<kX25519Bytes>* secret) {
  Secret<kSha512Bytes> digest;
  if (!sha512({{seed, kEd25519SeedBytes}}, digest.data())) {
    secret->clear();
    return false;
  }
  secret->set(digest.data());
  secret->data()[0] &= 248;
  secret->data()[31] &= 127;
  secret->data()[31] |= 64;
  return true;
}

}  // namespace hawser::crypto
