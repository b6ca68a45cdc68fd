#!/bin/sh
# What apps write, through gracevisord, supervisord and PM2 into files: installs what is missing, builds, measures.
#   sh bench/output.sh            about 4 minutes, on a machine that does nothing else
#   sh bench/output.sh --help     parts of it
set -eu

cd "$(dirname "$0")/.."
. cmake/setup.sh

case " $* " in
  *" --help "* | *" -h "*) ;;
  *)
    gv_need build supervisors
    gv_need_pm2
    gv_say "building build/release"
    gv_configure release -DBUILD_TESTING=ON
    gv_build release gracevisord gvctl gvdemo gv-exec
    ;;
esac
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
exec python3 bench/output.py "$@"
