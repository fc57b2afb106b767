// Random numbers for keys.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::crypto {

// From the operating system and not from libcrypto's RAND_bytes: that keeps a generator in user
// space, whose state a snapshot of a virtual machine repeats, and would tie everything that needs a
// number (ids, packet numbers, the simulator's tools) to there being a libcrypto. A key is drawn
// once a handshake, so the system call does not count.
//
// Blocks only until the system's generator has been seeded, early at boot. False: the system gives
// none; `out` is then wiped and must not be used.
bool random_bytes(uint8_t* out, size_t length);

}  // namespace hawser::crypto
