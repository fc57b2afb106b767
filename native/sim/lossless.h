#pragma once

#include <cstdint>
#include <string>

namespace hawser::sim {

// Two peers over a path that loses nothing and delays everything by 10 ms, default options, both
// directions, messages of mixed sizes; judged by what the applications see. What even a broken core
// gets through: a change that fails here is not a subtle one (scripts/mutants.mjs). Returns what
// went wrong; empty: nothing.
std::string run_lossless(uint64_t seed);

}  // namespace hawser::sim
