#!/bin/sh
# Builds the release configuration and runs every micro-benchmark in it: one table, in nanoseconds.
#   sh bench/micro.sh
set -eu
cd "$(dirname "$0")/.."
[ -f build/release/build.ninja ] || cmake -C cmake/release.cmake -S . -B build/release -G Ninja >&2
ninja -C build/release micro
