#!/usr/bin/env python3
"""A WebSocket server that echoes: at 127.0.0.1:$PORT or at the Unix socket $SOCKET. Writes a line with the status of
each connection's end. /health answers without an upgrade."""

import asyncio
import http
import os
import signal

import websockets


async def echo(connection, path):
    try:
        async for message in connection:
            await connection.send(message)
    except websockets.ConnectionClosed:
        pass
    await connection.wait_closed()
    print("closed", connection.close_code, flush=True)


async def health(path, headers):
    if path == "/health":
        return http.HTTPStatus.OK, [], b"ok\n"


async def main():
    options = {"process_request": health, "max_size": 4 << 20, "ping_interval": None}
    if "SOCKET" in os.environ:
        server = await websockets.unix_serve(echo, os.environ["SOCKET"], **options)
    else:
        server = await websockets.serve(echo, "127.0.0.1", int(os.environ["PORT"]), **options)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server.close()
    await server.wait_closed()


asyncio.run(main())
