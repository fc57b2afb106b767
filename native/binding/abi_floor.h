// Keeps the addon loadable on systems older than the one that built it. Force-included (`-include`)
// in every file of the addon on Linux, and in nothing else.
//
// Stated floor: glibc 2.28 and GLIBCXX 3.4.25, which is what Node's own Linux binaries ask for. A
// prebuild must not be the first thing in the process that fails to load, and need not reach
// further back than Node.
//
// When glibc moves a function (dlsym and most of pthread went from their own libraries into libc
// with 2.34) or changes how it reports errors (exp, log, pow with 2.29), it gives it a new symbol
// version and the linker binds to the newest. The old versions stay in every later glibc for good,
// so we name those. A directive for a function that a file does not use has no effect. What has no
// older version (gettid, pthread_cond_clockwait) must not be used at all; scripts/check-floor.mjs
// finds it.
#pragma once

#if defined(__linux__) && defined(__has_include)
#if __has_include(<features.h>)
#include <features.h>
#endif
#endif

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))

#if defined(__x86_64__)
#define HAWSER_BASE_VERSION "GLIBC_2.2.5"
// `version` is where x86-64 has it; arm64 began with glibc 2.17 and has everything older there.
#define HAWSER_PIN(name, version) __asm__(".symver " #name "," #name "@" version)
#else
#define HAWSER_BASE_VERSION "GLIBC_2.17"
#define HAWSER_PIN(name, version) __asm__(".symver " #name "," #name "@GLIBC_2.17")
#endif

#if __GLIBC_PREREQ(2, 29)
HAWSER_PIN(exp, HAWSER_BASE_VERSION);
HAWSER_PIN(exp2, HAWSER_BASE_VERSION);
HAWSER_PIN(log, HAWSER_BASE_VERSION);
HAWSER_PIN(log2, HAWSER_BASE_VERSION);
HAWSER_PIN(pow, HAWSER_BASE_VERSION);
#endif

#if __GLIBC_PREREQ(2, 32)
HAWSER_PIN(pthread_sigmask, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_getaffinity_np, "GLIBC_2.3.4");
#endif

#if __GLIBC_PREREQ(2, 34)
HAWSER_PIN(dladdr, HAWSER_BASE_VERSION);
HAWSER_PIN(dlclose, HAWSER_BASE_VERSION);
HAWSER_PIN(dlerror, HAWSER_BASE_VERSION);
HAWSER_PIN(dlopen, HAWSER_BASE_VERSION);
HAWSER_PIN(dlsym, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_condattr_setclock, "GLIBC_2.3.3");
HAWSER_PIN(pthread_create, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_detach, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_getspecific, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_join, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_key_create, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_key_delete, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_kill, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_mutex_timedlock, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_mutex_trylock, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_mutexattr_destroy, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_mutexattr_init, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_mutexattr_settype, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_once, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_rwlock_rdlock, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_rwlock_unlock, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_rwlock_wrlock, HAWSER_BASE_VERSION);
HAWSER_PIN(pthread_setaffinity_np, "GLIBC_2.3.4");
HAWSER_PIN(pthread_setname_np, "GLIBC_2.12");
HAWSER_PIN(pthread_setspecific, HAWSER_BASE_VERSION);
HAWSER_PIN(sem_destroy, HAWSER_BASE_VERSION);
HAWSER_PIN(sem_init, HAWSER_BASE_VERSION);
HAWSER_PIN(sem_post, HAWSER_BASE_VERSION);
HAWSER_PIN(sem_timedwait, HAWSER_BASE_VERSION);
HAWSER_PIN(sem_trywait, HAWSER_BASE_VERSION);
HAWSER_PIN(sem_wait, HAWSER_BASE_VERSION);
#endif

#undef HAWSER_PIN
#undef HAWSER_BASE_VERSION

#endif
