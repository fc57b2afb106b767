#!/bin/sh
# Builds the generator of the test vectors and compares what it writes with native/wire/vectors/.
#   scripts/vectors.sh           compare; exit code 1 when they differ
#   scripts/vectors.sh --write   replace the files
# Uses $CXX, or g++.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
vectors="$root/native/wire/vectors"
files="numbers.json packets.json frames.json"

case "${1-}" in
  '') write=no ;;
  --write) write=yes ;;
  *)
    echo "usage: scripts/vectors.sh [--write]" >&2
    exit 2
    ;;
esac

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
"${CXX:-g++}" -std=c++20 -O1 -fno-exceptions -fno-rtti -Wall -Wextra -Wpedantic -Werror -I"$root/native" \
  "$vectors"/*.cc "$root"/native/wire/*.cc -o "$build/generate"
mkdir "$build/out"
"$build/generate" "$build/out"

status=0
for file in $files; do
  if [ "$write" = yes ]; then
    cp "$build/out/$file" "$vectors/$file"
  elif ! diff -u "$vectors/$file" "$build/out/$file"; then
    status=1
  fi
done
if [ "$status" -ne 0 ]; then
  echo "The vectors do not match the code: scripts/vectors.sh --write replaces them." >&2
fi
exit "$status"
