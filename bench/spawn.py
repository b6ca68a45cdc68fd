#!/usr/bin/env python3
"""What a process costs the daemon from its start to its end: apps whose program ends at once, all of them at the
daemon's start. Beside it another build, such as one before a change, in turn, round after round.

usage: bench/spawn.py [--build build/release] [--before BUILD] [--apps 200] [--rounds 10]

Printed for each build, per process: the time from the daemon's start until the last exit is logged, and the CPU time
of the daemon and its keeper, as the median, the least and the most of all rounds; then the ratio of the medians. And
what the keeper holds in memory at the end (resident, kB).
"""
import argparse
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

PATIENCE = 60  # s
TICK = os.sysconf("SC_CLK_TCK")


def configuration(folder, apps):
    head = f'[daemon]\nruntime_dir = "{folder}/run"\nstate_dir = "{folder}/state"\nlog.file = "{folder}/log"\n'
    return head + "".join(
        f'[app.a{i}]\ncommand = "/bin/true"\nendpoint = "none"\nrestart.policy = "never"\ndeploy.settle = "1ms"\n'
        for i in range(apps))


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in text.read_text().split()] if text.exists() else []


def is_daemon(pid):
    try:
        return "gracevisord" in os.readlink(f"/proc/{pid}/exe")
    except OSError:  # it has ended
        return False


def cpu_of(pid):
    """Seconds of the process alone, without its children."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def run(build, apps):
    """Time and CPU per process in microseconds, and the keeper's memory in kB, if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "gracevisor.toml"
        file.write_text(configuration(folder, apps))
        log = pathlib.Path(folder) / "log"
        began = time.monotonic()
        daemon = subprocess.Popen([f"{build}/apps/gracevisord/gracevisord", "-c", file], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not log.exists() or log.read_bytes().count(b" exit app=") < apps:
                if time.monotonic() - began > PATIENCE or daemon.poll() is not None:
                    sys.exit(f"{build}: not all of {apps} processes have ended:\n{log.read_text()[-2000:]}")
                time.sleep(0.002)
            took = time.monotonic() - began
            # Without a keeper the daemon is the process itself, and has no child left.
            below = [pid for pid in children(daemon.pid) if is_daemon(pid)]
            cpu = sum(cpu_of(pid) for pid in [daemon.pid, *below])
            keeper = resident(daemon.pid) if below else None
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(PATIENCE)
    return took / apps * 1e6, cpu / apps * 1e6, keeper


def told(name, values):
    return f"{name} {statistics.median(values):8.0f} us ({min(values):.0f} to {max(values):.0f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--before")
    parser.add_argument("--apps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    builds = [options.build] + ([options.before] if options.before else [])
    results = {build: [] for build in builds}
    for _ in range(options.rounds):
        for build in builds:
            results[build].append(run(build, options.apps))
    for build, rounds in results.items():
        time_of, cpu_of_all, memory = zip(*rounds)
        print(f"{build}: {told('time', time_of)}, {told('CPU', cpu_of_all)}"
              + (f", keeper {max(memory)} kB" if memory[0] else ""))
    if options.before:
        for index, name in ((0, "time"), (1, "CPU")):
            ratios = [ours[index] / theirs[index]
                      for ours, theirs in zip(results[options.build], results[options.before])]
            print(f"{name}, a ratio for each round: median {statistics.median(ratios):.3f}"
                  f" ({min(ratios):.3f} to {max(ratios):.3f})")


main()
