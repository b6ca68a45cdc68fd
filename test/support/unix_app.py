#!/usr/bin/env python3
"""A web app in an interpreter, reached at a Unix socket: at $SOCKET, or with the argument "fd" at the listening
socket that it was started with (LISTEN_FDS, LISTEN_PID). It boots for BOOT_SECONDS (0.3 by default), answers one
request at a time with $VERSION, what it was told of its place and how its socket blocks, and handles no signal."""

import os
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

VERSION = os.environ.get("VERSION", "v1")


class Handler(BaseHTTPRequestHandler):
    # One request per connection: a kept connection would block the others.
    protocol_version = "HTTP/1.0"
    wbufsize = 65536  # head and body in one write, so that no kill falls in between

    def do_GET(self):
        told = " ".join(f"{key}={os.environ.get(key, '-')}" for key in ("SOCKET", "PORT", "HOST", "LISTEN_FDNAMES"))
        text = f"version {VERSION} pid {os.getpid()} {told} blocking={self.server.blocking}\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass


class Server(HTTPServer):
    address_family = socket.AF_UNIX
    request_queue_size = 512

    def server_bind(self):
        self.socket.bind(self.server_address)


def passed_socket():
    if os.environ["LISTEN_PID"] != str(os.getpid()) or os.environ["LISTEN_FDS"] != "1":
        sys.exit("no socket was passed")
    return socket.socket(fileno=3)


if __name__ == "__main__":
    time.sleep(float(os.environ.get("BOOT_SECONDS", "0.3")))
    activated = sys.argv[1:] == ["fd"]
    server = Server(os.environ["SOCKET"], Handler, bind_and_activate=not activated)
    if activated:
        server.socket = passed_socket()
    server.blocking = os.get_blocking(server.socket.fileno())
    server.serve_forever()
