"""What idle connections cost: RSS and PSS of a proxy before and with up to 10,000 that have each made one request."""
import socket

from .processes import Failure, Processes, memory
from .scenarios import PEERS, setups
from .summary import spread
from .systems import Site

BATCH = 64
REQUEST = b"GET /100 HTTP/1.1\r\nHost: bench\r\n\r\n"


def run(place, options, say):
    """Each round has fresh processes: an allocator keeps what a crowd has left."""
    rounds = {kind: [] for kind in ("gracevisord", *PEERS)}
    for number in range(options.memory_rounds):
        for kind, ones in rounds.items():
            say(f"{place.connections} idle connections: {kind}, round {number + 1} of {options.memory_rounds}")
            ones.append(measure(kind, place))
    return {"title": f"{place.connections} idle connections", "connections": place.connections,
            "systems": {kind: {key: spread([one[key] for one in ones]) for key in ones[0]} | {"rounds": ones}
                        for kind, ones in rounds.items()}}


def measure(kind, place):
    with Processes() as processes:
        system = Site(place, processes, "memory").start(setups((kind,))[0])
        opened = []
        try:
            # So that what the first requests of a life bring along is not counted as the connections'.
            for connection in crowd(system.port, BATCH):
                connection.close()
            rss, pss = memory(system.pids())
            while len(opened) < place.connections:
                opened += crowd(system.port, min(BATCH, place.connections - len(opened)))
            check_open(opened, kind)
            rss_with, pss_with = memory(system.pids())
        finally:
            for connection in opened:
                connection.close()
    count = place.connections
    return {"rss_before": rss, "rss_with": rss_with, "pss_before": pss, "pss_with": pss_with,
            "rss_per_connection": (rss_with - rss) / count, "pss_per_connection": (pss_with - pss) / count}


def crowd(port, count):
    """So many connections, each of which has made a request at the same time as the others."""
    opened = []
    try:
        for _ in range(count):
            opened.append(socket.create_connection(("127.0.0.1", port), 10))
        for connection in opened:
            connection.sendall(REQUEST)
        for connection in opened:
            data = b""
            while not data.endswith(b"\r\n\r\n" + b"x" * 100):
                chunk = connection.recv(4096)
                if not chunk:
                    raise Failure(f"a connection to port {port} was closed after {data!r}")
                data += chunk
        return opened
    except BaseException:
        for connection in opened:
            connection.close()
        raise


def check_open(connections, kind):
    """None of them may have been closed to save memory."""
    for connection in connections:
        connection.setblocking(False)
        try:
            if connection.recv(1) == b"":
                raise Failure(f"{kind} closed an idle connection")
        except BlockingIOError:
            continue
        raise Failure(f"{kind} sent more than a response")
