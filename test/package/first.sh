#!/bin/sh
# In a clean root, as process 1: the package is installed, then this becomes what a container's ENTRYPOINT starts. A
# child looks on and ends it.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive
. /trial/steps.sh

printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
must "install" dpkg -i /trial/first.deb
cp /trial/gracevisor.toml /etc/gracevisor/
(
  within 10 "the app answers" answers
  must "the keeper is process 1" grep -qx gv-keeper /proc/1/comm
  # An orphan: its parent has ended before it, so process 1 gets it and has to reap it.
  sh -c 'sh -c "echo \$\$ >/tmp/orphan; exec sleep 0.2" &'
  within 5 "an orphan" test -s /tmp/orphan
  within 5 "an orphan is reaped" test ! -e "/proc/$(cat /tmp/orphan)"
  get "/slow?ms=1000" >/tmp/slow 2>&1 &
  slow=$!
  sleep 0.3
  kill -TERM 1
  wait $slow || fail "the request was cut: $(cat /tmp/slow)"
) || {
  : >/trial/failed
  kill -TERM 1
} &
exec /usr/sbin/gracevisord -c /etc/gracevisor/gracevisor.toml
