#include "wire/text.h"

namespace hawser::wire {

namespace {

bool continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// Bytes of the character at p, of which `left` >= 1 are there; 0 when it is not well-formed. The
// table in RFC 3629 §4: only the second byte has ranges that depend on the first.
size_t character_length(const uint8_t* p, size_t left) {
  const uint8_t first = p[0];
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;  // a continuation, or a longer form of ASCII
  if (first < 0xe0) return left >= 2 && continuation(p[1]) ? 2 : 0;
  if (first < 0xf0) {
    if (left < 3 || !continuation(p[1]) || !continuation(p[2])) return 0;
    if (first == 0xe0 && p[1] < 0xa0) return 0;   // fits into two bytes
    if (first == 0xed && p[1] >= 0xa0) return 0;  // surrogates
    return 3;
  }
  if (first < 0xf5) {
    if (left < 4 || !continuation(p[1]) || !continuation(p[2]) || !continuation(p[3])) return 0;
    if (first == 0xf0 && p[1] < 0x90) return 0;   // fits into three bytes
    if (first == 0xf4 && p[1] >= 0x90) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

}  // namespace

bool valid_utf8(const uint8_t* data, size_t length) {
  size_t at = 0;
  while (at < length) {
    const size_t step = character_length(data + at, length - at);
    if (step == 0) return false;
    at += step;
  }
  return true;
}

}  // namespace hawser::wire
