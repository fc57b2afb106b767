#!/usr/bin/env bash
# tsan.sh BUILD REPORT: builds what several threads touch with ThreadSanitizer, and runs it. A data race, a lock taken in
# the wrong order or a thread that is not joined ends the run; nothing is suppressed.
set -euo pipefail
build=$1 report=$2

cmake -S native -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_C_COMPILER=clang-16 \
  -DHAWSER_SANITIZE=thread >"$build.log" || {
  cat "$build.log"
  exit 1
}
cmake --build "$build" --target hawser_threaded -j "$(nproc)" -- --quiet
# Address space layout randomization with more bits than ThreadSanitizer of clang 16 can take: without it.
TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 HAWSER_STRESS_MS="${HAWSER_STRESS_MS:-10000}" \
  setarch --addr-no-randomize "$build/hawser_threaded" --gtest_brief=1 --gtest_output="json:$report"
