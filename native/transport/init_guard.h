// What stands between a stranger's INIT and the work and memory of a handshake: mac1, which shows
// that the sender knows whom it speaks to; cookies, which show that it receives at its address
// (the same idea as in WireGuard, section 5.4.7 of its paper); and a rate for each address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "crypto/siphash.h"
#include "transport/memory.h"
#include "transport/time.h"
#include "transport/types.h"
#include "wire/packet.h"

namespace hawser::transport {

class InitGuard {
 public:
  // A cookie is taken for at least this long, and at most for twice as long.
  static constexpr Duration kCookieLife = 120 * kSecond;
  // Addresses whose rates are remembered; those of others are forgotten for them.
  static constexpr size_t kBuckets = 1024;

  // `rate`: handshakes a second from one network address, `unproven_rate`: from all together
  // without a cookie; so many may come at once.
  InitGuard(Memory& memory, Random& random, uint32_t rate, uint32_t unproven_rate);
  ~InitGuard();
  InitGuard(const InitGuard&) = delete;
  InitGuard& operator=(const InitGuard&) = delete;

  void set_mac_key(const uint8_t key[crypto::SipHash::kKeyBytes]);

  // `init` is a whole INIT.
  bool mac1_valid(const uint8_t* init) const;
  bool mac2_valid(Time now, const PathAddress& from, const uint8_t* init);
  // A COOKIE for whoever sent `init` from there; kCookiePacketBytes.
  void write_cookie(Time now, const PathAddress& from, const uint8_t* init,
                    uint8_t out[wire::kCookiePacketBytes]);
  // False: too many handshakes were begun without a cookie lately.
  bool admit_unproven(Time now) { return unproven_.take(now, unproven_rate_); }
  // False: too many handshakes from this address lately, or no memory to know.
  bool admit(Time now, const PathAddress& from) {
    return admit(now, from.bytes, PathAddress::kSourceBytes);
  }
  // The same for a session that is open, whoever uses up what its address has.
  bool admit_renewal(Time now, const wire::ConnectionId& id) {
    uint8_t text[1 + sizeof id.bytes];
    text[0] = 'r';
    std::memcpy(text + 1, id.bytes, sizeof id.bytes);
    return admit(now, text, sizeof text);
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
  // A token bucket that holds what comes in a second.
  struct Bucket {
    uint64_t source = 0;
    Time at = 0;
    // Handshakes that may still come, in 1 / kSecond.
    int64_t credit = 0;

    bool take(Time now, uint32_t rate);
  };

  bool admit(Time now, const uint8_t* source, size_t length);
  void renew_secrets(Time now);
  static void cookie_for(const Secret& secret, const PathAddress& from,
                         uint8_t out[wire::kCookieBytes]);

  Memory& memory_;
  Random& random_;
  const uint32_t rate_;
  const uint32_t unproven_rate_;
  uint8_t mac_key_[crypto::SipHash::kKeyBytes] = {};
  // The newer one first.
  Secret secrets_[2];
  Bucket unproven_;
  uint8_t bucket_key_[crypto::SipHash::kKeyBytes];
  Bucket* buckets_ = nullptr;
};

}  // namespace hawser::transport
