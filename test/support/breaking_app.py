#!/usr/bin/env python3
"""A web app that is broken in the way that its first argument names; "ok" is not broken. It listens at $PORT of
127.0.0.1 unless that is what is broken; a second argument is the port of "fixed" and "busy"."""

import os
import signal
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KIND = sys.argv[1]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        host = self.headers.get("Host", "")
        if KIND == "redirect":
            self.answer(301, "", f"https://{host}{self.path}")
        elif KIND == "host":
            self.answer(400, f"bad host {host}")
        elif KIND == "missing-page":
            self.answer(404, "no such page")
        elif KIND == "error":
            self.answer(500, "the database\nis gone")
        else:
            self.answer(200, "ok")

    def answer(self, status, text, location=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


def serve(address, port):
    HTTPServer((address, port), Handler).serve_forever()


def wait():
    while True:
        time.sleep(60)


if KIND == "environment":
    print("connecting to", os.environ["DATABASE_URL_OF_TEST"])
elif KIND == "module":
    import module_that_is_not_there  # noqa: F401
elif KIND == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
elif KIND in ("never", "slow"):
    wait()
elif KIND in ("fixed", "busy"):
    serve("127.0.0.1", int(sys.argv[2]))
elif KIND == "elsewhere":
    serve("127.0.0.2", int(os.environ["PORT"]))
elif KIND == "mute":
    # Connections are taken by the kernel, and never answered.
    mute = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
    wait()
else:
    serve("127.0.0.1", int(os.environ["PORT"]))
