// Local definitions of what the headers of newer C++ and C libraries refer to and older ones do not
// have (see abi_floor.h). They stay inside the addon: nothing else in the process sees them.

#include <cstdlib>

#if defined(__GLIBCXX__)

namespace std {

// GLIBCXX_3.4.29, called by std::allocator when a size overflows. There are no exceptions here to
// throw.
[[noreturn]] __attribute__((visibility("hidden"))) void __throw_bad_array_new_length() {  // NOLINT
  abort();
}

}  // namespace std

#endif

#if defined(__GLIBC__)

// GLIBC_2.32, read by std::shared_ptr to leave out atomic operations while there is one thread. In
// Node there never is.
extern "C" {
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;  // NOLINT
}

#endif
