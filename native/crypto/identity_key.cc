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

// A point in extended coordinates (Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited",
// 2008): x = X / Z, y = Y / Z, xy = T / Z. The formulas are those of RFC 8032 5.1.4.
struct Point {
  Field25519 x, y, z, t;

  Point doubled() const {
    const Field25519 a = x.square();
    const Field25519 b = y.square();
    const Field25519 zz = z.square();
    const Field25519 c = zz + zz;
    const Field25519 h = a + b;
    const Field25519 e = h - (x + y).square();
    const Field25519 g = a - b;
    const Field25519 f = c + g;
    return {e * f, g * h, f * g, e * h};
  }
  Point plus(const Point& other, const Field25519& twice_d) const {
    const Field25519 a = (y - x) * (other.y - other.x);
    const Field25519 b = (y + x) * (other.y + other.x);
    const Field25519 c = t * twice_d * other.t;
    const Field25519 zz = z * other.z;
    const Field25519 d = zz + zz;
    const Field25519 e = b - a;
    const Field25519 f = d - c;
    const Field25519 g = d + c;
    const Field25519 h = b + a;
    return {e * f, g * h, f * g, e * h};
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

bool has_prime_order(const Point& point, const Field25519& d) {
  if (point.is_neutral()) return false;
  const Field25519 twice_d = d + d;
  Point multiple = point;  // by the bits of L, from the top one down
  for (int bit = kOrderTopBit - 1; bit >= 0; bit--) {
    multiple = multiple.doubled();
    if ((kOrder[bit / 8] >> (bit % 8) & 1) != 0) multiple = multiple.plus(point, twice_d);
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
