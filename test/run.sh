#!/bin/sh
# Installs what is missing, builds, and runs the tests; ends with ctest's summary.
#   sh test/run.sh           the tests (g++), with servers and clients as users have them: within ten minutes on two CPUs
#   sh test/run.sh --quick   the same without those servers and clients
#   sh test/run.sh --all     what CI runs: clang-format, the same, then the Debian package in clean roots (as root), then
#                            the tests again under ASan+UBSan and TSan (clang), clang-tidy, and half a minute of fuzzing
#                            per target
set -eu

case "${1:-}" in
  "") extent=default ;;
  --quick) extent=quick ;;
  --all) extent=all ;;
  *)
    echo "usage: sh test/run.sh [--quick | --all]" >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")/.."
. cmake/setup.sh

began=$(date +%s)
step() { gv_say "$* ($(($(date +%s) - began)) s)"; }

# run_tests BUILD LOG CTEST-OPTIONS...: the output is kept in build/LOG.ctest.log as well.
run_tests() {
  tests_of=$1
  tests_log=$2
  shift 2
  status=0
  {
    tests_status=0
    (cd "build/$tests_of" && ctest -j2 --output-on-failure "$@") 2>&1 || tests_status=$?
    echo "$tests_status" >"build/$tests_log.ctest.status"
  } | tee "build/$tests_log.ctest.log"
  status=$(cat "build/$tests_log.ctest.status")
  [ "$status" -eq 0 ] || exit "$status"
}

# begin NAME COMMAND...: goes on below what follows. Tests wait most of the time, and it takes what CPUs they leave.
begin() {
  below_name=$1
  shift
  nice -n 19 "$@" >"build/$below_name.log" 2>&1 &
  below=$!
}
# begin_build NAME [TARGETS...]
begin_build() {
  gv_configure "$1" -DGV_WERROR=$werror
  build_of=$1
  shift
  begin "$build_of.build" ninja -C "build/$build_of" "$@"
}
# The rest of it, with all CPUs.
end() {
  renice -n 0 -p "$below" >/dev/null 2>&1 || true
  wait "$below" || {
    tail -n 200 "build/$below_name.log"
    gv_fail "$below_name has failed"
  }
  below=
}
below=
trap '[ -z "$below" ] || kill "$below" 2>/dev/null || true' EXIT

sources() { git ls-files --cached --others --exclude-standard 'lib/*' 'apps/*' 'test/*' 'bench/*' | grep "$1"; }

werror=OFF
# In CI the sources of a folder are compiled together, as the sanitizer builds have them, and nothing for debuggers. The
# fuzz build compiles each of lib/ by itself, and finds the one that includes too little.
together=
if [ -n "${CI:-}" ]; then
  werror=ON
  together="-DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=10 -DCMAKE_CXX_FLAGS_CHECKED=-O0"
fi
case $extent in
  quick) gv_need build test ;;
  default) gv_need build test real ;;
  all) gv_need build test real check package try ;;
esac

if [ "$extent" = all ]; then
  step "format: clang-format"
  sources '\.\(cpp\|h\)$' | xargs clang-format-19 --dry-run -Werror
fi

step "dev: building with g++"
# shellcheck disable=SC2086 # a list of words
gv_configure dev -DGV_WERROR=$werror $together
gv_build dev
[ "$extent" != all ] || begin_build asan
step "dev: running the tests"
run_tests dev dev -LE 'soak|real'
[ "$extent" != quick ] || exit 0

# Their packages were installed above, so that none has a reason to be skipped.
step "dev: running the tests with real servers and clients"
GV_NO_SKIP=1
export GV_NO_SKIP
run_tests dev real -L real
[ "$extent" = all ] || exit 0

# Half a minute where the mirror is near.
step "package: built, installed, upgraded and removed in clean roots"
timeout --kill-after=30 600 sh test/package/try.sh

# Races and memory faults: the same tests, built by clang with sanitizers.
for sanitizer in asan tsan; do
  step "$sanitizer: building with clang"
  end
  case $sanitizer in
    asan) begin_build tsan ;;
    tsan)
      gv_configure tidy
      begin tidy python3 test/lint/tidy.py build/tidy
      ;;
  esac
  step "$sanitizer: running the tests"
  run_tests "$sanitizer" "$sanitizer" -L 'unit|loop|stress|integration'
done

step "tidy: clang-tidy"
end
step "fuzz: building with clang, half a minute for each target"
sh test/fuzz/run.sh 30

step "all of it passed; the dev tests' summaries:"
grep -h -A 1000 'tests passed' build/dev.ctest.log build/real.ctest.log
