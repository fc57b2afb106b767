// What stands between a stranger's INIT and the work and memory of a handshake: mac1, which shows
// that the sender knows whom it speaks to; cookies, which show that it receives at its address
// (the same idea as in WireGuard, section 5.4.7 of its paper); and rates for each address. Who has
// shown that it receives at its address has a rate of its own there: others, who only say that they
// are there, cannot use it up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "crypto/siphash.h"
#include "transport/memory.h"
#include "transport/rate_table.h"
#include "transport/time.h"
#include "transport/types.h"
#include "wire/packet.h"

namespace hawser::transport {

class InitGuard {
 public:
  // A cookie is taken for at least this long, and at most for twice as long.
  static constexpr Duration kCookieLife = 120 * kSecond;

  // `rate`: handshakes a second from one network address, with a cookie, and as many again without;
  // `unproven_rate`: from all together without a cookie. So many may come at once.
  InitGuard(Memory& memory, Random& random, uint32_t rate, uint32_t unproven_rate);
  ~InitGuard();
  InitGuard(const InitGuard&) = delete;
  InitGuard& operator=(const InitGuard&) = delete;

  void set_mac_key(const uint8_t key[crypto::SipHash::kKeyBytes]);

  // `init` is a whole INIT.
  bool mac1_valid(const uint8_t* init) const;
  // The sender has shown that it receives at `from`.
  bool mac2_valid(Time now, const PathAddress& from, const uint8_t* init);
  // A COOKIE for whoever sent `init` from there; kCookiePacketBytes.
  void write_cookie(Time now, const PathAddress& from, const uint8_t* init,
                    uint8_t out[wire::kCookiePacketBytes]);
  // Without a cookie. False: too many such handshakes lately, from this address or from all
  // together, or no memory to know. A cookie helps.
  bool admit_unproven(Time now, const PathAddress& from) {
    return unproven_.take(now, from.bytes, PathAddress::kSourceBytes, rate_) &&
           all_unproven_.take(now, unproven_rate_);
  }
  // With a cookie. False: too many such handshakes from this address lately, or no memory to know.
  bool admit_proven(Time now, const PathAddress& from) {
    return proven_.take(now, from.bytes, PathAddress::kSourceBytes, rate_);
  }
  // The same for all open sessions of an address together, apart from those that begin.
  bool admit_renewal(Time now, const PathAddress& from) {
    uint8_t text[1 + PathAddress::kSourceBytes];
    text[0] = 'r';
    std::memcpy(text + 1, from.bytes, PathAddress::kSourceBytes);
    return proven_.take(now, text, sizeof text, rate_);
  }

  // --- The other side.
  static void sign_mac1(const uint8_t key[crypto::SipHash::kKeyBytes], uint8_t* init);
  static void sign_mac2(const uint8_t cookie[wire::kCookieBytes], uint8_t* init);
  // Does it answer the INIT that was sent?
  static bool cookie_valid(const uint8_t key[crypto::SipHash::kKeyBytes], const uint8_t* init,
                           const wire::Cookie& cookie);

 private:
  struct Secret {
    uint8_t keys[2][crypto::SipHash::kKeyBytes] = {};
    bool valid = false;
    Time since = 0;
  };

  void renew_secrets(Time now);
  static void cookie_for(const Secret& secret, const PathAddress& from,
                         uint8_t out[wire::kCookieBytes]);

  Random& random_;
  const uint32_t rate_;
  const uint32_t unproven_rate_;
  uint8_t mac_key_[crypto::SipHash::kKeyBytes] = {};
  // The newer one first.
  Secret secrets_[2];
  TokenBucket all_unproven_;
  // Apart, so that addresses that somebody makes up push out nobody who is there.
  RateTable unproven_;
  RateTable proven_;
};

}  // namespace hawser::transport
