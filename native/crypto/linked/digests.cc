// Digests, of which curve25519 uses one too.

#include <cstdlib>
#include <cstring>

#include "crypto/linked/evp.h"

struct evp_md_st {
  const char* name;
  bool is_sha512;
};

static const EVP_MD kDigests[] = {{"SHA256", false}, {"SHA512", true}};

static int begin(EVP_MD_CTX* ctx, const EVP_MD* md) {
  ctx->md = md;
  if (md == nullptr) return 0;
  return md->is_sha512 ? SHA512_Init(&ctx->sha512) : SHA256_Init(&ctx->sha256);
}

EVP_MD* EVP_MD_fetch(OSSL_LIB_CTX*, const char* name, const char*) {
  for (const EVP_MD& md : kDigests) {
    if (std::strcmp(md.name, name) == 0) return const_cast<EVP_MD*>(&md);
  }
  return nullptr;
}

void EVP_MD_free(EVP_MD*) {}

EVP_MD_CTX* EVP_MD_CTX_new() {
  return static_cast<EVP_MD_CTX*>(std::calloc(1, sizeof(EVP_MD_CTX)));
}

void EVP_MD_CTX_free(EVP_MD_CTX* ctx) {
  if (ctx == nullptr) return;
  OPENSSL_cleanse(ctx, sizeof *ctx);
  std::free(ctx);
}

int EVP_DigestInit_ex2(EVP_MD_CTX* ctx, const EVP_MD* md, const OSSL_PARAM*) {
  return begin(ctx, md);
}

int EVP_DigestInit_ex(EVP_MD_CTX* ctx, const EVP_MD* md, ENGINE*) { return begin(ctx, md); }

int EVP_DigestUpdate(EVP_MD_CTX* ctx, const void* data, size_t length) {
  if (ctx->md == nullptr) return 0;
  return ctx->md->is_sha512 ? SHA512_Update(&ctx->sha512, data, length)
                            : SHA256_Update(&ctx->sha256, data, length);
}

int EVP_DigestFinal_ex(EVP_MD_CTX* ctx, uint8_t* out, unsigned int* length) {
  if (ctx->md == nullptr) return 0;
  const bool is_sha512 = ctx->md->is_sha512;
  if (length != nullptr) *length = is_sha512 ? SHA512_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
  ctx->md = nullptr;
  return is_sha512 ? SHA512_Final(out, &ctx->sha512) : SHA256_Final(out, &ctx->sha256);
}

int EVP_Digest(const void* data, size_t length, uint8_t* out, unsigned int* written,
               const EVP_MD* md, ENGINE*) {
  EVP_MD_CTX ctx = {};
  const bool done = begin(&ctx, md) == 1 && EVP_DigestUpdate(&ctx, data, length) == 1 &&
                    EVP_DigestFinal_ex(&ctx, out, written) == 1;
  OPENSSL_cleanse(&ctx, sizeof ctx);
  return done ? 1 : 0;
}
