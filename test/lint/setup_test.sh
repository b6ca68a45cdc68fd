#!/bin/sh
# What cmake/setup.sh does where nothing can be installed. Installs nothing.
#   sh test/lint/setup_test.sh    from anywhere; silent when all is well
set -eu

cd "$(dirname "$0")/../.."
. cmake/setup.sh

bin=$(mktemp -d)
trap '/bin/rm -rf "$bin"' EXIT
absent=
gv_installed() { case " $absent " in *" $1 "*) return 1 ;; esac; }
id() { echo 1000; }
fail() {
  echo "setup_test: $*" >&2
  exit 1
}

# expect STATUS TEXT: gv_need build, with $absent missing and the PATH without sudo.
expect() {
  status=0
  said=$(PATH=$bin; gv_need build 2>&1) || status=$?
  [ "$status" -eq "$1" ] || fail "absent '$absent': ended with $status: $said"
  [ "$said" = "$2" ] || fail "absent '$absent': said: $said"
}

expect 0 ""
absent=ccache
expect 0 "== going on without: ccache"
absent="ccache cmake"
expect 1 "no apt-get here; needed: cmake"

printf '#!/bin/sh\nexit 1\n' >"$bin/apt-get"
chmod 755 "$bin/apt-get"
absent=ccache
expect 0 "== going on without: ccache"
absent="ccache cmake"
expect 1 "needs root or sudo to install: cmake"
