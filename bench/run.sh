#!/bin/sh
# gracevisord beside nginx, HAProxy and a floor: installs what is missing, builds, measures, and prints one table, which
# is in build/bench, too, as text, Markdown, JSON and a plot.
#   sh bench/run.sh                  all of it, about 25 minutes, on a machine that does nothing else
#   sh bench/run.sh --short          all of it within 2 minutes once it is built
#   sh bench/run.sh --before BUILD   another release build of ours beside this one, within 1 %, about 7 minutes
#   sh bench/run.sh --help           parts of it, other rounds
set -eu

cd "$(dirname "$0")/.."
. cmake/setup.sh

case " $* " in
  *" --help "* | *" -h "*) ;;
  *)
    gv_need build bench
    gv_say "building build/release"
    gv_configure release -DBUILD_TESTING=ON
    gv_build release gracevisord gvctl gvdemo floor backend pin steady bench_route_lookup
    ;;
esac

PYTHONPATH=bench
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
exec python3 -m compare "$@"
