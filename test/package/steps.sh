# Sourced by what runs in the clean root. Expects `set -eu`, and /trial with the packages first.deb and next.deb, the
# program gvdemo and the configuration, and busybox.

say() { printf '%s\n' "-- $*"; }
fail() {
  printf '%s\n' "package trial: $*" >&2
  exit 1
}

# must_end STATUS WHAT COMMAND...: fails with WHAT, and what the command printed. That lies in /tmp/said while the
# next one runs.
must_end() {
  expected=$1
  what=$2
  shift 2
  status=0
  "$@" >/tmp/saying 2>&1 || status=$?
  [ "$status" -eq "$expected" ] || {
    cat /tmp/saying >&2
    fail "$what: $* ended with $status, not $expected"
  }
  mv /tmp/saying /tmp/said
}

# must WHAT COMMAND...
must() { must_end 0 "$@"; }

# within SECONDS WHAT COMMAND...: it succeeds some time.
within() {
  rest=$(($1 * 10))
  what=$2
  shift 2
  until "$@" >/tmp/saying 2>&1; do
    rest=$((rest - 1))
    [ "$rest" -gt 0 ] || {
      cat /tmp/saying >&2
      fail "$what: $*"
    }
    sleep 0.1
  done
}

get() { timeout 5 busybox wget -q -O - "http://127.0.0.1:8080$1"; }
answers() { get /; }
not() { ! "$@"; }

# The daemon's process, as a path below /proc.
daemon() {
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe") in */gracevisord*) echo "$exe" ;; esac
  done
}

# Processes of ours: programs of the package and of the trial's app.
ours() {
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe") in
      */gracevisord* | */gv-keeper* | */gv-exec* | */gvdemo*) echo "$exe" ;;
    esac
  done
}
none_of_ours() { [ -z "$(ours)" ]; }

# Requests, one after the other, until /tmp/load exists no more; what failed is in /tmp/load.failed.
begin_load() {
  : >/tmp/load
  : >/tmp/load.failed
  (
    count=0
    while [ -e /tmp/load ]; do
      answers >/tmp/load.answer 2>&1 || cat /tmp/load.answer >>/tmp/load.failed
      count=$((count + 1))
    done
    echo "$count" >/tmp/load.count
  ) &
  load=$!
}
end_load() {
  rm /tmp/load
  wait "$load"
  [ ! -s /tmp/load.failed ] || fail "requests failed during $1: $(cat /tmp/load.failed)"
  [ "$(cat /tmp/load.count)" -gt 10 ] || fail "only $(cat /tmp/load.count) requests during $1"
}

# upgrade_under_load PID-COMMAND: to next.deb; the keeper stays.
upgrade_under_load() {
  keeper=$($1)
  old=$(daemon)
  begin_load
  must "upgrade" dpkg -i /trial/next.deb
  mv /tmp/said /tmp/upgrade.out
  end_load "the upgrade of the package"
  [ "$($1)" = "$keeper" ] || fail "after the upgrade the keeper is $($1), it was $keeper"
  must "the keeper lives after the upgrade" kill -0 "$keeper"
  must "nothing to warn of after an upgrade" not grep -q warning /tmp/upgrade.out
  within 10 "the old daemon ends" test ! -e "$old"
  must "there is another daemon" test -n "$(daemon)"
}
