#!/usr/bin/env python3
"""Two latencies of the running daemon, measured from outside:

command to cutover   `gvctl deploy` until its cutover line, less the app's own boot (spawn to first answer, measured apart)
kill to unrouted     kill -9 of an instance until the status no longer counts it as healthy

usage: bench/latency.py [--build build/release] [--rounds 20]
Starts a daemon of its own on free ports in a temporary folder, and ends it.
"""
import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(sock_path, path):
    """One GET over the control socket: the JSON answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(sock_path)
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: gv\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    return json.loads(data.split(b"\r\n\r\n", 1)[1])


def boot_time(demo):
    """Spawn of the demo app until it accepts a connection, in ms."""
    port = free_port()
    began = time.monotonic()
    app = subprocess.Popen([demo, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        while time.monotonic() - began < 10:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return (time.monotonic() - began) * 1000
            except ConnectionRefusedError:
                time.sleep(0.0005)
        sys.exit("the demo app does not listen")
    finally:
        app.terminate()
        app.wait()


def row(name, values):
    print(f"{name:<42} {min(values):8.1f} {statistics.median(values):8.1f} {max(values):8.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    apps = os.path.abspath(os.path.join(args.build, "apps"))
    demo = os.path.join(apps, "gvdemo", "gvdemo")

    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "gracevisor.toml")
        sock = os.path.join(folder, "run", "gracevisor.sock")
        with open(config, "w") as f:
            f.write(f"""
[daemon]
runtime_dir = "{folder}/run"
state_dir = "{folder}/state"
log = {{ file = "{folder}/daemon.log" }}
[app.demo]
command = "{demo}"
instances = 2
listen = "127.0.0.1:{free_port()}"
health = "/health"
deploy = {{ guard = "0s" }}
restart = {{ backoff = "10ms" }}
""")
        daemon = subprocess.Popen([os.path.join(apps, "gracevisord", "gracevisord"), "-c", config])
        try:
            def app_status():
                return get(sock, "/v1/status")["apps"][0]

            def wait_healthy():
                deadline = time.monotonic() + 20
                while time.monotonic() < deadline:
                    if os.path.exists(sock) and app_status()["healthy"] == 2:
                        return
                    time.sleep(0.01)
                sys.exit("the app does not get healthy")

            wait_healthy()
            boots, cutovers, kills = [], [], []
            for _ in range(args.rounds):
                boots.append(boot_time(demo))
                began = time.monotonic()
                deploy = subprocess.Popen([os.path.join(apps, "gvctl", "gvctl"), "--socket", sock, "--json", "deploy", "demo"],
                                          stdout=subprocess.PIPE, text=True)
                for line in deploy.stdout:
                    if json.loads(line)["phase"] == "cutover":
                        cutovers.append((time.monotonic() - began) * 1000)
                if deploy.wait() != 0:
                    sys.exit("a deploy failed")
                wait_healthy()
                victim = app_status()["instances"][0]["pid"]
                began = time.monotonic()
                os.kill(victim, signal.SIGKILL)
                while app_status()["healthy"] == 2:
                    pass
                kills.append((time.monotonic() - began) * 1000)
                wait_healthy()
        finally:
            daemon.terminate()
            daemon.wait()

    print(f"{'milliseconds, ' + str(args.rounds) + ' rounds':<42} {'min':>8} {'median':>8} {'max':>8}")
    row("the app's own boot", boots)
    row("command to cutover", cutovers)
    row("command to cutover, median boot taken off", [c - statistics.median(boots) for c in cutovers])
    row("kill -9 to unrouted, as status sees it", kills)


main()
