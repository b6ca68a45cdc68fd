#!/bin/sh
# In a clean root that systemd has booted: the life of the package's unit. try.sh runs it.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive
. /trial/steps.sh

unit=gracevisor.service
value() { systemctl show --value --property "$1" $unit; }
main_pid() { value MainPID; }
is() { [ "$(value "$1")" = "$2" ]; }
other_main_pid() { [ "$(main_pid)" -ne 0 ] && [ "$(main_pid)" -ne "$1" ]; }

say "install: enabled, started, and ready"
must "install" dpkg -i /trial/first.deb
must "nothing to warn of" not grep warning /tmp/said
must "enabled" systemctl is-enabled --quiet $unit
must "active" systemctl is-active --quiet $unit
must "unit" systemd-analyze verify --man=no $unit
must "its lines are all known" test ! -s /tmp/said
must "the main process" grep -qx gv-keeper "/proc/$(main_pid)/comm"
must "no port is open that nobody asked for" not grep -q ' 0A ' /proc/net/tcp /proc/net/tcp6

say "reload returns, and a bad file fails it"
cp /trial/gracevisor.toml /etc/gracevisor/
must "reload" systemctl reload $unit
within 10 "the app answers" answers
within 10 "all runs that should" gvctl status --exit-code
must "deploy" gvctl deploy demo
echo "nonsense =" >>/etc/gracevisor/gracevisor.toml
must_end 1 "a reload of bad files" systemctl reload $unit
must "it still serves" answers

say "a start with bad files is not tried again"
must "stop" systemctl stop $unit
must_end 1 "a start" systemctl start $unit
must "failed" is ActiveState failed
must "with the daemon's status" is ExecMainStatus 2
sleep 2
must "not tried again" is NRestarts 0
cp /trial/gracevisor.toml /etc/gracevisor/

say "an app is not believed by systemd"
must "start" systemctl start $unit
within 10 "the app answers" answers
keeper=$(main_pid)
app=$(pidof gvdemo | cut -d ' ' -f 1)
must "the app's cgroup is the unit's" grep -q $unit "/proc/$app/cgroup"
cat >>/etc/gracevisor/gracevisor.toml <<'EOF'
[app.liar]
command = "sh -c 'systemd-notify STATUS=lies MAINPID=$$; touch /tmp/lied; exec sleep 1000'"
endpoint = "none"
environment = { NOTIFY_SOCKET = "/run/systemd/notify" }
EOF
must "reload" systemctl reload $unit
within 10 "it tried" test -e /tmp/lied
must "the main process is the same" is MainPID "$keeper"
must "what it said is not shown" not is StatusText lies

say "requests end before their apps are signalled"
# Unlike gvdemo, this one dies of SIGTERM whatever it is doing.
mkdir -p /srv/cgi-bin
cat >/srv/cgi-bin/slow <<'EOF'
#!/bin/sh
printf '\r\n'
sleep 2
echo whole
EOF
chmod 755 /srv/cgi-bin/slow
cat >>/etc/gracevisor/gracevisor.toml <<'EOF'
[app.abrupt]
command = "busybox httpd -f -p 127.0.0.1:{port} -h /srv"
user = "nobody"
listen = "public"
route = "abrupt.test"
health = "tcp"
EOF
within 20 "reload, after the one before" systemctl reload $unit
get_slowly() { timeout 10 busybox wget -q -O - --header "Host: abrupt.test" "http://127.0.0.1:8080/cgi-bin/slow"; }
within 10 "the app answers" get_slowly
get_slowly >/tmp/slow 2>&1 &
slow=$!
sleep 0.5
must "stop" systemctl stop $unit
wait $slow || fail "the request was cut: $(cat /tmp/slow)"
must "the answer is whole" grep -qx whole /tmp/slow
must "all have ended" none_of_ours

say "a killed keeper takes its apps along and is started again"
must "start" systemctl start $unit
within 10 "the app answers" answers
keeper=$(main_pid)
kill -KILL "$keeper"
within 10 "another keeper" other_main_pid "$keeper"
within 10 "the app answers" answers
must "one pair of instances" test "$(pidof gvdemo | wc -w)" -eq 2

say "upgrade to a higher version"
upgrade_under_load main_pid
must "active" systemctl is-active --quiet $unit

say "gvctl shutdown is the end"
must "shutdown" gvctl shutdown
within 10 "inactive" is ActiveState inactive
sleep 2
must "not started again" is ActiveState inactive
must "an upgrade" dpkg -i /trial/next.deb
must "it starts nothing that was stopped" is ActiveState inactive

say "with the sandbox"
mkdir -p /etc/systemd/system/$unit.d
cp /usr/share/doc/gracevisor/examples/gracevisor-sandbox.conf /etc/systemd/system/$unit.d/sandbox.conf
must "daemon-reload" systemctl daemon-reload
must "unit" systemd-analyze verify --man=no $unit
must "its lines are all known" test ! -s /tmp/said
must "start" systemctl start $unit
within 10 "the app answers" answers
must "deploy" gvctl deploy demo
app=$(pidof gvdemo | cut -d ' ' -f 1)
must "/usr is read-only for apps" grep -q ' /usr [^ ]* ro,' "/proc/$app/mounts"
# Bit 16 is CAP_SYS_MODULE.
bounds=$(awk '$1 == "CapBnd:" { print $2 }' "/proc/$app/status")
must "no app loads modules" test $((0x$bounds >> 16 & 1)) -eq 0
systemd-analyze security --no-pager $unit | tail -n 1
rm -r /etc/systemd/system/$unit.d
must "daemon-reload" systemctl daemon-reload

say "remove, install again, purge"
must "remove" dpkg --remove gracevisor
must "all have ended" none_of_ours
must "install again" dpkg -i /trial/first.deb
within 10 "it is started again, with its app" answers
must "purge" dpkg --purge gracevisor
must "all have ended" none_of_ours
for left in /etc/gracevisor /var/lib/gracevisor /run/gracevisor /etc/systemd/system/multi-user.target.wants/$unit \
  /etc/systemd/system/$unit; do
  must "the purge left nothing" not ls -d "$left"
done
say "under systemd: all of it passed"
