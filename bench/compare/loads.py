"""What is sent to a system: wrk's closed loop, h2load's open loop, and single requests that look at every byte."""
import http.client
import json
import math
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from . import machine
from .processes import Failure
from .summary import percentile

SCRIPT = Path(__file__).resolve().parent / "load.lua"
ONE_MB = 1048576
# Of what wrk may count; timeouts are requests of 10 s and more.
TIMEOUT = "10s"


class Load:
    """Requests of one kind, over and over."""

    def __init__(self, path, connections=64, method="GET", upload=0, close=False):
        self.path, self.connections, self.method = path, connections, method
        self.upload, self.close = upload, close


def answers(port, path):
    """Whether GET PATH is answered with 200."""
    try:
        return fetch(port, Load(path))[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def fetch(port, load):
    """(status, body) of one such request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Connection": "close"} if load.close else {}
        body = b"x" * load.upload if load.upload else None
        connection.request(load.method, load.path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def check_bytes(system, load):
    """The backend answers with x, as many as it is asked for, or 100 to an upload."""
    size = 100 if load.upload else int(load.path[1:])
    status, body = fetch(system.port, load)
    if status != 200 or body != b"x" * size:
        raise Failure(f"{system.label}: {load.method} {load.path} gave {status} and {len(body)} bytes "
                      f"(wrong ones, if {size}) where 200 and {size} are right")


class Wrk:
    """wrk at work, for `seconds` or until it is told to stop."""

    def __init__(self, place, processes, port, load, cpus=machine.LOAD_CPU):
        self.processes, self.log = processes, place.output / "logs" / "wrk.log"
        self.output = place.folder / "wrk.out"
        self.began = time.monotonic()
        # -d is the bound should nobody end it: it takes whole seconds, so it is ended by SIGINT, which prints the figures.
        arguments = ["wrk", "-t", len(cpus), "-c", load.connections, "-d", "300s", "--timeout", TIMEOUT, "-s", SCRIPT,
                     f"http://127.0.0.1:{port}{load.path}", "--", load.method, load.upload,
                     "close" if load.close else "keep"]
        with open(self.output, "wb") as output:
            self.process = processes.start(arguments, cpus, self.log, stdout=output)

    def stop(self):
        """Its figures; requests that failed are in them, not raised."""
        self.process.popen.send_signal(signal.SIGINT)
        try:
            self.process.popen.wait(20)
        except subprocess.TimeoutExpired as late:
            raise Failure("wrk does not end") from late
        finally:
            self.processes.stop(self.process)
        text = self.output.read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            if line.startswith("figures "):
                return json.loads(line[len("figures "):])
        raise Failure(f"wrk gave no figures: {text.strip()} {self.process.said()}")


def wrk(place, processes, port, load, seconds, cpus=machine.LOAD_CPU):
    running = Wrk(place, processes, port, load, cpus)
    time.sleep(seconds)
    if not running.process.running():
        raise Failure(f"wrk ended early: {running.output.read_text(encoding='utf-8', errors='replace')} "
                      f"{running.process.said()}")
    return running.stop()


def failures(figures):
    """What went wrong, as text, empty if nothing did."""
    wrong = {what: count for what, count in figures["errors"].items() if count}
    if figures["requests"] == 0:
        wrong["no request was answered"] = 1
    return ", ".join(f"{count} {what}" for what, count in wrong.items())


def open_loop(place, processes, port, path, clients, rate, seconds):
    """So many requests per second whatever the answers take: latencies in microseconds.

    h2load's --rps is for each client, and with -m 1 it would wait for an answer before it sends what is due meanwhile and
    count only from then (coordinated omission; tried out with a proxy that was stopped for half a second). With a large -m
    it sends what is due behind the other, pipelined, and each request's time begins when it is due, to about 1 ms."""
    log = place.folder / "h2load.log"
    log.unlink(missing_ok=True)
    output = place.folder / "h2load.out"
    per_client = max(1, round(rate / clients))
    arguments = ["h2load", "--h1", "-t", 1, "-c", clients, "-m", 10000, "-D", math.ceil(seconds), f"--rps={per_client}",
                 f"--log-file={log}", f"http://127.0.0.1:{port}{path}"]
    with open(output, "wb") as out:
        process = processes.start(arguments, machine.LOAD_CPU, place.output / "logs" / "h2load.log", stdout=out)
    try:
        process.popen.wait(math.ceil(seconds) + 20)
    finally:
        processes.stop(process)
    said = output.read_text(encoding="utf-8", errors="replace")
    counts = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", said)
    if not counts or not os.path.exists(log):
        raise Failure(f"h2load gave no figures: {said[-500:]}")
    return read_latencies(log, per_client * clients, sum(int(count) for count in counts.groups()))


def read_latencies(log, rate, failed):
    begun, took = [], []
    with open(log, encoding="ascii") as lines:
        for line in lines:
            start, status, duration = line.split()[:3]
            begun.append(int(start))
            took.append(int(duration))
            failed += status not in ("200", "-1")  # -1 stands in the summary too
    if not took:
        raise Failure("h2load made no request")
    # Its connections are made in the first moments.
    first = min(begun) + 200_000
    took = sorted(duration for start, duration in zip(begun, took) if start >= first)
    seconds = (max(begun) - first) / 1e6
    return {"rate": len(took) / seconds, "wanted_rate": rate, "failed": failed,
            "p50_us": percentile(took, .5), "p99_us": percentile(took, .99), "p999_us": percentile(took, .999)}
