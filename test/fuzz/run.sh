#!/bin/sh
# Fuzzes every target for a while, two at a time; new inputs go to a temporary folder beside the seeds.
#   sh test/fuzz/run.sh [SECONDS] [TARGET...]    60 s each; targets as corpus/ names them: http_head, proxy_exchange
# Prints per target the executions, the coverage (cov: edges, ft: features) and the finds; of a find the end of the log,
# which has the input in base64. Inputs of finds stay under build/fuzz/finds; exit 1 when there is one.
# A find by hand: build/fuzz/test/fuzz/fuzz_NAME build/fuzz/finds/FILE
set -eu

seconds=${1:-60}
[ $# -eq 0 ] || shift
case "$seconds" in
  "" | *[!0-9]*)
    echo "usage: sh test/fuzz/run.sh [SECONDS] [TARGET...]" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/../.."
. cmake/setup.sh

gv_need build check
werror=OFF
[ -z "${CI:-}" ] || werror=ON
gv_configure fuzz -DGV_WERROR=$werror
gv_build fuzz fuzz_targets

[ $# -gt 0 ] || set -- $(cd test/fuzz && ls ./*_fuzz.cpp | sed 's|^\./||; s|_fuzz\.cpp$||')
finds=build/fuzz/finds
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$finds"

# What a target needs beside the defaults.
options_of() {
  case "$1" in
    # Every byte is a step: long scripts from the beginning, and time for slow machines.
    proxy_exchange) printf '%s' "-len_control=0 -max_len=300 -timeout=30 -dict=test/fuzz/http.dict" ;;
    proxy_*) printf '%s' "-dict=test/fuzz/http.dict" ;;
    *) [ ! -f "test/fuzz/${1%%_*}.dict" ] || printf '%s' "-dict=test/fuzz/${1%%_*}.dict" ;;
  esac
}

# fuzz TARGET: its output is kept in build/fuzz/TARGET.log.
fuzz() {
  mkdir -p "$work/$1" "test/fuzz/corpus/$1"
  status=0
  # shellcheck disable=SC2046 # a list of words
  "build/fuzz/test/fuzz/fuzz_$1" -timeout=5 -rss_limit_mb=1024 $(options_of "$1") -max_total_time="$seconds" \
    -print_final_stats=1 -artifact_prefix="$finds/$1-" "$work/$1" "test/fuzz/corpus/$1" \
    >"build/fuzz/$1.log" 2>&1 || status=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$1.log")
  coverage=$(grep -ao 'cov: [0-9]* ft: [0-9]*' "build/fuzz/$1.log" | tail -n 1)
  found="no finds"
  [ "$status" -eq 0 ] || found="A FIND, see build/fuzz/$1.log"
  printf '%-16s %10s executions, %s, %s\n' "$1" "${executions:-no}" "${coverage:-no coverage}" "$found"
  echo "$status" >"$work/$1.status"
}

while [ $# -gt 0 ]; do
  fuzz "$1" &
  if [ $# -gt 1 ]; then
    fuzz "$2" &
    shift
  fi
  shift
  wait
done
failed=0
for status in "$work"/*.status; do
  [ "$(cat "$status")" -ne 0 ] || continue
  target=$(basename "$status" .status)
  failed=1
  printf '%s\n' "== $target found: "
  tail -n 120 "build/fuzz/$target.log"
done
exit "$failed"
