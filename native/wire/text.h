#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::wire {

// Whether the bytes are well-formed UTF-8 (RFC 3629): no longer forms than needed, no surrogates,
// nothing above U+10FFFF. No bytes at all are well-formed.
bool valid_utf8(const uint8_t* data, size_t length);

}  // namespace hawser::wire
