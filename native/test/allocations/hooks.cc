#include "test/allocations/hooks.h"

#include <malloc.h>
#include <unwind.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

// The C library's own, under the names by which it keeps them for whoever replaces the others.
extern "C" {
// NOLINTBEGIN(readability-identifier-naming): not ours to name
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* pointer, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
// NOLINTEND(readability-identifier-naming)
}

namespace hawser::hooks {
namespace {

constexpr size_t kSites = 4096;  // a power of two
constexpr int kMostFrames = 64;

struct Slot {
  std::atomic<uintptr_t> key{0};  // the caller's address twice, and 1 when it is beneath; 0: free
  std::atomic<uint64_t> calls{0};
};

// No constructors: memory is asked for before any of them has run.
constinit std::atomic<bool> counting{false};
constinit std::atomic<uint64_t> ours{0};
constinit std::atomic<uint64_t> beneath{0};
constinit std::atomic<uint64_t> elsewhere{0};
constinit CodeRange watched;
constinit Slot slots[kSites];
// The thread is being counted already: walking the stack may ask for memory too. Not in memory that
// is asked for when a thread first touches it.
__attribute__((tls_model("initial-exec"))) thread_local bool inside = false;

void note_site(const void* caller, bool is_beneath) {
  const uintptr_t key = reinterpret_cast<uintptr_t>(caller) * 2 + (is_beneath ? 1 : 0);
  for (size_t i = 0; i < kSites; i++) {
    Slot& slot = slots[(key / 2 + i) % kSites];
    uintptr_t found = slot.key.load();
    if (found == 0 && slot.key.compare_exchange_strong(found, key)) found = key;
    if (found != key) continue;
    slot.calls.fetch_add(1);
    return;
  }
}

struct Walk {
  bool found = false;
  int frames = 0;
};

_Unwind_Reason_Code look(_Unwind_Context* context, void* data) {
  auto* walk = static_cast<Walk*>(data);
  walk->found = watched.holds(reinterpret_cast<const void*>(_Unwind_GetIP(context)));
  return walk->found || ++walk->frames == kMostFrames ? _URC_END_OF_STACK : _URC_NO_REASON;
}

bool called_by_us() {
  Walk walk;
  _Unwind_Backtrace(&look, &walk);
  return walk.found;
}

void note(const void* caller) {
  if (!counting.load(std::memory_order_relaxed) || inside) return;
  inside = true;
  if (watched.end == 0 || watched.holds(caller)) {
    ours.fetch_add(1);
    note_site(caller, false);
  } else if (called_by_us()) {
    beneath.fetch_add(1);
    note_site(caller, true);
  } else {
    elsewhere.fetch_add(1);
  }
  inside = false;
}

void* checked(void* pointer) {
  if (pointer == nullptr) std::abort();
  return pointer;
}

}  // namespace

void start_counting_allocations(const CodeRange& range) {
  watched = range;
  // What it loads when it is first called is not counted.
  (void)called_by_us();
  for (Slot& slot : slots) {
    slot.key.store(0);
    slot.calls.store(0);
  }
  ours.store(0);
  beneath.store(0);
  elsewhere.store(0);
  counting.store(true);
}

void stop_counting_allocations() { counting.store(false); }

AllocationCount counted_allocations() { return {ours.load(), beneath.load(), elsewhere.load()}; }

size_t allocation_sites(AllocationSite* out, size_t capacity) {
  size_t count = 0;
  for (const Slot& slot : slots) {
    const uintptr_t key = slot.key.load();
    if (key == 0) continue;
    if (count < capacity) {
      out[count] = {reinterpret_cast<const void*>(key / 2), (key & 1) != 0, slot.calls.load()};
    }
    count++;
  }
  return count;
}

}  // namespace hawser::hooks

// --- The functions themselves.

#define HAWSER_HOOK __attribute__((visibility("default"), noinline))
#define HAWSER_CALLER __builtin_return_address(0)

using hawser::hooks::checked;
using hawser::hooks::note;

extern "C" {

HAWSER_HOOK void* malloc(size_t bytes) {
  note(HAWSER_CALLER);
  return __libc_malloc(bytes);
}

HAWSER_HOOK void* calloc(size_t count, size_t bytes) {
  note(HAWSER_CALLER);
  return __libc_calloc(count, bytes);
}

HAWSER_HOOK void* realloc(void* pointer, size_t bytes) {
  note(HAWSER_CALLER);
  return __libc_realloc(pointer, bytes);
}

HAWSER_HOOK void* memalign(size_t alignment, size_t bytes) {
  note(HAWSER_CALLER);
  return __libc_memalign(alignment, bytes);
}

HAWSER_HOOK void* aligned_alloc(size_t alignment, size_t bytes) {
  note(HAWSER_CALLER);
  return __libc_memalign(alignment, bytes);
}

HAWSER_HOOK int posix_memalign(void** out, size_t alignment, size_t bytes) {
  note(HAWSER_CALLER);
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* pointer = __libc_memalign(alignment, bytes);
  if (pointer == nullptr) return ENOMEM;
  *out = pointer;
  return 0;
}

}  // extern "C"

// Without these the caller would be the standard library.

HAWSER_HOOK void* operator new(size_t bytes) {
  note(HAWSER_CALLER);
  return checked(__libc_malloc(bytes));
}

HAWSER_HOOK void* operator new[](size_t bytes) {
  note(HAWSER_CALLER);
  return checked(__libc_malloc(bytes));
}

HAWSER_HOOK void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  note(HAWSER_CALLER);
  return __libc_malloc(bytes);
}

HAWSER_HOOK void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  note(HAWSER_CALLER);
  return __libc_malloc(bytes);
}

HAWSER_HOOK void* operator new(size_t bytes, std::align_val_t alignment) {
  note(HAWSER_CALLER);
  return checked(__libc_memalign(static_cast<size_t>(alignment), bytes));
}

HAWSER_HOOK void* operator new[](size_t bytes, std::align_val_t alignment) {
  note(HAWSER_CALLER);
  return checked(__libc_memalign(static_cast<size_t>(alignment), bytes));
}

HAWSER_HOOK void operator delete(void* pointer) noexcept { std::free(pointer); }
HAWSER_HOOK void operator delete[](void* pointer) noexcept { std::free(pointer); }
HAWSER_HOOK void operator delete(void* pointer, size_t) noexcept { std::free(pointer); }
HAWSER_HOOK void operator delete[](void* pointer, size_t) noexcept { std::free(pointer); }
HAWSER_HOOK void operator delete(void* pointer, std::align_val_t) noexcept { std::free(pointer); }
HAWSER_HOOK void operator delete[](void* pointer, std::align_val_t) noexcept { std::free(pointer); }
HAWSER_HOOK void operator delete(void* pointer, size_t, std::align_val_t) noexcept {
  std::free(pointer);
}
HAWSER_HOOK void operator delete[](void* pointer, size_t, std::align_val_t) noexcept {
  std::free(pointer);
}
