#!/usr/bin/env python3
"""What slow uploads cost everybody else, where the app serves one request at a time: gracevisord beside nginx,
and with a larger request_buffer, and with none.

The app is gunicorn with one sync worker. Some clients POST to it at a few hundred bytes a second, over and over;
meanwhile one client GETs, one request after the other. Two sizes of the slow bodies: one that a proxy's buffer
holds (gracevisord's default; nginx keeps more on disk), and one above it, whose rest an instance has to wait for.

usage: bench/slow_uploads.py [--build build/release] [--seconds 10] [--slow 4] [--rate 600] [--timeout 5]

Printed for each size and each system: how many GETs were answered, how many were not (an error, or no answer within
the timeout), the median and the slowest of those that were, and what became of the uploads. Everything listens on
127.0.0.1 and ends with the script. The table is kept in build/bench/slow_uploads.txt, the figures in
build/bench/slow_uploads.json. Needs gunicorn and nginx.
"""
import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SIZES = {"10 kB bodies": 10_000, "70 kB bodies": 70_000}
PATIENCE = 60  # s, until something answers
APP = """
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\\n"]
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def gunicorn(port):
    return ["gunicorn", "--workers", "1", "--worker-class", "sync", "--timeout", "300", "--log-level", "error",
            "--bind", f"127.0.0.1:{port}", "slow_uploads_app:application"]


class System:
    """Something that listens on `port`, in a folder of its own, with the app behind it."""

    def __init__(self, build):
        self.folder = tempfile.TemporaryDirectory(prefix="gv-slow-")
        self.where = self.folder.name
        self.port = free_port()
        self.processes = []
        os.chmod(self.where, 0o755)  # nginx's worker is nobody
        with open(os.path.join(self.where, "slow_uploads_app.py"), "w", encoding="utf-8") as f:
            f.write(APP)
        self.start(build)

    def run(self, command):
        log = open(os.path.join(self.where, f"log-{len(self.processes)}"), "wb")  # noqa: SIM115 kept by the process
        with log:
            self.processes.append(subprocess.Popen(command, cwd=self.where, stdout=log, stderr=log))

    def __enter__(self):
        began = time.monotonic()
        while get(self.port, 2)[0] != 200:
            if time.monotonic() - began > PATIENCE or any(p.poll() is not None for p in self.processes):
                self.__exit__()
                sys.exit(f"{type(self).__name__} does not answer")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            for patience in (10, 5):
                try:
                    process.wait(patience)
                    break
                except subprocess.TimeoutExpired:
                    process.terminate()
            else:
                process.kill()
                process.wait()
        self.folder.cleanup()


class Gracevisor(System):
    buffer = None  # as it comes

    def start(self, build):
        config = os.path.join(self.where, "gracevisor.toml")
        first = free_port()
        options = f'proxy_options.request_buffer = "{self.buffer}"' if self.buffer else ""
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"""
[daemon]
runtime_dir = "{self.where}/run"
state_dir = "{self.where}/state"
port_range = "{first}-{first + 19}"
workers = 1
log = {{ file = "{self.where}/daemon.log" }}
[app.web]
command = {json.dumps(gunicorn("{port}"))}
directory = "{self.where}"
environment = {{ PATH = {json.dumps(os.environ["PATH"])} }}
listen = "127.0.0.1:{self.port}"
health = "tcp"
stop.timeout = "2s"
deploy.drain_timeout = "1s"
{options}
""")
        self.run([os.path.join(build, "apps", "gracevisord", "gracevisord"), "-c", config])


class Unbuffered(Gracevisor):
    buffer = "0"


class LargeBuffer(Gracevisor):
    buffer = "1MiB"


class Nginx(System):
    def start(self, _build):
        app = free_port()
        self.run(gunicorn(app))
        config = os.path.join(self.where, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"""
daemon off;
worker_processes 1;
pid {self.where}/nginx.pid;
error_log {self.where}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {self.where}/bodies;
  proxy_temp_path {self.where}/responses;
  fastcgi_temp_path {self.where}/fastcgi;
  uwsgi_temp_path {self.where}/uwsgi;
  scgi_temp_path {self.where}/scgi;
  client_body_buffer_size 64k;
  upstream web {{ server 127.0.0.1:{app}; }}
  server {{
    listen 127.0.0.1:{self.port};
    location / {{ proxy_pass http://web; }}
  }}
}}
""")
        self.run(["nginx", "-p", self.where, "-c", config])


SYSTEMS = {"gracevisord": Gracevisor, "with 1MiB": LargeBuffer, "with 0": Unbuffered, "nginx": Nginx}


def status_of(connection):
    """0 where the connection ends without one."""
    answer = b""
    while b"\r\n" not in answer:
        piece = connection.recv(4096)
        if not piece:
            return 0
        answer += piece
    while connection.recv(65536):
        pass
    return int(answer.split(b" ", 2)[1])


def get(port, timeout):
    """The status of one GET (0: none), and the seconds that it took."""
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            return status_of(connection), time.monotonic() - began
    except OSError:
        return 0, time.monotonic() - began


def upload_slowly(port, size, rate, ends, uploads):
    """Bodies of that size at that many bytes a second, one after the other."""
    head = f"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n".encode()
    while not ends.is_set():
        sent = 0
        status = None
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(head)
            # The first 64 KiB of a large one come at once, so that it is the rest of it that comes slowly.
            if size > 65536:
                connection.sendall(b"x" * 66_000)
                sent = 66_000
            while sent < size and not ends.wait(0.1):
                piece = min(rate // 10, size - sent)
                connection.sendall(b"x" * piece)
                sent += piece
            if sent == size:
                connection.settimeout(5)
                status = status_of(connection)
        if not ends.is_set() or status:
            uploads.append(status or 0)
        if status is None:
            ends.wait(0.2)


def measure(system, size, args):
    ends = threading.Event()
    uploads = []
    slow = [threading.Thread(target=upload_slowly, args=(system.port, size, args.rate, ends, uploads), daemon=True)
            for _ in range(args.slow)]
    for thread in slow:
        thread.start()
    time.sleep(0.5)
    took = []
    failed = 0
    until = time.monotonic() + args.seconds
    while time.monotonic() < until:
        status, seconds = get(system.port, args.timeout)
        if status == 200:
            took.append(seconds * 1000)
        else:
            failed += 1
        time.sleep(0.01)
    ends.set()
    for thread in slow:
        thread.join(PATIENCE)
    return {"answered": len(took), "not answered": failed,
            "median ms": statistics.median(took) if took else None, "slowest ms": max(took) if took else None,
            "uploads answered 200": uploads.count(200), "uploads refused": len(uploads) - uploads.count(200)}


def table(figures):
    lines = [f"{'':<14} {'':<12} {'answered':>9} {'not':>5} {'median ms':>10} {'slowest ms':>11} {'uploads':>8} "
             f"{'refused':>8}"]
    shown = lambda value: "-" if value is None else f"{value:.1f}"  # noqa: E731
    for size, systems in figures.items():
        for name, f in systems.items():
            lines.append(f"{size:<14} {name:<12} {f['answered']:>9} {f['not answered']:>5} {shown(f['median ms']):>10} "
                         f"{shown(f['slowest ms']):>11} {f['uploads answered 200']:>8} {f['uploads refused']:>8}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=float, default=10, help="of GETs, for each size and system")
    parser.add_argument("--slow", type=int, default=4, help="clients that upload slowly")
    parser.add_argument("--rate", type=int, default=600, help="bytes a second of each of those")
    parser.add_argument("--timeout", type=float, default=5, help="s, for a GET")
    parser.add_argument("--only", help="of " + ",".join(SYSTEMS))
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    figures = {}
    for size, count in SIZES.items():
        for name in args.only.split(",") if args.only else SYSTEMS:
            print(f"{size}, {name}", file=sys.stderr, flush=True)
            with SYSTEMS[name](build) as system:
                figures.setdefault(size, {})[name] = measure(system, count, args)
    text = table(figures)
    print(text, end="")
    out = os.path.join(os.path.dirname(build), "bench")
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "slow_uploads.txt"), "w", encoding="utf-8") as f:
        f.write(text)
    with open(os.path.join(out, "slow_uploads.json"), "w", encoding="utf-8") as f:
        json.dump({"arguments": vars(args), "figures": figures}, f, indent=1)


if __name__ == "__main__":
    main()
