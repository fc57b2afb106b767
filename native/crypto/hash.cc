#include "crypto/hash.h"

#include <algorithm>
#include <cstring>

#include "crypto/openssl.h"
#include "crypto/secret.h"

namespace hawser::crypto {
namespace {

constexpr size_t kBlockBytes = 64;  // of SHA-256

// One digest after another with one context, which libcrypto allocates.
class Digest {
 public:
  Digest() : ssl_(openssl()), context_(ssl_ == nullptr ? nullptr : ssl_->md_ctx_new()) {}
  ~Digest() {
    if (context_ != nullptr) ssl_->md_ctx_free(context_);
  }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  const OpenSsl* ssl() const { return ssl_; }
  bool begin(const EvpMd* md) {
    return context_ != nullptr && ssl_->digest_init(context_, md, nullptr) == 1;
  }
  bool add(Part part) {
    return part.length == 0 || ssl_->digest_update(context_, part.data, part.length) == 1;
  }
  bool add(std::initializer_list<Part> parts) {
    return std::all_of(parts.begin(), parts.end(), [this](Part part) { return add(part); });
  }
  bool end(uint8_t* out) { return ssl_->digest_final(context_, out, nullptr) == 1; }

 private:
  const OpenSsl* const ssl_;
  EvpMdCtx* const context_;
};

bool finished(const Digest& digest, bool done, uint8_t* out, size_t length) {
  if (done) return true;
  wipe(out, length);
  if (digest.ssl() != nullptr) forget_openssl_errors(digest.ssl());
  return false;
}

}  // namespace

bool sha256(std::initializer_list<Part> parts, uint8_t out[kSha256Bytes]) {
  Digest digest;
  const bool done = digest.ssl() != nullptr && digest.begin(digest.ssl()->sha256) &&
                    digest.add(parts) && digest.end(out);
  return finished(digest, done, out, kSha256Bytes);
}

bool sha512(std::initializer_list<Part> parts, uint8_t out[kSha512Bytes]) {
  Digest digest;
  const bool done = digest.ssl() != nullptr && digest.begin(digest.ssl()->sha512) &&
                    digest.add(parts) && digest.end(out);
  return finished(digest, done, out, kSha512Bytes);
}

bool hmac_sha256(Part key, std::initializer_list<Part> parts, uint8_t out[kSha256Bytes]) {
  Digest digest;
  if (digest.ssl() == nullptr) return finished(digest, false, out, kSha256Bytes);
  const EvpMd* md = digest.ssl()->sha256;

  Secret<kBlockBytes> pad;  // the key, zeros behind it
  Secret<kSha256Bytes> inner;
  bool done = true;
  if (key.length > kBlockBytes) {
    done = digest.begin(md) && digest.add(key) && digest.end(pad.data());
  } else if (key.length > 0) {
    std::memcpy(pad.data(), key.data, key.length);
  }
  for (size_t i = 0; i < kBlockBytes; i++) pad.data()[i] ^= 0x36;
  done = done && digest.begin(md) && digest.add({pad.data(), kBlockBytes}) && digest.add(parts) &&
         digest.end(inner.data());
  for (size_t i = 0; i < kBlockBytes; i++) pad.data()[i] ^= 0x36 ^ 0x5c;
  done = done && digest.begin(md) && digest.add({pad.data(), kBlockBytes}) &&
         digest.add({inner.data(), kSha256Bytes}) && digest.end(out);
  return finished(digest, done, out, kSha256Bytes);
}

bool hkdf_sha256_extract(Part salt, Part input_key, uint8_t out[kSha256Bytes]) {
  // HMAC fills a short key with zeros, so the empty salt needs no case of its own.
  return hmac_sha256(salt, {input_key}, out);
}

bool hkdf_sha256_expand(const uint8_t key[kSha256Bytes], Part info, uint8_t* out, size_t length) {
  if (length > kMaxHkdfBytes) return false;
  // Copies, because `out` may be where the key is.
  const Secret<kSha256Bytes> from(key);
  Secret<kSha256Bytes> block;
  uint8_t counter = 0;
  for (size_t at = 0; at < length; at += kSha256Bytes) {
    const Part previous = {block.data(), at == 0 ? 0 : kSha256Bytes};
    counter++;
    if (!hmac_sha256({from.data(), kSha256Bytes}, {previous, info, {&counter, 1}}, block.data())) {
      wipe(out, length);
      return false;
    }
    std::memcpy(out + at, block.data(), std::min(kSha256Bytes, length - at));
  }
  return true;
}

bool hkdf_noise(const uint8_t chaining_key[kSha256Bytes], Part input_key,
                std::initializer_list<uint8_t*> outputs) {
  Secret<kSha256Bytes> extracted;
  Secret<3 * kSha256Bytes> expanded;
  if (outputs.size() > 3 ||
      !hkdf_sha256_extract({chaining_key, kSha256Bytes}, input_key, extracted.data()) ||
      !hkdf_sha256_expand(extracted.data(), {nullptr, 0}, expanded.data(),
                          outputs.size() * kSha256Bytes)) {
    for (uint8_t* output : outputs) wipe(output, kSha256Bytes);
    return false;
  }
  const uint8_t* from = expanded.data();
  for (uint8_t* output : outputs) {
    std::memcpy(output, from, kSha256Bytes);
    from += kSha256Bytes;
  }
  return true;
}

}  // namespace hawser::crypto
