#include "transport/init_guard.h"

#include <cstring>

#include "crypto/secret.h"
#include "wire/endian.h"

namespace hawser::transport {

namespace {

using crypto::SipHash;

constexpr size_t kBeforeMac1 = wire::kInitBytes - 2 * wire::kHandshakeMacBytes;
constexpr size_t kBeforeMac2 = wire::kInitBytes - wire::kHandshakeMacBytes;

// Wherever it differs: how far it is right must not show in the time this takes.
bool equal(uint64_t a, const uint8_t* b) { return a == wire::load_u64(b); }

uint64_t mac1_of(const uint8_t* key, const uint8_t* init) {
  return SipHash(key)(init, kBeforeMac1);
}

// Over what precedes it, and the mac1 of the INIT that it answers.
uint64_t cookie_mac(const uint8_t* key, const uint8_t* cookie_packet, const uint8_t* init) {
  constexpr size_t kSigned = wire::kCookiePacketBytes - wire::kHandshakeMacBytes;
  uint8_t text[kSigned + wire::kHandshakeMacBytes];
  std::memcpy(text, cookie_packet, kSigned);
  std::memcpy(text + kSigned, wire::init_mac1(init), wire::kHandshakeMacBytes);
  return SipHash(key)(text, sizeof text);
}

}  // namespace

InitGuard::InitGuard(Memory& memory, Random& random, uint32_t rate, uint32_t unproven_rate)
    : random_(random),
      rate_(rate),
      unproven_rate_(unproven_rate),
      unproven_(memory, random),
      proven_(memory, random) {}

InitGuard::~InitGuard() {
  crypto::wipe(secrets_, sizeof secrets_);
  crypto::wipe(mac_key_, sizeof mac_key_);
}

void InitGuard::set_mac_key(const uint8_t key[SipHash::kKeyBytes]) {
  std::memcpy(mac_key_, key, sizeof mac_key_);
}

bool InitGuard::mac1_valid(const uint8_t* init) const {
  return equal(mac1_of(mac_key_, init), wire::init_mac1(init));
}

void InitGuard::sign_mac1(const uint8_t key[SipHash::kKeyBytes], uint8_t* init) {
  wire::store_u64(wire::init_mac1(init), mac1_of(key, init));
}

void InitGuard::sign_mac2(const uint8_t cookie[wire::kCookieBytes], uint8_t* init) {
  wire::store_u64(wire::init_mac2(init), SipHash(cookie)(init, kBeforeMac2));
}

bool InitGuard::cookie_valid(const uint8_t key[SipHash::kKeyBytes], const uint8_t* init,
                             const wire::Cookie& cookie) {
  uint8_t packet[wire::kCookiePacketBytes];
  return wire::write_cookie(packet, sizeof packet, cookie) == sizeof packet &&
         equal(cookie_mac(key, packet, init), cookie.mac);
}

void InitGuard::renew_secrets(Time now) {
  // When nobody asks, the newer one gets its successor late: neither is kept any longer for that.
  for (Secret& secret : secrets_) {
    if (now - secret.since >= 2 * kCookieLife) secret.valid = false;
  }
  if (secrets_[0].valid && now - secrets_[0].since < kCookieLife) return;
  secrets_[1] = secrets_[0];
  random_.fill(secrets_[0].keys[0], sizeof secrets_[0].keys);
  secrets_[0].valid = true;
  secrets_[0].since = now;
}

void InitGuard::cookie_for(const Secret& secret, const PathAddress& from,
                           uint8_t out[wire::kCookieBytes]) {
  for (size_t i = 0; i < 2; i++) {
    wire::store_u64(out + 8 * i, SipHash(secret.keys[i])(from.bytes, sizeof from.bytes));
  }
}

bool InitGuard::mac2_valid(Time now, const PathAddress& from, const uint8_t* init) {
  // Most have none, and it is not worth two hashes to find that out.
  if (wire::load_u64(wire::init_mac2(init)) == 0) return false;
  renew_secrets(now);
  for (const Secret& secret : secrets_) {
    if (!secret.valid) continue;
    uint8_t cookie[wire::kCookieBytes];
    cookie_for(secret, from, cookie);
    if (equal(SipHash(cookie)(init, kBeforeMac2), wire::init_mac2(init))) return true;
  }
  return false;
}

void InitGuard::write_cookie(Time now, const PathAddress& from, const uint8_t* init,
                             uint8_t out[wire::kCookiePacketBytes]) {
  renew_secrets(now);
  wire::Cookie cookie{};
  wire::InitHeader header{};
  (void)wire::read_init_header(init, wire::kInitBytes, header);
  cookie.destination = header.source;
  cookie_for(secrets_[0], from, cookie.cookie);
  (void)wire::write_cookie(out, wire::kCookiePacketBytes, cookie);
  wire::store_u64(out + wire::kCookiePacketBytes - wire::kHandshakeMacBytes,
                  cookie_mac(mac_key_, out, init));
}

}  // namespace hawser::transport
