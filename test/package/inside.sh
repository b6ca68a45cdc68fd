#!/bin/sh
# In a clean root without a running systemd, as process 1 of namespaces of its own: the life of the package under
# /etc/init.d. try.sh runs it.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive
. /trial/steps.sh

# What dpkg itself and its triggers write.
files() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /trial -o -path /tmp -o -path /var/lib/dpkg \
    -o -path /var/log -o -path /var/cache \) -prune -o -print | sort
  find /run | sort
}
keeper_pid() { cat /run/gracevisord.pid; }
runs() { /etc/init.d/gracevisor status; }

# invoke-rc.d asks for it, and starts what this runlevel has.
rm -f /sbin/runlevel
printf '#!/bin/sh\necho N 2\n' >/sbin/runlevel
chmod 755 /sbin/runlevel
files >/tmp/before

say "a policy that forbids starts"
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
must "install" dpkg -i /trial/first.deb
must "nothing was started" none_of_ours
must "purge" dpkg --purge gracevisor
rm /usr/sbin/policy-rc.d

say "install"
must "install" dpkg -i /trial/first.deb
must "nothing to warn of" not grep warning /tmp/said
must "status" runs
must "the configuration as installed" gracevisord --check
must "no port is open that nobody asked for" not grep -q ' 0A ' /proc/net/tcp /proc/net/tcp6
must "both are the administrator's to change" test "$(dpkg-query -W -f '${Conffiles}' gracevisor | grep -c /etc/)" -eq 2
for page in man1/gvctl.1 man5/gracevisor.toml.5 man8/gracevisord.8; do
  must "manual page" gzip -t "/usr/share/man/$page.gz"
done

say "an app, a reload, a deploy"
cp /trial/gracevisor.toml /etc/gracevisor/
must "check" gracevisord --check -c /etc/gracevisor/gracevisor.toml
must "reload" /etc/init.d/gracevisor reload
within 10 "the app answers" answers
within 10 "all runs that should" gvctl status --exit-code
begin_load
must "deploy" gvctl deploy demo
end_load "a deploy"
echo "nonsense =" >>/etc/gracevisor/gracevisor.toml
must_end 2 "a reload of bad files" /etc/init.d/gracevisor reload
must_end 2 "a restart with bad files" /etc/init.d/gracevisor restart
must "it still serves" answers
cp /trial/gracevisor.toml /etc/gracevisor/

say "upgrade to a higher version"
upgrade_under_load keeper_pid
must "start of what runs" /etc/init.d/gracevisor start

say "restart, stop"
must "restart" /etc/init.d/gracevisor restart
within 10 "the app answers" answers
must "stop" /etc/init.d/gracevisor stop
must "all have ended" none_of_ours
must_end 3 "status when stopped" runs
must "stop of what does not run" /etc/init.d/gracevisor stop
must "an upgrade" dpkg -i /trial/next.deb
must "it starts nothing that was stopped" none_of_ours

say "remove, install again"
must "start" /etc/init.d/gracevisor start
must "remove" dpkg --remove gracevisor
must "all have ended" none_of_ours
must "the configuration stays" cmp /trial/gracevisor.toml /etc/gracevisor/gracevisor.toml
must "the state stays" test -d /var/lib/gracevisor
must "programs are gone" test ! -e /usr/bin/gvctl
must "install again" dpkg -i /trial/first.deb
within 10 "it is started again, with its app" answers

say "remove without a configuration, install again"
must "remove" dpkg --remove gracevisor
rm /etc/gracevisor/gracevisor.toml
must "install again" dpkg -i /trial/first.deb
must "it says so" grep -q "nothing was started" /tmp/said
must "nothing was started" none_of_ours

say "purge"
mkdir -p /etc/gracevisor/apps.d
: >/etc/gracevisor/apps.d/own.toml
must "purge" dpkg --purge gracevisor
files >/tmp/after
diff /tmp/before /tmp/after >&2 || fail "the purge left or took files"
say "without systemd: all of it passed"
