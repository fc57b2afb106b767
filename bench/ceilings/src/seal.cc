#include "seal.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ceiling {
namespace {

using Nonce = std::array<unsigned char, 12>;

void check(int result) {
  if (result == 1) return;
  std::fprintf(stderr, "hawser_ceiling: AES-256-GCM failed\n");
  std::exit(1);
}

Nonce nonce_of(uint64_t number) {
  Nonce nonce{};
  std::memcpy(nonce.data(), &number, sizeof number);
  return nonce;
}

unsigned char* chars(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

const unsigned char* chars(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

Seal::Seal(Direction direction) : context_(EVP_CIPHER_CTX_new()) {
  const std::array<unsigned char, 32> key{1, 2, 3};
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  const int encrypt = direction == Direction::kSeal ? 1 : 0;
  check(EVP_CipherInit_ex2(context_.get(), cipher, key.data(), nullptr, encrypt, nullptr));
  EVP_CIPHER_free(cipher);
}

void Seal::seal(uint64_t number, std::span<const std::byte> header, std::span<std::byte> text,
                std::span<std::byte, kTagBytes> tag) {
  EVP_CIPHER_CTX* context = context_.get();
  int length = 0;
  check(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce_of(number).data(), nullptr));
  check(
      EVP_EncryptUpdate(context, nullptr, &length, chars(header), static_cast<int>(header.size())));
  check(
      EVP_EncryptUpdate(context, chars(text), &length, chars(text), static_cast<int>(text.size())));
  check(EVP_EncryptFinal_ex(context, chars(text), &length));
  check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag.data()));
}

bool Seal::open(uint64_t number, std::span<const std::byte> header, std::span<std::byte> text,
                std::span<std::byte, kTagBytes> tag) {
  EVP_CIPHER_CTX* context = context_.get();
  int length = 0;
  check(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce_of(number).data(), nullptr));
  check(
      EVP_DecryptUpdate(context, nullptr, &length, chars(header), static_cast<int>(header.size())));
  check(
      EVP_DecryptUpdate(context, chars(text), &length, chars(text), static_cast<int>(text.size())));
  check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()));
  return EVP_DecryptFinal_ex(context, chars(text), &length) == 1;
}

}  // namespace ceiling
