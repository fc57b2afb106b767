// Counts calls of malloc, calloc, realloc, their aligned kin and operator new, by who called. Linux
// with glibc alone: the functions replace the C library's for the whole process, in an executable
// that is linked with hooks.cc, or by LD_PRELOAD.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::hooks {

// Where memory was asked for.
struct AllocationSite {
  const void* caller;  // the instruction behind the call
  // The caller is not the watched code itself, but was called by it, directly or not.
  bool beneath;
  uint64_t calls;
};

// Addresses of code, [begin, end).
struct CodeRange {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  bool holds(const void* address) const {
    const auto at = reinterpret_cast<uintptr_t>(address);
    return at >= begin && at < end;
  }
};

struct AllocationCount {
  uint64_t ours = 0;       // asked for by the watched code
  uint64_t beneath = 0;    // by what the watched code called
  uint64_t elsewhere = 0;  // by the rest of the process
};

// From now on, on all threads. What lies in `watched` is ours; an empty range: everything is. Calls
// beneath are told apart by walking the stack, which takes some microseconds for each.
void start_counting_allocations(const CodeRange& watched);
void stop_counting_allocations();
// Since the last start; while stopped.
AllocationCount counted_allocations();
// The sites of calls that were ours or beneath; returns how many there are, of which up to
// `capacity` are written. While stopped.
size_t allocation_sites(AllocationSite* out, size_t capacity);

}  // namespace hawser::hooks
