#include "crypto/traffic_keys.h"

#include <cstring>
#include <string_view>

#include "wire/endian.h"

namespace hawser::crypto {
namespace {

constexpr std::string_view kKeyInfo = "hawser key";
constexpr std::string_view kIvInfo = "hawser iv";
constexpr std::string_view kHeaderKeyInfo = "hawser hp";
constexpr std::string_view kNextInfo = "hawser ku";

template <size_t kLength>
bool expand(const TrafficSecret& secret, std::string_view info, Secret<kLength>* out) {
  const Part part = {reinterpret_cast<const uint8_t*>(info.data()), info.size()};
  return hkdf_sha256_expand(secret.data(), part, out->data(), kLength);
}

}  // namespace

void EpochKeys::clear() {
  key.clear();
  iv.clear();
  next.clear();
}

bool derive_epoch(const TrafficSecret& secret, EpochKeys* keys) {
  if (expand(secret, kKeyInfo, &keys->key) && expand(secret, kIvInfo, &keys->iv) &&
      expand(secret, kNextInfo, &keys->next)) {
    return true;
  }
  keys->clear();
  return false;
}

bool derive_header_key(const TrafficSecret& secret, Secret<kHeaderMaskKeyBytes>* out) {
  return expand(secret, kHeaderKeyInfo, out);
}

bool mix_fresh(const TrafficSecret& next, Part fresh, TrafficSecret* out) {
  return hkdf_sha256_extract({next.data(), next.size()}, fresh, out->data());
}

bool fresh_secret(bool initiator, const Secret<kAeadKeyBytes>& send,
                  const Secret<kAeadKeyBytes>& receive, TrafficSecret* out) {
  const Secret<kAeadKeyBytes>& from_initiator = initiator ? send : receive;
  const Secret<kAeadKeyBytes>& from_responder = initiator ? receive : send;
  return hkdf_sha256_extract({from_initiator.data(), from_initiator.size()},
                             {from_responder.data(), from_responder.size()}, out->data());
}

void packet_nonce(const Secret<kAeadNonceBytes>& iv, uint64_t number,
                  uint8_t out[kAeadNonceBytes]) {
  constexpr size_t kNumberAt = kAeadNonceBytes - 8;
  std::memcpy(out, iv.data(), kNumberAt);
  wire::store_u64(out + kNumberAt, wire::load_u64(iv.data() + kNumberAt) ^ number);
}

}  // namespace hawser::crypto
