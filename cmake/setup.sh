# Sourced by apps/quickstart.sh and test/run.sh, from the repository's root: installs what is missing on a
# Debian 12 machine and builds. Sets nothing but functions, all named gv_...; expects `set -eu`.

# Package lists, one per purpose.
GV_PACKAGES_build="g++ cmake ninja-build ccache pkgconf libuv1-dev libspdlog-dev nlohmann-json3-dev \
libtomlplusplus-dev libcli11-dev node-llhttp zlib1g-dev"
GV_PACKAGES_load="wrk curl"
GV_PACKAGES_test="doctest-dev python3 python3-jsonschema curl wrk git nodejs"
# Servers and clients as users have them. Only nginx, and haproxy below, bring a service: uwsgi-core and
# apache2-utils do not.
GV_PACKAGES_real="gunicorn puma ruby-rack nodejs uwsgi-core uwsgi-plugin-python3 nginx curl wrk nghttp2-client \
apache2-utils python3-websockets"
# What gracevisord is compared with, and what loads them.
GV_PACKAGES_bench="python3 wrk nginx haproxy"
# Other supervisors, for bench/output.sh; PM2 is npm's, in a folder under build/.
GV_PACKAGES_supervisors="python3 wrk supervisor"
GV_PACKAGES_npm="npm"
GV_PM2=7.0.4
# Debian's package, and what tries it in a clean root.
GV_PACKAGES_package="dpkg-dev file gzip"
GV_PACKAGES_try="mmdebstrap systemd-container iproute2 lintian shellcheck"
GV_PACKAGES_check="clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev"
# A machine with cgroups of version 2: test/vm/run.sh.
GV_PACKAGES_vm="qemu-system-x86 busybox-static cpio"
# Without these it only takes longer: no reason to give up where nothing can be installed.
GV_PACKAGES_optional="ccache"

gv_say() { printf '%s\n' "== $*"; }
gv_fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

gv_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# gv_need PURPOSE...: installs the packages of these purposes that are not there. Does not touch apt when all are.
gv_need() {
  gv_missing=
  for gv_purpose in "$@"; do
    eval "gv_list=\$GV_PACKAGES_$gv_purpose"
    for gv_package in $gv_list; do
      gv_installed "$gv_package" || gv_missing="$gv_missing $gv_package"
    done
  done
  [ -n "$gv_missing" ] || return 0
  gv_root=
  gv_refusal=
  if ! command -v apt-get >/dev/null; then
    gv_refusal="no apt-get here; needed:"
  elif [ "$(id -u)" -ne 0 ]; then
    gv_root=sudo
    command -v sudo >/dev/null || gv_refusal="needs root or sudo to install:"
  fi
  if [ -n "$gv_refusal" ]; then
    gv_required=
    for gv_package in $gv_missing; do
      case " $GV_PACKAGES_optional " in
        *" $gv_package "*) ;;
        *) gv_required="$gv_required $gv_package" ;;
      esac
    done
    [ -z "$gv_required" ] || gv_fail "$gv_refusal$gv_required"
    gv_say "going on without:$gv_missing"
    return 0
  fi
  gv_say "installing:$gv_missing"
  $gv_root apt-get update -qq
  # shellcheck disable=SC2086 # a list of words
  $gv_root sh -euc "$GV_INSTALL" gv_install $gv_missing
}

# gv_need_pm2: that version of PM2 in build/pm2; nothing of it is started.
gv_need_pm2() {
  gv_pm2=build/pm2/node_modules/pm2/package.json
  if [ -f "$gv_pm2" ] && grep -q "\"version\": \"$GV_PM2\"" "$gv_pm2"; then return 0; fi
  command -v npm >/dev/null || gv_need npm
  gv_say "installing pm2 $GV_PM2 into build/pm2"
  mkdir -p build/pm2
  npm install --prefix build/pm2 --silent --no-audit --no-fund --no-update-notifier "pm2@$GV_PM2"
}

# Installs its arguments. nginx, haproxy and supervisor, which tests and benchmarks start themselves, would be services from then on:
# they are not started now (policy-rc.d has the say; one that the machine has stays as it is) and not at the next boot.
GV_INSTALL='
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }
services=
for package in "$@"; do
  case $package in
    nginx | haproxy | supervisor) services="$services $package" ;;
  esac
done
if [ -z "$services" ]; then
  install "$@"
  exit
fi
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap "rm -f $policy" EXIT
  trap "exit 130" INT TERM
  printf "#!/bin/sh\nexit 101\n" >"$policy"
  chmod 755 "$policy"
fi
install "$@"
for service in $services; do
  update-rc.d "$service" disable
done
'

# gv_configure NAME [OPTIONS...]: build/NAME from cmake/NAME.cmake.
gv_configure() {
  gv_name=$1
  shift
  mkdir -p build
  cmake -C "cmake/$gv_name.cmake" -S . -B "build/$gv_name" -G Ninja "$@" >"build/$gv_name.configure.log" 2>&1 || {
    cat "build/$gv_name.configure.log" >&2
    gv_fail "cannot configure build/$gv_name"
  }
}

# gv_build NAME [TARGETS...]: shows every 25th step and whatever is not a step.
gv_build() {
  gv_name=$1
  shift
  {
    gv_status=0
    ninja -C "build/$gv_name" "$@" 2>&1 || gv_status=$?
    echo "gv_status $gv_status"
  } | awk '
    $1 == "gv_status" { status = $2; next }
    /^\[[0-9]+\/[0-9]+\]/ { last = $0; if (++steps % 25) next; last = "" }
    { print; fflush() }
    END { if (last != "") print last; exit status }'
}
