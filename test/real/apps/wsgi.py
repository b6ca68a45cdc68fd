"""The app of the tests for gunicorn and uwsgi: see app_server.h for what it answers."""

import os
import queue

VERSION = os.environ.get("VERSION", "v1")
EVENTS = queue.Queue()  # what /next and /end put for the one stream of /events


def read_body(environ):
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", ""):
        try:
            import uwsgi  # which gives no wsgi.input for chunks
        except ImportError:
            return environ["wsgi.input"].read()
        return b"".join(iter(uwsgi.chunked_read, b""))
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def events():
    yield b"data: 1\n\n"
    number = 1
    while EVENTS.get() == "/next":
        number += 1
        yield b"data: %d\n\n" % number


def app(environ, start_response):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]

    def answer(body, status="200 OK", *headers):
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *headers])
        return [] if method == "HEAD" else [body]

    if path == "/none":
        start_response("204 No Content", [])
        return []
    if path == "/etag":
        if environ.get("HTTP_IF_NONE_MATCH") == '"one"':
            start_response("304 Not Modified", [("ETag", '"one"')])
            return []
        return answer(b"tagged\n", "200 OK", ("ETag", '"one"'))
    if path == "/echo":
        return answer(read_body(environ))
    if path == "/connection":
        return answer(environ.get("REMOTE_PORT", "-").encode())
    if path == "/events":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return events()
    if path in ("/next", "/end"):
        EVENTS.put(path)
        return answer(b"put\n")
    return answer(f"version {VERSION} pid {os.getpid()}\n".encode())
