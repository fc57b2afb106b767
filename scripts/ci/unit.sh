#!/usr/bin/env bash
# unit.sh BUILD REPORT [cmake options]: builds the native unit tests and the simulator, and runs both; what has to do
# with cryptography a second time, on the OpenSSL that prebuilt addons have linked in.
set -euo pipefail
build=$1 report=$2
shift 2

node scripts/linked-openssl.mjs "$build.openssl.o"
cmake -S native -B "$build" -G Ninja -DHAWSER_LINKED_OPENSSL="$(realpath "$build.openssl.o")" "$@" >"$build.log" || {
  cat "$build.log"
  exit 1
}
cmake --build "$build" --target hawser_unit hawser_sim -j "$(nproc)" -- --quiet
# What replaces malloc is only there without a sanitizer, which replaces it itself.
if ! grep -q "^HAWSER_SANITIZE:[A-Z]*=..*" "$build/CMakeCache.txt"; then
  cmake --build "$build" --target hawser_allocations -j "$(nproc)" -- --quiet
  "$build/hawser_allocations" --gtest_brief=1 --gtest_output="json:${report%.json}-allocations.json"
fi
# The seeds beside the tests: each uses one processor.
"$build/hawser_sim" --seeds "${HAWSER_SEEDS:-2000}" >"$build.seeds.log" 2>&1 &
seeds=$!
"$build/hawser_unit" --gtest_brief=1 --gtest_filter="${HAWSER_UNIT_FILTER:-*}" --gtest_output="json:$report"
# What a test fetches from the libcrypto of the process is then nobody else's, and looks leaked.
ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" HAWSER_OPENSSL=linked \
  "$build/hawser_unit" --gtest_brief=1 --gtest_filter='*Crypto*:*Noise*'
wait "$seeds" || {
  cat "$build.seeds.log"
  exit 1
}
tail -n 1 "$build.seeds.log"
