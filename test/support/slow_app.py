#!/usr/bin/env python3
"""A web app in an interpreter that co-operates in nothing: it boots slowly (BOOT_SECONDS, 1.5 by default), has
no health route, handles no signal (SIGTERM just ends it, requests and all), and closes idle connections
whenever it likes. It serves HTTP/1.1 on 127.0.0.1:$PORT and answers with $VERSION."""

import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ.get("VERSION", "v1")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 2  # an idle keep-alive connection is closed after so long

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        text = f"version {VERSION} pid {os.getpid()} threads {threading.active_count()}\n"
        self.answer(text.encode())

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    time.sleep(float(os.environ.get("BOOT_SECONDS", "1.5")))
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
