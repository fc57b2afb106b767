// Arithmetic modulo p = 2^255 - 19, for public values only: some of it takes time that depends on
// them. Secrets go through libcrypto.
//
// A number is five limbs of 51 bits (Bernstein, Duif, Lange, Schwabe, Yang, "High-speed
// high-security signatures", 2011), so that products of limbs fit 128 bits with room for their
// sums. Limbs are below 2^52 after every operation, which each operation also expects, but for the
// loose ones.
#pragma once

#include <cstdint>

namespace hawser::crypto {

class Field25519 {
 public:
  constexpr Field25519() = default;
  explicit constexpr Field25519(uint32_t value) : limbs_{value, 0, 0, 0, 0} {}

  // Little-endian, bit 255 ignored. Values from p on are taken modulo p; is_canonical tells.
  static Field25519 load(const uint8_t bytes[32]);
  // Bit 255 ignored as well: is the number below p?
  static bool is_canonical(const uint8_t bytes[32]);
  // The number below p, little-endian, bit 255 zero.
  void store(uint8_t bytes[32]) const;

  Field25519 operator+(const Field25519& other) const;
  Field25519 operator-(const Field25519& other) const;
  Field25519 operator*(const Field25519& other) const;
  Field25519 square() const;
  // Sums and differences for factors of products and squares only, which take limbs below 2^57:
  // without a carry, half of the time of adding is saved. Limbs grow by one bit, or to 2^54 from
  // 2^53; `other` of a difference must come from an operation that is not loose.
  Field25519 loose_plus(const Field25519& other) const;
  Field25519 loose_minus(const Field25519& other) const;
  bool operator==(const Field25519& other) const;

  bool is_zero() const { return *this == Field25519(); }
  // RFC 8032 calls this the sign of x: is the number below p odd?
  bool is_odd() const;

  // d = -121665 / 121666, the constant of edwards25519 (RFC 8032 5.1).
  static Field25519 edwards_d();
  // 2^((p - 1) / 4), a root of -1 (RFC 8032 5.1.3).
  static Field25519 root_of_minus_one();

  // 1 / this, and 0 for 0.
  Field25519 inverse() const;
  // A root of numerator / denominator. False: it is no square, or the denominator is 0.
  static bool square_root(const Field25519& numerator, const Field25519& denominator,
                          Field25519* root);

 private:
  Field25519 squared(int times) const;
  // this^(2^250 - 1), and this^11 in passing: what the exponents below have in common.
  Field25519 power_250(Field25519* power_11) const;
  // Brings limbs below 2^54 below 2^52 again.
  void carry();

  uint64_t limbs_[5] = {};
};

}  // namespace hawser::crypto
