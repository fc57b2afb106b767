#!/usr/bin/env bash
# sanitize-jest.sh BUILD REPORT: builds the addon with AddressSanitizer and UBSan, and runs jest on it.
#
# Node itself is not instrumented, so the sanitizer's library is loaded first, and libstdc++ with it, without which
# it does not find __cxa_throw. Leaks are looked for in the unit tests: Node's own exit leaves memory behind. The
# variable HAWSER_SANITIZER tells tests that measure memory, time or processes what they run under. Left out are the
# packaging tests and those of the benchmarks, which have addons of their own, the claims' tests, which take long and run
# what test/testing runs as well, and those of the lab, which need root.
set -euo pipefail
build=$1 report=$2

npx --no-install cmake-js build -d native -O "$build" --config None -p "$(nproc)" \
  --cc gcc --cxx g++ --CDCMAKE_CXX_FLAGS_NONE='-O1 -g1' \
  --CDHAWSER_SANITIZE=address,undefined --CDHAWSER_TESTS=OFF -l warn -T hawser
node scripts/ensure.mjs types

addon=$build/None/hawser.node
preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libstdc++.so)"

export HAWSER_ADDON=$addon HAWSER_SANITIZER=address,undefined
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=32 UBSAN_OPTIONS=print_stacktrace=1
node scripts/ci/jest.mjs "$report" \
  env LD_PRELOAD="$preload" node node_modules/jest/bin/jest.js --config jest.config.cjs \
  --testPathIgnorePatterns '/test/package/' '/test/claims/' '/test/lab/' '/test/bench/' --testTimeout 120000 \
  --passWithNoTests
