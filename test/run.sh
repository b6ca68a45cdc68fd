#!/bin/sh
# Installs what is missing, builds, and runs every test; ends with ctest's summary.
#   sh test/run.sh           the tests (g++), then again under ASan+UBSan and TSan (clang), then a minute of fuzzing
#                            per target, then format and tidy
#   sh test/run.sh --quick   the tests alone
set -eu

case "${1:-}" in
  "") quick= ;;
  --quick) quick=1 ;;
  *)
    echo "usage: sh test/run.sh [--quick]" >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")/.."
. cmake/setup.sh

began=$(date +%s)
step() { gv_say "$* ($(($(date +%s) - began)) s)"; }

# run_tests NAME CTEST-OPTIONS...: the output is kept in build/NAME.ctest.log as well.
run_tests() {
  tests_of=$1
  shift
  status=0
  {
    tests_status=0
    (cd "build/$tests_of" && ctest -j2 --output-on-failure "$@") 2>&1 || tests_status=$?
    echo "$tests_status" >"build/$tests_of.ctest.status"
  } | tee "build/$tests_of.ctest.log"
  status=$(cat "build/$tests_of.ctest.status")
  [ "$status" -eq 0 ] || exit "$status"
}

sources() { git ls-files --cached --others --exclude-standard 'lib/*' 'apps/*' 'test/*' 'bench/*' | grep "$1"; }

werror=OFF
[ -z "${CI:-}" ] || werror=ON
if [ -n "$quick" ]; then gv_need build test; else gv_need build test check; fi

step "dev: building with g++"
gv_configure dev -DGV_WERROR=$werror
gv_build dev
step "dev: running the tests"
run_tests dev -LE soak
[ -z "$quick" ] || exit 0

# Races and memory faults: the same tests, built by clang with sanitizers.
for sanitizer in asan tsan; do
  step "$sanitizer: building with clang"
  gv_configure "$sanitizer" -DGV_WERROR=$werror
  gv_build "$sanitizer"
  labels='unit|loop|stress'
  [ "$sanitizer" = tsan ] || labels="$labels|integration"
  step "$sanitizer: running the tests"
  run_tests "$sanitizer" -L "$labels"
done

step "fuzz: building with clang, a minute for each target"
sh test/fuzz/run.sh 60

step "format: clang-format"
sources '\.\(cpp\|h\)$' | xargs clang-format-19 --dry-run -Werror
step "tidy: clang-tidy"
gv_configure tidy
python3 test/lint/tidy.py build/tidy

step "all of it passed; the dev tests' summary:"
grep -A 1000 'tests passed' build/dev.ctest.log
