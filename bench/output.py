#!/usr/bin/env python3
"""Lines per second from apps into files, and lines lost, through gracevisord, supervisord and PM2.

flood   1 and 10 apps write as fast as they can, each for so many seconds
paced   1 and 10 apps write 300,000 lines a second in all: nothing may be lost on a disk that keeps up

A line has 93 bytes. What was sent is what the apps say they wrote; what was received are the lines in the files, when
nothing more comes or the time is over: the difference is lost. Rotation is off everywhere. Beside gracevisord, one
client in four asks its proxy 100 times a second all the while: p99 with the apps writing and without.

usage: bench/output.py [--build build/release] [--pm2 build/pm2] [--seconds 5] [--only gracevisord,supervisord,pm2]

Everything is in a temporary folder under build/bench, so on one disk, and removed. The table is kept in
build/bench/output.txt, the figures in build/bench/output.json. bench/output.sh installs what is needed.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from compare.processes import daemons

PATIENCE = 60  # s, for what comes after the apps have ended
QUIET = 3  # s without a change: nothing more will come
MOST = 1 << 30  # bytes that all apps of one run write at most
PACE = 300_000  # lines per second
SYSTEMS = ["gracevisord", "supervisord", "pm2"]

# Waits for the file "go", writes whole lines until its time is over, and leaves their number in a file.
EMIT = r"""
import os, sys, time
folder, name, seconds, rate, most = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
line = b"x" * 92 + b"\n"
batch = 700 if rate == 0 else max(1, rate // 100)
text = line * batch
open(f"{folder}/ready.{name}", "w").close()
while not os.path.exists(f"{folder}/go"):
    time.sleep(0.01)
sent, began = 0, time.monotonic()
while time.monotonic() - began < seconds and sent * len(line) < most:
    rest = text
    while rest:
        rest = rest[os.write(1, rest):]
    sent += batch
    if rate:
        time.sleep(max(0, began + sent / rate - time.monotonic()))
with open(f"{folder}/sent.{name}.new", "w") as f:
    f.write(str(sent))
os.rename(f"{folder}/sent.{name}.new", f"{folder}/sent.{name}")
"""

PACED_CLIENT = 'function delay() return 40 end\nfunction request() return wrk.format("GET", "/100") end\n'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def gracevisord(where, commands, options):
    port = free_port()
    apps = "".join(f"""
[app.{name}]
command = {json.dumps(command)}
endpoint = "none"
restart.policy = "never"
log = {{ stdout = "{where}/log.{name}", max_size = "1TiB" }}
""" for name, command in commands.items())
    demo = os.path.abspath(f"{options.build}/apps/gvdemo/gvdemo")
    with open(f"{where}/gracevisor.toml", "w", encoding="utf-8") as f:
        f.write(f"""[daemon]
runtime_dir = "{where}/run"
state_dir = "{where}/state"
{apps}
[app.demo]
command = [{json.dumps(demo)}]
listen = "127.0.0.1:{port}"
""")
    program = f"{options.build}/apps/gracevisord/gracevisord"
    with open(f"{where}/stderr", "w", encoding="utf-8") as errors:
        process = subprocess.Popen([program, "-c", f"{where}/gracevisor.toml"], stderr=errors)
    try:
        yield process.pid, port
    finally:
        end(process)


@contextlib.contextmanager
def supervisord(where, commands, _):
    programs = "".join(f"""
[program:{name}]
command={' '.join(command)}
autorestart=false
startsecs=0
redirect_stderr=true
stdout_logfile={where}/log.{name}
stdout_logfile_maxbytes=0
""" for name, command in commands.items())
    with open(f"{where}/supervisord.conf", "w", encoding="utf-8") as f:
        f.write(f"[supervisord]\nnodaemon=true\nlogfile={where}/supervisord.log\npidfile={where}/supervisord.pid\n"
                f"childlogdir={where}\n{programs}")
    process = subprocess.Popen(["supervisord", "-c", f"{where}/supervisord.conf"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        yield process.pid, None
    finally:
        end(process)


@contextlib.contextmanager
def pm2(where, commands, options):
    apps = [{"name": name, "interpreter": "none", "script": command[0], "args": command[1:], "autorestart": False,
             "out_file": f"{where}/log.{name}", "error_file": f"{where}/log.{name}.err", "exec_mode": "fork"}
            for name, command in commands.items()]
    with open(f"{where}/apps.json", "w", encoding="utf-8") as f:
        json.dump({"apps": apps}, f)
    environment = {**os.environ, "PM2_HOME": f"{where}/pm2", "PM2_DISABLE_VERSION_CHECK": "true"}
    program = os.path.abspath(f"{options.pm2}/node_modules/.bin/pm2")

    def run(*arguments):
        subprocess.run([program, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=PATIENCE, check=False)

    try:
        run("start", f"{where}/apps.json")
        with open(f"{where}/pm2/pm2.pid", encoding="ascii") as f:
            pid = int(f.read())
        yield pid, None
    finally:
        run("kill")


def wait(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"output.py: {what} takes longer than {PATIENCE} s")
        time.sleep(0.02)


def cpu_seconds(pid):
    """Of the process; of gv-keeper, with that of the daemon below it."""
    ticks = 0
    for one in daemons(pid):
        with open(f"/proc/{one}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def count_lines(path):
    """Those of the apps: a mark of what was dropped does not end with an x."""
    lines, last = 0, b""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as f:
        while piece := f.read(1 << 20):
            lines += (last + piece).count(b"x\n")
            last = piece[-1:]
    return lines


class Client(threading.Thread):
    """wrk at a pace, for so many seconds; `p99` in milliseconds afterwards."""

    def __init__(self, where, port, seconds):
        super().__init__()
        script = f"{where}/paced.lua"
        with open(script, "w", encoding="utf-8") as f:
            f.write(PACED_CLIENT)
        self.command = ["wrk", "-t1", "-c4", f"-d{seconds}s", "--latency", "-s", script, f"http://127.0.0.1:{port}"]
        self.p99 = None
        self.start()

    def run(self):
        done = subprocess.run(self.command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if match := re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout):
            self.p99 = float(match[1]) * {"us": 0.001, "ms": 1, "s": 1000}[match[2]]


def measure(system, apps, rate, options, scratch):
    where = tempfile.mkdtemp(prefix="output-", dir=scratch)
    try:
        with open(f"{where}/emit.py", "w", encoding="utf-8") as f:
            f.write(EMIT)
        names = [f"e{i}" for i in range(apps)]
        commands = {name: [sys.executable, f"{where}/emit.py", where, name, str(options.seconds),
                           str(rate // apps), str(MOST // apps)] for name in names}
        with globals()[system](where, commands, options) as (pid, port):
            wait(lambda: all(os.path.exists(f"{where}/ready.{name}") for name in names), f"the start of {system}")
            return run(where, names, pid, port, options)
    finally:
        shutil.rmtree(where, ignore_errors=True)


def run(where, names, pid, port, options):
    seconds = int(options.seconds)
    figures = {}
    if port:
        wait(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), "the proxy")
        quiet = Client(where, port, seconds)
        quiet.join()
        figures["p99_quiet_ms"] = quiet.p99
    before = cpu_seconds(pid)
    busy = Client(where, port, seconds) if port else None
    began = time.monotonic()
    with open(f"{where}/go", "w", encoding="ascii"):
        pass
    size = changed = 0
    # Until all have said what they sent and nothing more comes.
    while time.monotonic() - began < options.seconds + PATIENCE:
        time.sleep(0.05)
        now = sum(os.path.getsize(f"{where}/log.{n}") for n in names if os.path.exists(f"{where}/log.{n}"))
        if now != size:
            size, changed = now, time.monotonic()
        told = all(os.path.exists(f"{where}/sent.{name}") for name in names)
        if told and time.monotonic() - max(changed, began) > QUIET:
            break
    figures["cpu_s"] = cpu_seconds(pid) - before
    if busy:
        busy.join()
        figures["p99_busy_ms"] = busy.p99
    sent = 0
    for name in names:
        with contextlib.suppress(FileNotFoundError), open(f"{where}/sent.{name}", encoding="ascii") as f:
            sent += int(f.read())
    received = sum(count_lines(f"{where}/log.{name}") for name in names)
    took = max(changed - began, 0.001)
    return {"sent": sent, "received": received, "lost": sent - received, "lines_per_s": received / took, **figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--pm2", default="build/pm2")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--only", default=",".join(SYSTEMS))
    options = parser.parse_args()
    scratch = "build/bench"
    os.makedirs(scratch, exist_ok=True)
    scratch = os.path.abspath(scratch)
    rows, results = [], []
    head = (f"{'':6} {'apps':>4} {'system':12} {'lines/s':>10} {'sent':>11} {'lost':>10} {'CPU s':>6} "
            f"{'p99 quiet':>10} {'p99 busy':>10}")
    for rate in (0, PACE):
        for apps in (1, 10):
            for system in options.only.split(","):
                result = measure(system, apps, rate, options, scratch)
                results.append({"system": system, "apps": apps, "rate": rate, **result})
                latency = "".join(f" {result[key]:>7.2f} ms" if result.get(key) else f" {'-':>10}"
                                  for key in ("p99_quiet_ms", "p99_busy_ms"))
                rows.append(f"{'paced' if rate else 'flood':6} {apps:4} {system:12} {result['lines_per_s']:10,.0f} "
                            f"{result['sent']:11,} {result['lost']:10,} {result['cpu_s']:6.2f}{latency}")
                print(rows[-1], flush=True)
    with open(f"{scratch}/output.txt", "w", encoding="utf-8") as f:
        f.write("\n".join([head, *rows]) + "\n")
    with open(f"{scratch}/output.json", "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1)
    print("\n".join(["", head, *rows]))


if __name__ == "__main__":
    main()
