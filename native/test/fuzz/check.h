#pragma once

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

// What a fuzz target claims. Unlike assert() it is there in every build, and abort() makes
// libFuzzer keep the input.
//   FUZZ_CHECK(a == b, "a %d, b %d", a, b);
#define FUZZ_CHECK(condition, ...) \
  ((condition) ? void(0) : hawser::fuzz::fail(__FILE__, __LINE__, #condition, __VA_ARGS__))

namespace hawser::fuzz {

[[noreturn, gnu::format(printf, 4, 5)]] inline void fail(const char* file, int line,
                                                         const char* condition, const char* format,
                                                         ...) {
  std::fprintf(stderr, "%s:%d: not so: %s: ", file, line, condition);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::abort();
}

}  // namespace hawser::fuzz
