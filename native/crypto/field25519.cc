#include "crypto/field25519.h"

#include <cstring>

#include "crypto/little_endian.h"

namespace hawser::crypto {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kLimbBits = 51;
constexpr uint64_t kMask = (uint64_t{1} << kLimbBits) - 1;
// 4p in limbs: added before a subtraction, so that no limb falls below zero.
constexpr uint64_t kFourP0 = 4 * (kMask - 18);
constexpr uint64_t kFourP = 4 * kMask;

Wide multiply(uint64_t a, uint64_t b) { return static_cast<Wide>(a) * b; }

// What the five columns of a product come to. Each is below 2^121: five products of a limb below
// 2^57 and 19 times another one.
void reduce(Wide columns[5], uint64_t limbs[5]) {
  Wide above = 0;
  for (int i = 0; i < 5; i++) {
    const Wide column = columns[i] + above;
    limbs[i] = static_cast<uint64_t>(column) & kMask;
    above = column >> kLimbBits;
  }
  // `above` is below 2^70, so 19 times it needs 128 bits. 2^255 = 19 modulo p.
  const Wide lowest = limbs[0] + 19 * above;
  limbs[0] = static_cast<uint64_t>(lowest) & kMask;
  limbs[1] += static_cast<uint64_t>(lowest >> kLimbBits);  // below 2^24
}

}  // namespace

// All limbs at once and not one after the other: what comes in is at most 19 * 8.
void Field25519::carry() {
  uint64_t above[5];
  for (int i = 0; i < 5; i++) {
    above[i] = limbs_[i] >> kLimbBits;
    limbs_[i] &= kMask;
  }
  limbs_[0] += 19 * above[4];
  for (int i = 1; i < 5; i++) limbs_[i] += above[i - 1];
}

Field25519 Field25519::load(const uint8_t bytes[32]) {
  const uint64_t words[4] = {load_le64(bytes), load_le64(bytes + 8), load_le64(bytes + 16),
                             load_le64(bytes + 24)};
  Field25519 number;
  number.limbs_[0] = words[0] & kMask;
  number.limbs_[1] = (words[0] >> 51 | words[1] << 13) & kMask;
  number.limbs_[2] = (words[1] >> 38 | words[2] << 26) & kMask;
  number.limbs_[3] = (words[2] >> 25 | words[3] << 39) & kMask;
  number.limbs_[4] = (words[3] >> 12) & kMask;
  return number;
}

bool Field25519::is_canonical(const uint8_t bytes[32]) {
  uint8_t reduced[32];
  load(bytes).store(reduced);
  return std::memcmp(bytes, reduced, 31) == 0 && (bytes[31] & 0x7f) == reduced[31];
}

void Field25519::store(uint8_t bytes[32]) const {
  Field25519 number = *this;
  uint64_t above = 0;
  for (uint64_t& limb : number.limbs_) {
    limb += above;
    above = limb >> kLimbBits;
    limb &= kMask;
  }
  number.limbs_[0] += 19 * above;
  // Now below 2^255 + 19 * 2, so below 2p. It is p or more exactly when adding 19 reaches 2^255;
  // then taking p away is adding 19 and leaving out bit 255.
  above = 19;
  for (const uint64_t limb : number.limbs_) above = (limb + above) >> kLimbBits;
  number.limbs_[0] += 19 * above;
  above = 0;
  for (uint64_t& limb : number.limbs_) {
    limb += above;
    above = limb >> kLimbBits;
    limb &= kMask;
  }
  const uint64_t* l = number.limbs_;
  store_le64(bytes, l[0] | l[1] << 51);
  store_le64(bytes + 8, l[1] >> 13 | l[2] << 38);
  store_le64(bytes + 16, l[2] >> 26 | l[3] << 25);
  store_le64(bytes + 24, l[3] >> 39 | l[4] << 12);
}

Field25519 Field25519::loose_plus(const Field25519& other) const {
  Field25519 sum;
  for (int i = 0; i < 5; i++) sum.limbs_[i] = limbs_[i] + other.limbs_[i];
  return sum;
}

Field25519 Field25519::loose_minus(const Field25519& other) const {
  Field25519 difference;
  difference.limbs_[0] = limbs_[0] + kFourP0 - other.limbs_[0];
  for (int i = 1; i < 5; i++) difference.limbs_[i] = limbs_[i] + kFourP - other.limbs_[i];
  return difference;
}

Field25519 Field25519::operator+(const Field25519& other) const {
  Field25519 sum = loose_plus(other);
  sum.carry();
  return sum;
}

Field25519 Field25519::operator-(const Field25519& other) const {
  Field25519 difference = loose_minus(other);
  difference.carry();
  return difference;
}

// Column k collects a[i] * b[j] with i + j = k, and 19 times those with i + j = k + 5.
Field25519 Field25519::operator*(const Field25519& other) const {
  const uint64_t* a = limbs_;
  const uint64_t* b = other.limbs_;
  const uint64_t b1 = 19 * b[1];
  const uint64_t b2 = 19 * b[2];
  const uint64_t b3 = 19 * b[3];
  const uint64_t b4 = 19 * b[4];
  Wide columns[5] = {
      multiply(a[0], b[0]) + multiply(a[1], b4) + multiply(a[2], b3) + multiply(a[3], b2) +
          multiply(a[4], b1),
      multiply(a[0], b[1]) + multiply(a[1], b[0]) + multiply(a[2], b4) + multiply(a[3], b3) +
          multiply(a[4], b2),
      multiply(a[0], b[2]) + multiply(a[1], b[1]) + multiply(a[2], b[0]) + multiply(a[3], b4) +
          multiply(a[4], b3),
      multiply(a[0], b[3]) + multiply(a[1], b[2]) + multiply(a[2], b[1]) + multiply(a[3], b[0]) +
          multiply(a[4], b4),
      multiply(a[0], b[4]) + multiply(a[1], b[3]) + multiply(a[2], b[2]) + multiply(a[3], b[1]) +
          multiply(a[4], b[0]),
  };
  Field25519 product;
  reduce(columns, product.limbs_);
  return product;
}

// The same with equal products taken once.
Field25519 Field25519::square() const {
  const uint64_t* a = limbs_;
  const uint64_t twice_0 = 2 * a[0];
  const uint64_t twice_1 = 2 * a[1];
  const uint64_t a3 = 19 * a[3];
  const uint64_t a4 = 19 * a[4];
  Wide columns[5] = {
      multiply(a[0], a[0]) + multiply(twice_1, a4) + multiply(2 * a[2], a3),
      multiply(twice_0, a[1]) + multiply(2 * a[2], a4) + multiply(a[3], a3),
      multiply(twice_0, a[2]) + multiply(a[1], a[1]) + multiply(2 * a[3], a4),
      multiply(twice_0, a[3]) + multiply(twice_1, a[2]) + multiply(a[4], a4),
      multiply(twice_0, a[4]) + multiply(twice_1, a[3]) + multiply(a[2], a[2]),
  };
  Field25519 product;
  reduce(columns, product.limbs_);
  return product;
}

bool Field25519::operator==(const Field25519& other) const {
  uint8_t a[32];
  uint8_t b[32];
  store(a);
  other.store(b);
  return std::memcmp(a, b, sizeof(a)) == 0;
}

bool Field25519::is_odd() const {
  uint8_t bytes[32];
  store(bytes);
  return (bytes[0] & 1) != 0;
}

Field25519 Field25519::squared(int times) const {
  Field25519 power = *this;
  for (; times > 0; times--) power = power.square();
  return power;
}

Field25519 Field25519::power_250(Field25519* power_11) const {
  // The names say the exponent: ones_n is 2^n - 1.
  const Field25519 power_2 = squared(1);
  const Field25519 power_9 = power_2.squared(2) * *this;
  *power_11 = power_9 * power_2;
  const Field25519 ones_5 = power_11->squared(1) * power_9;
  const Field25519 ones_10 = ones_5.squared(5) * ones_5;
  const Field25519 ones_20 = ones_10.squared(10) * ones_10;
  const Field25519 ones_40 = ones_20.squared(20) * ones_20;
  const Field25519 ones_50 = ones_40.squared(10) * ones_10;
  const Field25519 ones_100 = ones_50.squared(50) * ones_50;
  const Field25519 ones_200 = ones_100.squared(100) * ones_100;
  return ones_200.squared(50) * ones_50;
}

Field25519 Field25519::edwards_d() {
  static constexpr uint8_t kBytes[32] = {0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75,
                                         0xab, 0xd8, 0x41, 0x41, 0x4d, 0x0a, 0x70, 0x00,
                                         0x98, 0xe8, 0x79, 0x77, 0x79, 0x40, 0xc7, 0x8c,
                                         0x73, 0xfe, 0x6f, 0x2b, 0xee, 0x6c, 0x03, 0x52};
  return load(kBytes);
}

Field25519 Field25519::root_of_minus_one() {
  static constexpr uint8_t kBytes[32] = {0xb0, 0xa0, 0x0e, 0x4a, 0x27, 0x1b, 0xee, 0xc4,
                                         0x78, 0xe4, 0x2f, 0xad, 0x06, 0x18, 0x43, 0x2f,
                                         0xa7, 0xd7, 0xfb, 0x3d, 0x99, 0x00, 0x4d, 0x2b,
                                         0x0b, 0xdf, 0xc1, 0x4f, 0x80, 0x24, 0x83, 0x2b};
  return load(kBytes);
}

Field25519 Field25519::inverse() const {
  // Fermat: the exponent is p - 2 = (2^250 - 1) * 2^5 + 11.
  Field25519 power_11;
  const Field25519 ones_250 = power_250(&power_11);
  return ones_250.squared(5) * power_11;
}

bool Field25519::square_root(const Field25519& numerator, const Field25519& denominator,
                             Field25519* root) {
  // RFC 8032 5.1.3: the candidate is n d^3 (n d^7)^((p - 5) / 8), right up to a root of -1. The
  // exponent is 2^252 - 3 = (2^250 - 1) * 2^2 + 1.
  const Field25519 cubed = denominator.square() * denominator;
  const Field25519 base = numerator * cubed.square() * denominator;
  Field25519 unused;
  const Field25519 power = base.power_250(&unused).squared(2) * base;
  Field25519 candidate = numerator * cubed * power;
  const Field25519 check = denominator * candidate.square();
  if (denominator.is_zero()) return false;
  if (check == numerator) {
    *root = candidate;
    return true;
  }
  if (!(check + numerator).is_zero()) return false;
  *root = candidate * root_of_minus_one();
  return true;
}

}  // namespace hawser::crypto
