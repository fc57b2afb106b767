#!/usr/bin/env bash
# unit.sh BUILD REPORT [cmake options]: builds the native unit tests and the simulator, and runs both.
set -euo pipefail
build=$1 report=$2
shift 2

cmake -S native -B "$build" -G Ninja "$@" >"$build.log" || {
  cat "$build.log"
  exit 1
}
cmake --build "$build" --target hawser_unit hawser_sim -j "$(nproc)" -- --quiet
"$build/hawser_unit" --gtest_brief=1 --gtest_output="json:$report"
"$build/hawser_sim" --seeds "${HAWSER_SEEDS:-2000}"
