#!/bin/sh
# Builds the Debian package and tries it in clean roots made from the machine's Debian mirror: its life under
# /etc/init.d, under a booted systemd, as process 1, and the init scripts with a daemon that stands in.
#   sh test/package/try.sh [BUILD]   BUILD is a configured build; without: build/release if there is one, else build/dev
# Needs root, and the right to make namespaces; where these lack it skips (77), with GV_NO_SKIP=1 it fails.
set -eu

cd "$(dirname "$0")/../.."
. cmake/setup.sh

skip() {
  [ -z "${GV_NO_SKIP:-}" ] || gv_fail "package: cannot be tried: $*"
  gv_say "package: SKIPPED: $*"
  exit 77
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
unshare --mount --pid --net --uts --ipc --fork true 2>/dev/null || skip "cannot make namespaces here"
gv_need package try

build=${1:-}
if [ -z "$build" ]; then
  build=build/dev
  [ ! -f build/release/build.ninja ] || build=build/release
fi

work=$PWD/build/package
machine=gv-trial-$$
umount_all() {
  awk -v under="$work/" 'index($2, under) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount -l
}
clear_work() {
  umount_all
  rm -rf --one-file-system "$work"
  find /sys/fs/cgroup -depth -type d -path "*/$machine*" -exec rmdir {} + 2>/dev/null || true
}
clear_work
trap clear_work EXIT
trap 'exit 130' INT TERM
mkdir -p "$work/trial"

gv_say "package: from $build"
cmake --build "$build" --target package >"$work/build.log" 2>&1 || {
  cat "$work/build.log" >&2
  gv_fail "package: cannot be built"
}
(cd "$build" && cpack -G DEB -R 99.0 -B "$work/next" >>"$work/build.log" 2>&1) || gv_fail "package: cannot be built"
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")
cp "$build/gracevisor_$version-1_$(dpkg --print-architecture).deb" "$work/trial/first.deb"
cp "$work"/next/gracevisor_99.0*.deb "$work/trial/next.deb"

gv_say "package: its scripts, and what lintian says"
for script in configs/debian/preinst configs/debian/postinst configs/debian/prerm configs/debian/postrm \
  configs/gracevisor.init configs/gracevisor.openrc test/package/*.sh; do
  shellcheck --shell=sh --exclude=SC1091 "$script"
done
lintian --allow-root --fail-on error,warning "$work/trial/first.deb"

gv_say "package: a clean root"
cp "$build/apps/gvdemo/gvdemo" test/package/*.sh test/package/*.toml configs/gracevisor.init \
  configs/gracevisor.openrc "$work/trial/"
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016 # apt's own variable
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $suite" "Component: main" | head -n 1)
depends=$(dpkg-deb -f "$work/trial/first.deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g')
# Nothing of it has to survive a power failure.
mmdebstrap --quiet --variant=minbase --include="$depends,systemd-sysv,busybox" --dpkgopt=force-unsafe-io "$suite" \
  "$work/base" "$mirror"

# root NAME: a copy of it, as $root.
root() {
  root=$work/$1
  cp -a "$work/base" "$root"
  mkdir "$root/trial"
  cp "$work"/trial/* "$root/trial/"
}

# alone SECONDS COMMAND...: as process 1 of namespaces of its own, in $root.
alone() {
  seconds=$1
  shift
  # shellcheck disable=SC2016 # for the other shell
  timeout --kill-after=5 "$seconds" unshare --mount --pid --net --uts --ipc --fork --kill-child sh -euc '
    ip link set lo up
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/run"
    exec chroot "$@"' sh "$root" "$@"
}

gv_say "package: installed, upgraded and removed without systemd"
root plain
alone 120 sh /trial/inside.sh

gv_say "package: as process 1"
root first
alone 60 sh /trial/first.sh
[ ! -e "$root/trial/failed" ] || gv_fail "package: the trial as process 1 failed"

gv_say "package: the scripts of init systems, with a daemon that stands in"
root=$work/openrc
cp -a "$work/base" "$root"
mkdir "$root/trial" "$work/openrc.debs"
cp "$work"/trial/* "$root/trial/"
(cd "$work/openrc.debs" && apt-get download -qq -o APT::Sandbox::User=root openrc librc1 libeinfo1 insserv)
cp "$work"/openrc.debs/*.deb "$root/trial/"
alone 60 sh /trial/init.sh

gv_say "package: under systemd"
root booted
cat >"$root/etc/systemd/system/trial.service" <<'EOF'
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh /trial/boot.sh
ExecStartPost=/bin/touch /trial/passed
StandardOutput=file:/trial/output
StandardError=inherit
EOF
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../trial.service "$root/etc/systemd/system/multi-user.target.wants/"
# In control groups of its own: those that systemd-nspawn makes have fixed names, and another trial may be under way.
set --
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  [ ! -f "$hierarchy/cgroup.procs" ] || set -- "$@" "$hierarchy/$machine"
done
# shellcheck disable=SC2016 # for the other shell
timeout --kill-after=5 180 sh -euc '
  directory=$1
  machine=$2
  shift 2
  for group; do
    mkdir "$group"
    echo $$ >"$group/cgroup.procs"
  done
  exec systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --link-journal=no --console=pipe \
    --machine="$machine" --directory="$directory"' sh "$root" "$machine" "$@" </dev/null >"$work/boot.log" 2>&1 || true
[ ! -f "$root/trial/output" ] || cat "$root/trial/output"
[ -f "$root/trial/passed" ] || {
  cat "$work/boot.log" >&2
  journalctl --no-pager --directory="$root/var/log/journal" 2>/dev/null | tail -n 50 >&2
  gv_fail "package: the trial under systemd failed"
}
gv_say "package: all of it passed"
