#!/usr/bin/env bash
# Installs the Debian packages that CI uses, if one is missing.
set -euo pipefail

packages=(
  build-essential python3 cmake ninja-build binutils
  clang-16 llvm-16 clang-format-16 clang-tidy-16 libclang-rt-16-dev
  libgtest-dev libssl3 libssl-dev spin procps ca-certificates
  iproute2 iputils-ping ethtool nftables iperf3 util-linux
)

missing=()
for package in "${packages[@]}"; do
  if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
    missing+=("$package")
  fi
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  as_root=()
  if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

node --version
g++ --version | head -n 1
clang++-16 --version | head -n 1
cmake --version | head -n 1
