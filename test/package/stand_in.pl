#!/usr/bin/perl
# What gv-keeper is to init systems, for a gracevisord that has none: takes --daemonize and --pid-file, tells the
# service manager when the daemon serves, passes signals on and ends with its status. It is not killed by an app.
use strict;
use warnings;
use IO::Socket::UNIX;
use POSIX qw(:sys_wait_h setsid);

my $real = "/usr/sbin/gracevisord.real";
my ($daemonize, $pid_file, @rest) = (0, undef);
for (my @words = @ARGV; @words;) {
    my $word = shift @words;
    if ($word eq "--daemonize") { $daemonize = 1 }
    elsif ($word eq "--pid-file") { $pid_file = shift @words }
    else { push @rest, $word }
}
exec $real, @ARGV if grep { /^--(check|defaults|help|version|import)$/ } @rest;

# 0 when the daemon serves, else its status.
pipe(my $told, my $tell) or die "pipe: $!";
if ($daemonize) {
    my $pid = fork() // die "fork: $!";
    if ($pid) {
        close $tell;
        my $status = <$told>;
        exit($status // 1);
    }
    setsid();
    open STDIN, "<", "/dev/null" or die;
    open STDOUT, ">", "/dev/null" or die;
    open STDERR, ">", "/trial/stand_in.log" or die;
}
$0 = "gv-keeper";
my $daemon = fork() // die "fork: $!";
if (!$daemon) {
    setpgrp(0, 0);
    delete $ENV{NOTIFY_SOCKET};
    delete $ENV{WATCHDOG_USEC};
    close $tell;
    exec $real, @rest or die "$real: $!";
}
for my $name (qw(TERM INT QUIT HUP USR1 USR2)) {
    $SIG{$name} = sub { kill $name, $daemon };
}

sub notify {
    my $path = $ENV{NOTIFY_SOCKET} // return;
    $path =~ s/^@/\0/;
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM(), Peer => $path) or die "notify: $!";
    $socket->send($_[0]);
}

my ($serves, $status) = (0, undef);
while (!defined $status) {
    while ((my $ended = waitpid(-1, WNOHANG)) > 0) {
        $status = WIFEXITED($?) ? WEXITSTATUS($?) : 1 if $ended == $daemon;
    }
    last if defined $status;
    if (!$serves && system("gvctl version >/dev/null 2>&1") == 0) {
        $serves = 1;
        if ($pid_file) {
            open my $file, ">", $pid_file or die "$pid_file: $!";
            print $file "$$\n";
            close $file;
        }
        notify("READY=1");
        syswrite $tell, "0\n";
    }
    notify("WATCHDOG=1");
    select undef, undef, undef, $serves ? 0.2 : 0.05;
}
syswrite $tell, "$status\n" unless $serves;
unlink $pid_file if $pid_file && $serves;
exit $status;
