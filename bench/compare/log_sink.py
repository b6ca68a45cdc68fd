#!/usr/bin/env python3
"""A syslog server at its least: writes each datagram as a line. For HAProxy, which writes no files itself.

usage: log_sink.py SOCKET FILE      until SIGTERM
"""
import signal
import socket
import sys


def main(path, file):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sink, open(file, "wb", 1 << 20) as lines:
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sink.bind(path)
        while True:
            line = sink.recv(65536)
            lines.write(line if line.endswith(b"\n") else line + b"\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
