"""A TCP server that plays scripts: real sockets of the kernel, and every byte as the test wants it.

Law of this file: it knows bytes, connections and a little of HTTP's framing, and nothing of
tokenweir. A script is an async function of one `Visit`; it waits for events, never for time. What
the client sent, and when it left, is kept.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Literal, cast

import anyio
import anyio.lowlevel

Framing = Literal["chunked", "length", "close"]
Ending = Literal["whole", "fin", "rst"]


class Visit(asyncio.Protocol):
    """One connection, from the server's side."""

    def __init__(self, server: "Server") -> None:
        self.received = b""
        """All that the client has sent."""
        self.left = asyncio.Event()
        """The client has closed its side, or the connection broke."""
        self.left_at: float | None = None
        self.full = asyncio.Event()
        """The kernel took no more, and what is sent waits in our own buffer."""
        self._server = server
        self._unread = b""
        self._more = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)
        self._server.arrive(self)

    def data_received(self, data: bytes) -> None:
        self._server.asked.set()
        self.received += data
        self._unread += data
        self._more.set()

    def pause_writing(self) -> None:
        self.full.set()

    def resume_writing(self) -> None:
        self.full.clear()

    def eof_received(self) -> bool:
        self._leave()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._leave()

    def _leave(self) -> None:
        if self.left_at is None:
            self.left_at = asyncio.get_running_loop().time()
        self.left.set()
        self._more.set()

    async def asked(self) -> bytes:
        """The next whole request; EOFError where the client left before it was whole."""
        while not _is_whole(self._unread):
            if self.left.is_set():
                raise EOFError
            self._more.clear()
            await self._more.wait()
        request, self._unread = self._unread, b""
        return request

    def send(self, *pieces: bytes) -> None:
        """Hand bytes to the kernel, each piece in a write of its own."""
        for piece in pieces:
            self.transport.write(piece)

    async def send_apart(self, pieces: Iterable[bytes]) -> None:
        """Each piece arrives by itself: the client's loop has read one before the next is sent."""
        for piece in pieces:
            self.send(piece)
            await settle()

    def fin(self) -> None:
        """End the connection in good manners."""
        self.transport.close()

    def rst(self) -> None:
        """Break the connection: the kernel sends RST."""
        found = self.transport.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


Script = Callable[[Visit], Awaitable[None]]


class Server:
    """Where the visits of one test stand. Visit number n plays script n, or the last one."""

    def __init__(self, scripts: tuple[Script, ...], start: Callable[[Script, Visit], object]) -> None:
        self.visits: list[Visit] = []
        self.asked = asyncio.Event()
        """Something has been sent to it."""
        self.url = ""
        self.listener: asyncio.AbstractServer
        """What takes connections: closed, nobody answers at the address any more."""
        self._scripts = scripts
        self._start = start

    def arrive(self, visit: Visit) -> None:
        """A client has connected."""
        script = self._scripts[min(len(self.visits), len(self._scripts) - 1)]
        self.visits.append(visit)
        self._start(script, visit)


@asynccontextmanager
async def serve(
    *scripts: Script, backlog: int = 100, send_buffer: int | None = None
) -> AsyncGenerator[Server]:
    """A server on a free port of loopback. `send_buffer` makes the kernel's part of it small."""
    async with anyio.create_task_group() as plays:

        async def play(script: Script, visit: Visit) -> None:
            with suppress(EOFError):
                await script(visit)

        server = Server(scripts, lambda script, visit: plays.start_soon(play, script, visit))
        listening = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        if send_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Visit(server), sock=listening)
        server.listener = listener
        server.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            yield server
        finally:
            listener.close()
            plays.cancel_scope.cancel()
            for visit in server.visits:
                visit.transport.abort()
            with anyio.CancelScope(shield=True):
                await settle()


def _is_whole(data: bytes) -> bool:
    """Whether a request with a Content-Length, or without a body, is complete."""
    head, separator, body = data.partition(b"\r\n\r\n")
    sizes = [
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    ]
    return bool(separator) and len(body) >= sum(sizes)


async def settle() -> None:
    """Let the loop poll its sockets until what was sent on loopback has been read and passed on."""
    for _ in range(8):
        await anyio.lowlevel.checkpoint()


def head(status: str = "200 OK", *fields: str, kind: str = "text/event-stream") -> bytes:
    """A status line and header fields, with the empty line after them."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def http_chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def framed(framing: Framing, pieces: Iterable[bytes], *, missing: int = 0) -> tuple[bytes, list[bytes]]:
    """The head, and the pieces as they stand on the wire; the end of a chunked body is not in them.

    `missing` bytes are promised beyond the pieces, where the framing promises a length.
    """
    body = list(pieces)
    if framing == "chunked":
        return head("200 OK", "Transfer-Encoding: chunked"), [http_chunk(piece) for piece in body]
    if framing == "length":
        return head("200 OK", f"Content-Length: {len(b''.join(body)) + missing}"), body
    return head("200 OK", "Connection: close"), body


def answer(*pieces: bytes, framing: Framing = "chunked", ending: Ending = "whole") -> Script:
    """A script: take one request after the other, and answer each with these pieces of a body.

    `ending` is `whole`: the body ends as its framing says, and the connection stays where it may;
    `fin` and `rst` cut it short.
    """

    async def play(visit: Visit) -> None:
        start, body = framed(framing, pieces, missing=0 if ending == "whole" else 100)
        while True:
            await visit.asked()
            visit.send(start)
            await visit.send_apart(body)
            if ending == "rst":
                visit.rst()
                return
            if ending == "fin" or framing == "close":
                visit.fin()
                return
            if framing == "chunked":
                visit.send(LAST_CHUNK)

    return play


def reply(status: str, body: bytes = b"", *fields: str, kind: str = "application/json") -> Script:
    """A script: answer every request with a status and a body of known length."""

    async def play(visit: Visit) -> None:
        while True:
            await visit.asked()
            visit.send(head(status, f"Content-Length: {len(body)}", *fields, kind=kind) + body)

    return play


def raw(data: bytes) -> Script:
    """A script: answer one request with these bytes, whatever they are, and close."""

    async def play(visit: Visit) -> None:
        await visit.asked()
        visit.send(data)
        visit.fin()

    return play


async def silent(visit: Visit) -> None:
    """A script: take everything, say nothing."""
    await visit.left.wait()
