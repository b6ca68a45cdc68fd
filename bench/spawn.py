#!/usr/bin/env python3
"""What a process costs the daemon from its start to its end: apps whose program ends at once. Beside it another build,
such as one before a change, in turn, round after round.

usage: bench/spawn.py [--build build/release] [--before BUILD [--line 'cgroups = false']] [--apps 200 | --again 4]
                      [--rounds 10]

--apps N: N of them, at the daemon's start. The time is that from the daemon's start until the last exit is logged.
--line: the other one has it in its [daemon] table. Both may be the same build.
--again N: one, which is started again and again, each time after 10 ms, for N seconds.

Printed for each build, per process: the time, and the CPU time of the daemon and its keeper, as the median, the least
and the most of all rounds; then the ratios of the rounds. And what the keeper holds in memory at the end (resident, kB).
"""
import argparse
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from compare.processes import command, cpu_us, daemons, memory

PATIENCE = 60  # s


def configuration(folder, line, apps, restart):
    head = f'[daemon]\nruntime_dir = "{folder}/run"\nstate_dir = "{folder}/state"\nlog.file = "{folder}/log"\n'
    return head + line + "\n" + "".join(
        f'[app.a{i}]\ncommand = "/bin/true"\nendpoint = "none"\n{restart}deploy.settle = "1ms"\n' for i in range(apps))


class Daemon:
    """One that runs in a folder of its own, as long as the block lasts."""

    def __init__(self, side, apps, restart):
        (self.build, self.line), self.apps, self.restart = side, apps, restart

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        file = pathlib.Path(self.folder.name) / "gracevisor.toml"
        file.write_text(configuration(self.folder.name, self.line, self.apps, self.restart))
        self.log = pathlib.Path(self.folder.name) / "log"
        self.began = time.monotonic()
        self.process = subprocess.Popen([f"{self.build}/apps/gracevisord/gracevisord", "-c", file],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.folder.cleanup()

    def exits(self):
        return self.log.read_bytes().count(b" exit app=") if self.log.exists() else 0

    def wait_exits(self, count):
        while self.exits() < count:
            if time.monotonic() - self.began > PATIENCE or self.process.poll() is not None:
                sys.exit(f"{self.build}: fewer than {count} processes have ended:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.002)

    def cpu(self):
        """Microseconds."""
        return cpu_us(daemons(self.process.pid))

    def keeper(self):
        """Its memory; None: the daemon of this build has none."""
        return memory([self.process.pid])[0] // 1024 if command(self.process.pid) == "gv-keeper" else None


def run_many(side, apps):
    """Time and CPU per process in microseconds, and the keeper's memory in kB, if there is one."""
    with Daemon(side, apps, 'restart.policy = "never"\n') as daemon:
        daemon.wait_exits(apps)
        took = time.monotonic() - daemon.began
        cpu, keeper = daemon.cpu(), daemon.keeper()
    return took / apps * 1e6, cpu / apps, keeper


def run_again(side, seconds):
    """The same."""
    restart = 'restart.backoff = "10ms"\nrestart.backoff_max = "10ms"\nrestart.max_failures = 0\n'
    with Daemon(side, 1, restart) as daemon:
        daemon.wait_exits(20)
        cpu, exits, began = daemon.cpu(), daemon.exits(), time.monotonic()
        time.sleep(seconds)
        ended = daemon.exits() - exits
        took, cpu, keeper = time.monotonic() - began, daemon.cpu() - cpu, daemon.keeper()
    return took / ended * 1e6, cpu / ended, keeper


def told(name, values):
    return f"{name} {statistics.median(values):8.0f} us ({min(values):.0f} to {max(values):.0f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--before")
    parser.add_argument("--line", default="")
    parser.add_argument("--apps", type=int, default=200)
    parser.add_argument("--again", type=float)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    sides = [(options.build, "")] + ([(options.before, options.line)] if options.before else [])
    results = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side in sides:
            results[side].append(run_again(side, options.again) if options.again else run_many(side, options.apps))
    for side, rounds in results.items():
        times, cpus, kept = zip(*rounds)
        print(f"{' '.join(filter(None, side))}: {told('time', times)}, {told('CPU', cpus)}"
              + (f", keeper {max(kept)} kB" if kept[0] else ""))
    if options.before:
        for index, name in ((0, "time"), (1, "CPU")):
            ratios = [ours[index] / theirs[index] for ours, theirs in zip(*results.values())]
            print(f"{name}, a ratio for each round: median {statistics.median(ratios):.3f}"
                  f" ({min(ratios):.3f} to {max(ratios):.3f})")


main()
