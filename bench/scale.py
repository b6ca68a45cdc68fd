#!/usr/bin/env python3
"""How the cost of a request, the start and the memory of the daemon grow with what it has to do.

cost      CPU microseconds of the daemon per request (all its threads, user and system), against
            connections  of the clients, all of them busy, one app
            apps         one instance each, requests spread over their hosts
            hosts        that lead to four apps, requests spread over them
            instances    of one app
start     with that many apps: exec until the first answer through the proxy and until all apps are healthy, the
          daemon's CPU time until then, and its resident memory

usage: bench/scale.py [--build build/release] [--rounds 5] [--seconds 2] [--short] [--only connections,apps,...]

The daemon has CPU 0 and so one worker, wrk and the apps have CPU 1. Every point gets a daemon of its own, in a
temporary folder; the points of a curve are measured in turn, round after round, so that what else happens on the
machine meets them all. Printed: the median, the least and the most of all rounds, and the median's ratio to the
first point's. The table is kept in build/bench/scale.txt, all figures in build/bench/scale.json. Needs wrk.
"""
import argparse
import contextlib
import http.client
import json
import os
import random
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from compare.processes import daemons

CURVES = {
    "connections": [1, 10, 100, 1000, 10000],
    "apps": [1, 10, 100, 1000],
    "hosts": [1, 10, 100, 1000, 10000],
    "instances": [1, 4, 16, 64],
}
SHORT = {"connections": [1, 1000], "apps": [1, 100], "hosts": [1, 10000], "instances": [1, 64]}
APPS_OF_HOSTS = 4
CONNECTIONS = 64  # where they are not what varies
WARM_UP = 1.5  # s
PATIENCE = 120  # s
PORTS = (20000, 29999)  # of the apps

# Every connection walks through all hosts, in an order that has nothing to do with the daemon's.
LUA = """
local requests, at = {}, 0
init = function(args)
  for line in io.lines(args[1]) do requests[#requests + 1] = wrk.format("GET", "/100", {Host = line}) end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
"""


class UnixConnection(http.client.HTTPConnection):
    """`host` is a socket's path."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.host)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """gracevisord on CPU 0 with so many apps, hosts and instances, and its end."""

    def __init__(self, build, apps=1, hosts=1, instances=1):
        self.folder = tempfile.TemporaryDirectory(prefix="gv-scale-")
        where = self.folder.name
        self.hosts = [f"shop-{i}.customers.example.com" for i in range(max(apps, hosts))]
        self.address = ("127.0.0.1", free_port())
        self.apps = apps
        self.instances = apps * instances
        self.socket = os.path.join(where, "run", "gracevisor.sock")
        self.config = os.path.join(where, "gracevisor.toml")
        backend = app_command(build)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"""
[daemon]
runtime_dir = "{where}/run"
state_dir = "{where}/state"
port_range = "{PORTS[0]}-{PORTS[1]}"
log = {{ file = "{where}/daemon.log" }}
[listen.public]
address = "{self.address[0]}:{self.address[1]}"
""")
            for app in range(apps):
                routes = json.dumps(self.hosts[app::apps])
                f.write(f"""
[app.app-{app}]
command = {json.dumps(backend)}
instances = {instances}
listen = "public"
route = {routes}
health = "/health"
""")
        with open(os.path.join(where, "hosts"), "w", encoding="utf-8") as f:
            shuffled = random.Random(1).sample(self.hosts, len(self.hosts))
            f.writelines(host + "\n" for host in shuffled)
        with open(os.path.join(where, "wrk.lua"), "w", encoding="utf-8") as f:
            f.write(LUA)
        program = os.path.join(build, "apps", "gracevisord", "gracevisord")
        self.began = time.monotonic()
        with open(os.path.join(where, "stderr"), "w", encoding="utf-8") as errors:  # a warning per app run by root
            self.process = subprocess.Popen(["taskset", "-c", "0", program, "-c", self.config], stderr=errors)
        os.sched_setaffinity(0, {1})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        children = self.children()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            for pid in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.folder.cleanup()

    def children(self):
        pids = []
        for task in self.tasks():
            with contextlib.suppress(OSError), open(f"{task}/children", encoding="ascii") as f:
                pids += [int(pid) for pid in f.read().split()]
        return pids

    def tasks(self):
        tasks = []
        for pid in daemons(self.process.pid):
            folder = f"/proc/{pid}/task"
            with contextlib.suppress(OSError):
                tasks += [f"{folder}/{task}" for task in os.listdir(folder)]
        return tasks

    def cpu(self):
        """Seconds of all threads so far."""
        total = 0
        for task in self.tasks():
            with open(f"{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
        return total / 1e9

    def resident(self):
        pages = 0
        for pid in daemons(self.process.pid):
            with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                pages += int(f.read().split()[1])
        return pages * resource.getpagesize()

    def status(self):
        with contextlib.closing(UnixConnection(self.socket)) as connection:
            connection.request("GET", "/v1/status", headers={"Host": "gv"})
            return json.loads(connection.getresponse().read())

    def until(self, what, holds):
        while time.monotonic() - self.began < PATIENCE:
            if self.process.poll() is not None:
                sys.exit(f"gracevisord ended: see {self.config}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if holds():
                    return (time.monotonic() - self.began) * 1000
            time.sleep(0.002)
        return sys.exit(f"not within {PATIENCE} s: {what}")

    def answers(self):
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=10)) as connection:
            connection.request("GET", "/1", headers={"Host": self.hosts[0]})
            return connection.getresponse().status == 200

    def wait_ready(self):
        """Milliseconds until the first answer, until all is healthy, and of CPU time by then."""
        first = self.until("an answer", self.answers)
        pause = 0.02 * self.apps ** 0.5  # a status of many apps is the daemon's work too

        def all_healthy():
            time.sleep(pause)
            return sum(app["healthy"] for app in self.status()["apps"]) == self.instances

        return first, self.until("all instances healthy", all_healthy), self.cpu() * 1000

    def restarts(self):
        return sum(instance["restarts"] for app in self.status()["apps"] for instance in app["instances"])

    def requests(self):
        return sum(app["requests"] for app in self.status()["apps"])

    def cost(self, connections, seconds):
        """CPU microseconds per request, while that many connections are busy, and requests per second."""
        where = self.folder.name
        duration = WARM_UP + connections / 4000 + seconds + 1
        wrk = subprocess.Popen(
            ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{int(duration + 0.999)}s", "--timeout", "10s",
             "-s", f"{where}/wrk.lua", f"http://{self.address[0]}:{self.address[1]}", "--", f"{where}/hosts"],
            stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(duration - seconds - 0.5)
            requests, cpu, began = self.requests(), self.cpu(), time.monotonic()
            time.sleep(seconds)
            cpu, took = self.cpu() - cpu, time.monotonic() - began
            requests = self.requests() - requests
            output = wrk.communicate(timeout=PATIENCE)[0]
        finally:
            wrk.kill()
            wrk.wait()
        if restarts := self.restarts():
            print(f"  instances were restarted: {restarts} times", file=sys.stderr)
        if re.search("Non-2xx|Socket errors", output):
            print("  not all was well:", "; ".join(l.strip() for l in output.splitlines() if ":" in l), file=sys.stderr)
        return cpu / requests * 1e6, requests / took


def app_command(build):
    backend = os.path.join(build, "bench", "backend")
    if os.path.exists(backend):
        return ["taskset", "-c", "1", backend, "--listen", "127.0.0.1:{port}"]
    return ["taskset", "-c", "1", os.path.join(build, "apps", "gvdemo", "gvdemo"), "--port", "{port}"]


def measure(build, curve, point, seconds):
    sizes = {"connections": {}, "apps": {"apps": point}, "hosts": {"apps": APPS_OF_HOSTS, "hosts": point},
             "instances": {"instances": point}}[curve]
    with Daemon(build, **sizes) as daemon:
        first, ready, cpu = daemon.wait_ready()
        resident = daemon.resident()
        cost, rate = daemon.cost(point if curve == "connections" else CONNECTIONS, seconds)
    figures = {f"{curve}: us per request": cost, f"{curve}: requests per second": rate}
    if curve == "apps":
        figures |= {"start: ms to the first answer": first, "start: ms until all are healthy": ready,
                    "start: ms of CPU by then": cpu, "start: MB resident then": resident / 2**20}
    return figures


def run_curve(args, curve, points, rounds):
    figures = {}
    for number in range(rounds):
        for point in points:
            print(f"{curve} {point}, round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            for name, value in measure(args.build, curve, point, args.seconds).items():
                figures.setdefault(name, {}).setdefault(point, []).append(value)
    return figures


def table(figures):
    lines = [f"{'':<36} {'':>7} {'median':>10} {'min':>10} {'max':>10} {'ratio':>7}"]
    for name, points in figures.items():
        first = statistics.median(next(iter(points.values())))
        for point, values in points.items():
            median = statistics.median(values)
            lines.append(f"{name:<36} {point:>7} {median:>10.2f} {min(values):>10.2f} {max(values):>10.2f} "
                         f"{median / first:>7.2f}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--short", action="store_true", help="two points of each curve, one round, 1 s")
    parser.add_argument("--only", help="of " + ",".join(CURVES))
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    curves = SHORT if args.short else CURVES
    if args.short:
        args.rounds, args.seconds = 1, 1
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A client's connection and one to the app for it, and some for the rest.
    curves["connections"] = [min(n, (hard - 1024) // 2) for n in curves["connections"]]
    figures = {}
    for curve in args.only.split(",") if args.only else curves:
        figures |= run_curve(args, curve, curves[curve], args.rounds)
    text = table(figures)
    print(text, end="")
    out = os.path.join(os.path.dirname(args.build), "bench")
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "scale.txt"), "w", encoding="utf-8") as f:
        f.write(text)
    with open(os.path.join(out, "scale.json"), "w", encoding="utf-8") as f:
        json.dump({"rounds": args.rounds, "seconds": args.seconds, "figures": figures}, f, indent=1)


if __name__ == "__main__":
    main()
