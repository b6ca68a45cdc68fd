"""An app that leaves a child with its listening socket: forked twice, in a session of its own.

It answers on PORT and prints the child's pid.
"""

import http.server
import os
import signal
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_):
        pass


def leave_child():
    if os.fork():
        os.wait()
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    print(f"child {os.getpid()}", flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        signal.pause()


server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
leave_child()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server.serve_forever()
