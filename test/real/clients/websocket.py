#!/usr/bin/env python3
"""A WebSocket client of an echo server.

websocket.py ADDRESS echo             text, binary messages, a ping; "echoed" when all came back
websocket.py ADDRESS hold N [GATE]    opens N connections ("open"); when the file GATE is there, each must echo once
                                      more ("again"); waits until the other side has closed all ("closed CODE TIMES")
websocket.py ADDRESS busy N           as hold, but each connection sends and receives without a pause until it is closed
"""

import asyncio
import collections
import os
import sys

import websockets

PATIENCE = 20


async def connect(address):
    return await websockets.connect(f"ws://{address}/", max_size=4 << 20, ping_interval=None, open_timeout=PATIENCE)


async def exchange(connection, message):
    await connection.send(message)
    answer = await asyncio.wait_for(connection.recv(), PATIENCE)
    if answer != message:
        sys.exit(f"sent {message[:40]!r}, came back {answer[:40]!r}")


async def echo(address):
    connection = await connect(address)
    await exchange(connection, "grüße")
    await exchange(connection, "")
    await exchange(connection, os.urandom(1 << 20))
    await connection.send(["one ", "message ", "of frames"])
    if await connection.recv() != "one message of frames":
        sys.exit("fragments got lost")
    pong = await connection.ping(b"are you there")
    await asyncio.wait_for(pong, PATIENCE)
    await connection.close(1000)
    if connection.close_code != 1000:
        sys.exit(f"closed with {connection.close_code}")
    print("echoed")


async def stay_busy(connection):
    try:
        while True:
            await exchange(connection, os.urandom(20_000))
    except websockets.ConnectionClosed:
        pass


async def hold(address, count, gate=None, busy=False):
    connections = await asyncio.gather(*(connect(address) for _ in range(count)))
    await asyncio.gather(*(exchange(connection, "hello") for connection in connections))
    print("open", flush=True)
    if gate:
        while not os.path.exists(gate):
            await asyncio.sleep(0.005)
        await asyncio.gather(*(exchange(connection, "still here") for connection in connections))
        print("again", flush=True)
    if busy:
        await asyncio.gather(*(stay_busy(connection) for connection in connections))
    await asyncio.wait_for(asyncio.gather(*(connection.wait_closed() for connection in connections)), PATIENCE)
    for code, times in sorted(collections.Counter(connection.close_code for connection in connections).items()):
        print("closed", code, times)


def main():
    address, mode, *rest = sys.argv[1:]
    if mode == "echo":
        asyncio.run(echo(address))
    elif mode == "hold":
        asyncio.run(hold(address, int(rest[0]), *rest[1:]))
    else:
        asyncio.run(hold(address, int(rest[0]), busy=True))


main()
