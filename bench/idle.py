#!/usr/bin/env python3
"""What a daemon with many apps costs: its boot, and then while nothing happens.

usage: bench/idle.py [--build build/release] [--apps 500] [--kind worker|web] [--seconds 60]

--kind worker: each app is a program that sleeps, without an endpoint. web: each is a web app, with a health check every
5 s.

Printed: the time from the daemon's start until the last app is healthy, the CPU time of daemon and keeper until then,
their CPU use while nothing happens (in percent of one CPU), and their resident memory.
"""
import argparse
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from compare.processes import cpu_us, daemons, memory

PATIENCE = 300  # s
CALM = 15  # s, in which the last looks at what is new end


def configuration(folder, options):
    text = f'[daemon]\nruntime_dir = "{folder}/run"\nstate_dir = "{folder}/state"\nlog.file = "{folder}/log"\n'
    if options.kind == "web":
        text += f'[listen.public]\naddress = "unix:{folder}/public"\n'
    for i in range(options.apps):
        if options.kind == "web":
            text += (f'[app.a{i}]\ncommand = "{pathlib.Path(options.build).resolve()}/apps/gvdemo/gvdemo"\n'
                     f'listen = "public"\nroute = "a{i}.example.com"\nhealth = "/health"\n')
        else:
            text += f'[app.a{i}]\ncommand = "sleep 100000"\nendpoint = "none"\ndeploy.settle = "1ms"\n'
    return text


def wait_started(log, process, count):
    end = time.monotonic() + PATIENCE
    while not log.exists() or log.read_bytes().count(b" started app=") < count:
        if time.monotonic() > end or process.poll() is not None:
            sys.exit(f"fewer than {count} apps are healthy:\n{log.read_text()[-2000:] if log.exists() else ''}")
        time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--apps", type=int, default=500)
    parser.add_argument("--kind", choices=("worker", "web"), default="worker")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "gracevisor.toml"
        file.write_text(configuration(folder, options))
        began = time.monotonic()
        keeper = subprocess.Popen([f"{options.build}/apps/gracevisord/gracevisord", "-c", file],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_started(pathlib.Path(folder) / "log", keeper, options.apps)
            took = time.monotonic() - began
            pids = daemons(keeper.pid)
            booted = cpu_us(pids) / 1e6
            time.sleep(CALM)
            before, since = {pid: cpu_us([pid]) for pid in pids}, time.monotonic()
            time.sleep(options.seconds)
            passed = time.monotonic() - since
            print(f"{options.apps} apps ({options.kind}): boot {took:.2f} s, CPU {booted:.2f} s")
            for pid in pids:
                name = "keeper" if pid == keeper.pid else "daemon"
                print(f"{name}: {100 * (cpu_us([pid]) - before[pid]) / 1e6 / passed:.3f} % of one CPU while idle,"
                      f" {memory([pid])[0] / 2**20:.1f} MiB")
        finally:
            keeper.send_signal(signal.SIGTERM)
            keeper.wait(PATIENCE)


main()
