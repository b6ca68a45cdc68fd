"""How fast the daemon reacts, seen from outside:

command to cutover   `gvctl deploy` until its cutover line, less the app's own boot (spawn to first answer, measured apart)
kill to unrouted     kill -9 of an instance until the status no longer counts it as healthy
kill to respawn      the same until the status has the process that replaces it; the least back-off there is, 10 ms, included
"""
import json
import os
import signal
import socket
import subprocess
import time

from . import machine
from .processes import Failure, Processes, wait_until
from .summary import spread

CONFIG = """
[daemon]
runtime_dir = "{folder}/run"
state_dir = "{folder}/state"
log = {{ file = "{logs}/gracevisord.log" }}
[app.demo]
command = "{demo}"
instances = 2
listen = "127.0.0.1:{port}"
health = "/health"
deploy = {{ guard = "0s" }}
restart = {{ backoff = "10ms" }}
log = {{ stdout = "{logs}/app.log" }}
"""
INSTANCES = 2


def get(socket_path, path):
    """One GET over the control socket: the JSON answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(socket_path))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: gv\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
    return json.loads(data.split(b"\r\n\r\n", 1)[1])


class Demo:
    """A daemon with two instances of the demo app."""

    def __init__(self, place, processes):
        self.place, self.processes = place, processes
        self.logs = place.output / "logs" / "reaction"
        self.logs.mkdir(parents=True, exist_ok=True)
        folder = place.folder / "reaction"
        folder.mkdir()
        self.program = place.app("gvdemo")
        self.socket = folder / "run" / "gracevisor.sock"
        config = self.logs / "gracevisor.toml"
        config.write_text(CONFIG.format(folder=folder, logs=self.logs, demo=self.program, port=machine.free_port()),
                          encoding="utf-8")
        self.daemon = processes.start([place.app("gracevisord"), "-c", config], machine.BOTH_CPUS,
                                      self.logs / "output.log")
        wait_until("the control socket", self.socket.exists, self.daemon)
        self.wait_healthy()

    def app(self):
        return get(self.socket, "/v1/status")["apps"][0]

    def pids(self):
        return {instance["pid"] for instance in self.app()["instances"] if instance.get("pid")}

    def wait_healthy(self):
        wait_until("two healthy instances", lambda: self.app()["healthy"] == INSTANCES, self.daemon)

    def boot(self):
        """Spawn of the demo app until it accepts a connection, in ms."""
        port = machine.free_port()
        began = time.monotonic()
        app = self.processes.start([self.program, "--port", port], machine.BOTH_CPUS, self.logs / "boot.log")

        def listens():
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except ConnectionRefusedError:
                return False
        deadline = began + 10
        while not listens():
            if time.monotonic() > deadline:
                raise Failure("the demo app does not listen")
            time.sleep(0.0005)
        took = (time.monotonic() - began) * 1000
        self.processes.stop(app)
        return took

    def cutover(self):
        began = time.monotonic()
        with subprocess.Popen([self.place.app("gvctl"), "--socket", self.socket, "--json", "deploy", "demo"],
                              stdout=subprocess.PIPE, text=True) as deploy:
            took = None
            for line in deploy.stdout:
                if json.loads(line)["phase"] == "cutover":
                    took = (time.monotonic() - began) * 1000
        if deploy.returncode != 0 or took is None:
            raise Failure(f"gvctl deploy ended with {deploy.returncode}")
        return took

    def kill(self):
        """(unrouted, respawned) after so many ms. Looks without a pause: the answer counts in fractions of one."""
        before = self.pids()
        began = time.monotonic()
        os.kill(min(before), signal.SIGKILL)
        unrouted = respawned = None
        while unrouted is None or respawned is None:
            app = self.app()
            now = (time.monotonic() - began) * 1000
            if now > 10_000:
                raise Failure("a killed instance is not replaced within 10 s")
            new = {instance["pid"] for instance in app["instances"] if instance.get("pid")} - before
            # With so short a back-off the replacement may be healthy by the time of the next look.
            if unrouted is None and (app["healthy"] < INSTANCES or new):
                unrouted = now
            if new:
                respawned = now
        return unrouted, respawned


def run(place, options, say):
    boots, cutovers, unrouted, respawned = [], [], [], []
    with Processes() as processes:
        demo = Demo(place, processes)
        for number in range(options.reaction_rounds):
            say(f"reaction: round {number + 1} of {options.reaction_rounds}")
            boots.append(demo.boot())
            cutovers.append(demo.cutover())
            demo.wait_healthy()
            gone, back = demo.kill()
            unrouted.append(gone)
            respawned.append(back)
            demo.wait_healthy()
    boot = spread(boots).median
    return {"title": "Reaction of the daemon", "rounds": len(boots), "values": {
        "the demo app's own boot": spread(boots),
        "command to cutover": spread(cutovers),
        "command to cutover, boot taken off": spread([cutover - boot for cutover in cutovers]),
        "kill -9 to unrouted": spread(unrouted),
        "kill -9 to its replacement's spawn": spread(respawned)}}
