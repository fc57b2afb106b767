#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "transport/memory.h"
#include "transport/types.h"

namespace hawser::transport {

// Why a session or channel ended, as it keeps that itself. Most never have a text, and the longest
// is as large as much of the rest: it takes memory only when there is one. Lack of memory loses the
// text and nothing else.
class KeptReason {
 public:
  explicit KeptReason(Memory& memory) : memory_(memory) {}
  ~KeptReason() { drop_text(); }
  KeptReason(const KeptReason&) = delete;
  KeptReason& operator=(const KeptReason&) = delete;

  void set(const CloseReason& reason) {
    drop_text();
    by_ = reason.by;
    code_ = reason.code;
    timed_out_ = reason.timed_out;
    if (reason.detail_length == 0) return;
    text_ = static_cast<char*>(memory_.allocate(reason.detail_length));
    if (text_ == nullptr) return;
    std::memcpy(text_, reason.detail, reason.detail_length);
    length_ = reason.detail_length;
  }
  CloseReason get() const {
    CloseReason reason = CloseReason::make(by_, code_, text_, length_);
    reason.timed_out = timed_out_;
    return reason;
  }

  wire::Code code() const { return code_; }
  // Not terminated; nullptr with length 0.
  const char* text() const { return text_; }
  size_t length() const { return length_; }

 private:
  void drop_text() {
    memory_.release(text_, length_);
    text_ = nullptr;
    length_ = 0;
  }

  Memory& memory_;
  char* text_ = nullptr;
  wire::Code code_ = wire::Code::kNoError;
  ClosedBy by_ = ClosedBy::kNobody;
  bool timed_out_ = false;
  uint8_t length_ = 0;
};

}  // namespace hawser::transport
