#!/usr/bin/env python3
"""A web app that answers on PORT with the bytes that the request's path names, right or wrong; "/" is right."""

import os
import socketserver

OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "/": OK + b"Content-Length: 2\r\n\r\nok",
    "/equal": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "/beside": OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "/lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "/control": OK + b"X-Broken: a\x01b\r\nContent-Length: 2\r\n\r\nok",
    "/chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nx\r\n",
    "/required": b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2c, websocket\r\nContent-Length: 0\r\n\r\n",
    "/claims": OK + b"X-Gv-Error: no-route\r\nContent-Length: 2\r\n\r\nok",
}


class Handler(socketserver.StreamRequestHandler):
    wbufsize = 65536

    def handle(self):
        while line := self.rfile.readline():
            fields = b""
            while (field := self.rfile.readline()).strip():
                fields += field
            path = line.split(b" ")[1].decode("latin-1")
            seen = line + fields
            said = OK + b"Content-Length: %d\r\n\r\n" % len(seen) + seen
            self.wfile.write(ANSWERS.get(path, said))
            self.wfile.flush()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
