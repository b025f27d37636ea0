"""Peers of an aiohttp server, with sockets of their own: they read as a test wants it, or not at all.

Law of this file: real sockets, and little of them: their buffers are small, and a segment is as small
as on a slow network, so that a kernel does not take megabytes before anybody waits.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


@asynccontextmanager
async def serving(handler: Handler, **options: Any) -> AsyncGenerator[int]:
    """An aiohttp server on loopback; its port."""
    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, **options)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    await web.SockSite(runner, listening).start()
    try:
        yield listening.getsockname()[1]
    finally:
        await runner.cleanup()


class Peer:
    """A client that reads when it is told to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self._socket.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self.received = b""

    async def ask(self, request: bytes) -> None:
        """Connect, and send a request."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        await loop.sock_sendall(self._socket, request)

    async def read(self, size: int = 65536) -> bytes:
        """What comes next."""
        data = await asyncio.get_running_loop().sock_recv(self._socket, size)
        self.received += data
        return data

    async def read_until(self, mark: bytes) -> bytes:
        """Everything up to a mark, and what came with it."""
        while mark not in self.received:
            assert await self.read(), f"the connection ended before {mark!r}"
        return self.received

    def leave(self) -> None:
        """End the connection in good manners, reading nothing more."""
        self._socket.close()

    def vanish(self) -> None:
        """Break the connection: the kernel sends RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
