#!/usr/bin/env python3
"""A web app whose WebSockets, at any path, echo what they get, frame by frame, until they are closed. It listens
at 127.0.0.1:$PORT; a plain request is answered with its path."""

import base64
import hashlib
import os
import socketserver

KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while line := self.rfile.readline():
            fields = {}
            while (field := self.rfile.readline()).strip():
                name, value = field.split(b":", 1)
                fields[name.strip().lower()] = value.strip()
            if fields.get(b"upgrade", b"").lower() == b"websocket":
                self.accept(fields)
                return
            body = line.split(b" ")[1] + b"\n"
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def accept(self, fields):
        digest = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + KEY).digest())
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n"
        )
        while len(head := self.rfile.read(2)) == 2:
            size = head[1] & 0x7F
            if size > 125:
                return
            mask = self.rfile.read(4)
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(size)))
            self.wfile.write(bytes([head[0], size]) + payload)
            if head[0] & 0x0F == 8:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
