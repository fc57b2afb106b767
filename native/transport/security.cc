#include "transport/security.h"

#include <cstring>

#include "crypto/secret.h"

namespace hawser::transport {

Handshake::Handshake(Security& security) : security_(security) { security.live_++; }

// The peer's reset token is among what was decrypted in place.
Handshake::~Handshake() { crypto::wipe(answer_, sizeof answer_); }

void Security::release(Memory& memory, Handshake* handshake) {
  if (handshake == nullptr) return;
  handshake->refund();
  destroy(memory, handshake);
  if (--live_ == 0 && retired_) destroy_self(memory);
}

void Security::retire(Memory& memory) {
  retired_ = true;
  if (live_ == 0) destroy_self(memory);
}

bool Handshake::charge(QuotaMemory& memory) {
  if (!memory.charge(memory_bytes())) return false;
  charged_ = &memory;
  return true;
}

void Handshake::refund() {
  if (charged_ == nullptr) return;
  charged_->refund(memory_bytes());
  charged_ = nullptr;
}

bool Handshake::take_answer(const uint8_t* message, size_t length) {
  if (state != State::kIdle || step_ != Step::kFinish || length > sizeof answer_) return false;
  std::memcpy(answer_, message, length);
  answer_length_ = length;
  return true;
}

}  // namespace hawser::transport
