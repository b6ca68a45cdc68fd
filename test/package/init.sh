#!/bin/sh
# In a clean root, as process 1 of namespaces of its own: the sysv and the OpenRC script, with programs that behave like
# gracevisord --daemonize and gvctl.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive
. /trial/steps.sh

mkdir -p /usr/libexec/gracevisor /etc/gracevisor
: >/etc/gracevisor/gracevisor.toml
# Ends at as many SIGTERMs as /tmp/terms says. It has no children, which would bear its name until they run something
# else.
cat >/usr/libexec/gracevisor/gv-keeper <<'EOF'
#!/usr/bin/perl
use strict;
use warnings;
use IO::Handle;
open(my $terms, '<', '/tmp/terms') or die "/tmp/terms: $!";
my $rest = <$terms>;
open(my $heard, '>>', '/tmp/heard') or die "/tmp/heard: $!";
$heard->autoflush(1);
$SIG{TERM} = sub { $rest--; print $heard "TERM\n"; };
print $heard "started\n";
open(my $ready, '>', '/tmp/ready') or die "/tmp/ready: $!";
select(undef, undef, undef, 0.1) while $rest > 0;
EOF
# -c FILE --daemonize --pid-file FILE, or --check -c FILE.
cat >/usr/sbin/gracevisord <<'EOF'
#!/bin/sh
case $* in
  "--check -c /etc/gracevisor/gracevisor.toml") exit "$(cat /tmp/check)" ;;
  "-c /etc/gracevisor/gracevisor.toml --daemonize --pid-file /run/gracevisord.pid") ;;
  *) echo "unexpected: $*"; exit 99 ;;
esac
[ "$(cat /tmp/check)" -eq 0 ] || exit "$(cat /tmp/check)"
rm -f /tmp/ready
/usr/libexec/gracevisor/gv-keeper </dev/null >/tmp/keeper.said 2>&1 &
echo $! >/run/gracevisord.pid
until [ -e /tmp/ready ]; do
  kill -0 $! || { cat /tmp/keeper.said; exit 98; }
  sleep 0.05
done
EOF
cat >/usr/bin/gvctl <<'EOF'
#!/bin/sh
[ "$*" = "-c /etc/gracevisor/gracevisor.toml reload --no-wait" ] || exit 99
exit "$(cat /tmp/check)"
EOF
chmod 755 /usr/libexec/gracevisor/gv-keeper /usr/sbin/gracevisord /usr/bin/gvctl

keepers() { pidof -x gv-keeper | wc -w; }
heard() { [ "$(tr '\n' ' ' </tmp/heard)" = "$1" ]; }

# try SERVICE...: the words that start the script.
try() {
  : >/tmp/heard
  echo 0 >/tmp/check
  echo 1 >/tmp/terms
  must "start" "$@" start
  must "it runs" test "$(keepers)" -eq 1
  must "status" "$@" status
  must "start of what runs" "$@" start
  must "one runs" test "$(keepers)" -eq 1
  must "reload" "$@" reload
  echo 2 >/tmp/check
  must_not "a reload of bad files" "$@" reload
  must_not "a restart with bad files" "$@" restart
  must "it was not stopped" heard "started "
  echo 0 >/tmp/check
  must "restart" "$@" restart
  must "it was stopped once" heard "started TERM started "
  must "stop" "$@" stop
  must "it has ended" test "$(keepers)" -eq 0
  must "no pid file stays" test ! -e /run/gracevisord.pid
  must_not "status when stopped" "$@" status
  must "stop of what does not run" "$@" stop
  echo 2 >/tmp/check
  must_not "a start with bad files" "$@" start
  echo 0 >/tmp/check

  # The number of another process, in a file that a crash left.
  sleep 100 &
  echo $! >/run/gracevisord.pid
  must_not "status with a stranger's pid" "$@" status
  must "start beside a stranger's pid" "$@" start
  must "it runs" test "$(keepers)" -eq 1
  must "the stranger lives" kill -0 $!
  must "stop" "$@" stop
  must "the stranger lives" kill -0 $!
  kill $!
}
must_not() {
  what=$1
  shift
  ! "$@" >/tmp/saying 2>&1 || fail "$what: $* ended with 0"
}

say "sysv"
install -m 755 /trial/gracevisor.init /etc/init.d/gracevisor
try /etc/init.d/gracevisor
must_end 2 "no such command" /etc/init.d/gracevisor dance
say "sysv: a stop that needs a second SIGTERM"
echo STOP=TERM/1/TERM/5 >/etc/default/gracevisor
: >/tmp/heard
echo 2 >/tmp/terms
must "start" /etc/init.d/gracevisor start
must "stop" /etc/init.d/gracevisor stop
must "two were enough" heard "started TERM TERM "
echo 3 >/tmp/terms
must "start" /etc/init.d/gracevisor start
must_not "a stop that does not end it" /etc/init.d/gracevisor stop
must "it was not killed" test "$(keepers)" -eq 1
must "its pid is still known" test -e /run/gracevisord.pid
must "stop" /etc/init.d/gracevisor stop
rm /etc/default/gracevisor

say "OpenRC"
must "OpenRC" dpkg -i /trial/openrc_*.deb /trial/librc1_*.deb /trial/libeinfo1_*.deb /trial/insserv_*.deb
install -m 755 /trial/gracevisor.openrc /etc/init.d/gracevisor
# OpenRC's own, which Debian's package of it leaves out.
printf '#!/sbin/openrc-run\nstart() { :; }\n' >/etc/init.d/localmount
chmod 755 /etc/init.d/localmount
mkdir -p /run/openrc
: >/run/openrc/softlevel
must "rc-update" rc-update add gracevisor default
try rc-service gracevisor
must "checkconfig" rc-service gracevisor checkconfig
say "OpenRC: a stop that needs a second SIGTERM"
mkdir -p /etc/conf.d
echo 'retry="TERM/1/TERM/5"' >/etc/conf.d/gracevisor
: >/tmp/heard
echo 2 >/tmp/terms
must "start" rc-service gracevisor start
must "stop" rc-service gracevisor stop
must "two were enough" heard "started TERM TERM "
say "the scripts of init systems: all of it passed"
