"""What is sent to a system: wrk's closed loop, our own open loop, and single requests that look at every byte."""
import http.client
import json
import signal
import subprocess
import time
from pathlib import Path

from . import machine
from .processes import Failure

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


def open_loop(place, processes, port, path, rate, seconds):
    """So many requests per second whatever the answers take: latencies in microseconds, from when a request is due."""
    output = place.folder / "steady.out"
    with open(output, "wb") as out:
        process = processes.start([place.bench("steady"), "--target", f"127.0.0.1:{port}", "--path", path, "--rate",
                                   f"{rate:.0f}", "--seconds", seconds], machine.LOAD_CPU,
                                  place.output / "logs" / "steady.log", stdout=out)
    try:
        process.popen.wait(seconds + 20)
    except subprocess.TimeoutExpired as late:
        raise Failure("the open loop does not end") from late
    finally:
        processes.stop(process)
    if process.popen.returncode != 0:
        raise Failure(f"the open loop ended with {process.popen.returncode}: {process.said()}")
    return json.loads(output.read_text(encoding="utf-8"))
