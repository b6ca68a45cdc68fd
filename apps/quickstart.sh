#!/bin/sh
# gracevisor in one command: installs what is missing, builds it, starts it with a demo app, and deploys three times
# under load. Stays in the foreground until Ctrl-C; with --exit it ends by itself.
set -eu

case "${1:-}" in
  "") stay=1 ;;
  --exit) stay= ;;
  *)
    echo "usage: sh apps/quickstart.sh [--exit]" >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")/.."
. cmake/setup.sh

url=http://127.0.0.1:8080/
demo=build/demo
bin=build/release/apps
daemon_pid=
wrk_pid=

gvctl() { "$bin/gvctl/gvctl" --socket "$demo/run/gracevisor.sock" "$@"; }

# Whatever ends this script ends the daemon, which stops its apps.
clean_up() {
  trap - EXIT INT TERM
  [ -z "$wrk_pid" ] || kill "$wrk_pid" 2>/dev/null || true
  [ -z "$daemon_pid" ] || kill -TERM "$daemon_pid" 2>/dev/null || true
  [ -z "$daemon_pid" ] || wait "$daemon_pid" || true
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT
trap 'clean_up; exit 143' TERM

gv_need build load
gv_say "building into build/release"
gv_configure release -DBUILD_TESTING=OFF
gv_build release gracevisord gvctl gvdemo

gv_say "starting gracevisord on configs/demo.toml (2 instances of gvdemo)"
mkdir -p "$demo"
echo "VERSION=v1" >"$demo/demo.env"
# A session of its own, so that Ctrl-C reaches this script alone and the daemon drains.
setsid "$bin/gracevisord/gracevisord" -c configs/demo.toml --fresh >"$demo/gracevisord.log" 2>&1 &
daemon_pid=$!
tries=0
until curl -fs "$url" >/dev/null 2>&1; do
  tries=$((tries + 1))
  if ! kill -0 "$daemon_pid" 2>/dev/null || [ "$tries" -gt 100 ]; then
    cat "$demo/gracevisord.log" >&2
    gv_fail "gracevisord does not serve $url"
  fi
  sleep 0.1
done
gvctl status

gv_say "load: wrk with 32 connections on $url, while v2, v3 and v4 are deployed"
wrk -t1 -c32 -d120s --timeout 10s "$url" >"$demo/wrk.txt" 2>&1 &
wrk_pid=$!
for version in v2 v3 v4; do
  echo "VERSION=$version" >"$demo/demo.env"
  echo "\$ gvctl deploy demo"
  gvctl deploy demo
  curl -fs "$url"
done
kill -INT "$wrk_pid" # ends the load and prints its figures
wait "$wrk_pid" || gv_fail "wrk failed: $(cat "$demo/wrk.txt")"
wrk_pid=

cat "$demo/wrk.txt"
requests=$(awk '/ requests in / { print $1 }' "$demo/wrk.txt")
# "Non-2xx or 3xx responses: 3", "Socket errors: connect 1, read 0, write 0, timeout 0"
failed=$(awk '
  /Non-2xx or 3xx responses:/ { sum += $NF }
  /Socket errors:/ { gsub(",", ""); sum += $4 + $6 + $8 + $10 }
  END { print sum + 0 }' "$demo/wrk.txt")
[ "${requests:-0}" -gt 0 ] || gv_fail "wrk sent no request"

gv_say "wrk: $requests requests over 3 deploys, $failed failed"
[ "$failed" -eq 0 ] || gv_fail "$failed requests failed; the daemon's log is $demo/gracevisord.log"

if [ -z "$stay" ]; then
  clean_up
  gv_say "done: 0 failed"
  exit 0
fi
cat <<END

The demo app serves $url; try in another terminal:
  curl $url
  alias gvctl='$PWD/$bin/gvctl/gvctl --socket $PWD/$demo/run/gracevisor.sock'
  gvctl status
  echo VERSION=v5 > $PWD/$demo/demo.env; gvctl deploy demo
  curl -X POST ${url}crash; gvctl status        # an instance dies and comes back
  gvctl logs -f demo
The configuration is configs/demo.toml, the daemon's log $demo/gracevisord.log. Ctrl-C ends it all.

0 failed
END
status=0
wait "$daemon_pid" || status=$?
daemon_pid=
gv_fail "gracevisord ended with $status: $(tail -n 5 "$demo/gracevisord.log")"
