// sim --seeds 100 [--from 0] [--stop]
//   runs seeds one after the other; fails if any fails. --stop: ends at the first that does.
// sim --seed 17 [--trace] [--reduce LIST]
//   runs one seed, twice, and compares the two runs; with a reduction, only what that leaves of it.
// sim --shrink 17
//   finds the least of a failing seed that still fails.
// sim --lossless
//   one transfer, both ways, over a path that loses nothing.
// --watchdog 20: a run that takes longer than so many seconds hangs, and fails.
#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/lossless.h"
#include "sim/scenario.h"

namespace {

using hawser::sim::Reduction;
using hawser::sim::run_seed;
using hawser::sim::SeedResult;

int usage() {
  std::fputs(
      "usage: sim [--seeds COUNT] [--from SEED] [--stop] | --lossless | --shrink SEED\n"
      "         | --seed SEED [--trace] [--reduce LIST]\n"
      "       and [--watchdog SECONDS]\n",
      stderr);
  return 2;
}

bool read_number(const char* text, uint64_t& value) {
  char* end = nullptr;
  value = std::strtoull(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == 0;
}

// Of a run, in seconds; 0: none.
unsigned watchdog = 0;
uint64_t seed_running = 0;

void on_alarm(int) {
  // Only what a signal handler may call.
  char text[] = "seed 00000000000000000000 hangs\n";
  uint64_t left = seed_running;
  for (char* digit = text + 24; digit != text + 4; left /= 10) {
    *digit-- = static_cast<char>('0' + left % 10);
  }
  (void)!write(STDOUT_FILENO, text, sizeof text - 1);
  _exit(1);
}

void guard(uint64_t seed) {
  seed_running = seed;
  if (watchdog == 0) return;
  std::signal(SIGALRM, on_alarm);
  alarm(watchdog);
}

int run_lossless_once() {
  guard(0);
  const std::string failure = hawser::sim::run_lossless(1);
  std::printf("lossless: %s\n", failure.empty() ? "passed" : failure.c_str());
  return failure.empty() ? 0 : 1;
}

int run_one(uint64_t seed, bool trace, const Reduction& reduction) {
  guard(seed);
  const SeedResult first = run_seed(seed, trace, reduction);
  const SeedResult second = run_seed(seed, false, reduction);
  std::printf("seed %" PRIu64 ": %s\n", seed,
              first.failure.empty() ? "passed" : first.failure.c_str());
  std::printf("%" PRIu64 " channels, %" PRIu64 " messages, %" PRIu64
              " datagrams, %.3f s, hash %016" PRIx64 "\n",
              first.channels, first.messages, first.datagrams,
              static_cast<double>(first.simulated) / 1e9, first.hash);
  if (first.hash != second.hash) {
    std::printf("the second run differs: hash %016" PRIx64 "\n", second.hash);
    return 1;
  }
  return first.failure.empty() ? 0 : 1;
}

int run_shrink(uint64_t seed) {
  if (run_seed(seed, false).failure.empty()) {
    std::printf("seed %" PRIu64 " passes\n", seed);
    return 1;
  }
  const Reduction least = hawser::sim::shrink(seed);
  std::printf("%s\nleft:", run_seed(seed, false, least).failure.c_str());
  for (int i = 0; i < hawser::sim::kFeatures; i++) {
    if ((least.features >> i & 1) != 0) std::printf(" %s;", hawser::sim::kFeatureNames[i]);
  }
  std::printf(" channels %" PRIx32 ", impairments %" PRIx32 ", messages / %" PRIu32
              "\nsim --seed %" PRIu64 " --trace --reduce %s\n",
              least.channels, least.impairments, least.divisor, seed, least.text().c_str());
  return 0;
}

int run_many(uint64_t from, uint64_t count, bool stop) {
  uint64_t failed = 0;
  uint64_t messages = 0;
  uint64_t datagrams = 0;
  uint64_t dead_paths = 0;
  uint64_t moves = 0;
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t seed = from; seed < from + count; seed++) {
    guard(seed);
    const SeedResult result = run_seed(seed, false);
    messages += result.messages;
    datagrams += result.datagrams;
    dead_paths += result.dead_paths;
    moves += result.moves;
    if (result.failure.empty()) continue;
    failed++;
    std::printf("%s\n", result.failure.c_str());
    std::fflush(stdout);
    if (stop) return 1;
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::printf("%" PRIu64 " seeds, %" PRIu64 " failed, %" PRIu64 " messages, %" PRIu64
              " datagrams, %" PRIu64 " moves, %" PRIu64 " dead paths, %.1f seeds/s\n",
              count, failed, messages, datagrams, moves, dead_paths,
              static_cast<double>(count) / elapsed.count());
  // One session that hears nothing for its idle timeout is bad luck. Many are timers that do not
  // run.
  if (count >= 100 && dead_paths > count / 20) {
    std::printf("too many sessions died on paths that were only bad\n");
    return 1;
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t count = 100;
  uint64_t from = 0;
  uint64_t seed = 0;
  uint64_t seconds = 0;
  bool single = false;
  bool trace = false;
  bool shrinks = false;
  Reduction reduction;
  bool stop = false;
  bool lossless = false;
  for (int i = 1; i < argc; i++) {
    uint64_t* value = nullptr;
    if (std::strcmp(argv[i], "--seeds") == 0) value = &count;
    if (std::strcmp(argv[i], "--from") == 0) value = &from;
    if (std::strcmp(argv[i], "--seed") == 0) {
      value = &seed;
      single = true;
    }
    if (std::strcmp(argv[i], "--shrink") == 0) {
      value = &seed;
      shrinks = true;
    }
    if (std::strcmp(argv[i], "--watchdog") == 0) value = &seconds;
    if (std::strcmp(argv[i], "--trace") == 0) {
      trace = true;
    } else if (std::strcmp(argv[i], "--reduce") == 0) {
      if (++i == argc || !Reduction::parse(argv[i], reduction)) return usage();
    } else if (std::strcmp(argv[i], "--stop") == 0) {
      stop = true;
    } else if (std::strcmp(argv[i], "--lossless") == 0) {
      lossless = true;
    } else if (value == nullptr || ++i == argc || !read_number(argv[i], *value)) {
      return usage();
    }
  }
  watchdog = static_cast<unsigned>(seconds);
  if (lossless) return run_lossless_once();
  if (shrinks) return run_shrink(seed);
  return single ? run_one(seed, trace, reduction) : run_many(from, count, stop);
}
