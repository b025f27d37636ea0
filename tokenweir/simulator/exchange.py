"""One reply performed through aiohttp: frames written when they are due, and the end that was asked for.

Law of this file: the edge to the socket. It decides nothing; what is written and how it ends stand in
the `Reply`. Time is the event loop's, through anyio.
"""

import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal

import anyio
from aiohttp import web
from anyio.lowlevel import checkpoint
from msgspec import Struct

from tokenweir.pipeline.clock import Clock
from tokenweir.simulator.frames import Frame
from tokenweir.simulator.reply import Reply

Outcome = Literal["finished", "cut", "client_left", "stopped"]
"""How an exchange ended, seen from the server: as planned; as planned, by closing or resetting the
connection; because the client went away; because the simulator was closed."""

_FAIR = 32
"""Writes that are due at once between two moments in which other tasks run."""

_LINGER_NONE = struct.pack("ii", 1, 0)


class Exchange(Struct, frozen=True):
    """What happened, for tests that look from the upstream's side.

    `body` is the request's JSON (None where it was none), `model` the one that answered. `started`
    and `ended` are seconds of the event loop's clock: when the request was read, and when the reply
    was over or the client's leaving was noticed. `bytes_written` counts the body's bytes.
    """

    body: Any
    model: str | None
    status: int
    outcome: Outcome
    bytes_written: int
    started: float
    ended: float


async def pace(found: Iterable[Frame], send: Callable[[bytes], Awaitable[None]], clock: Clock) -> None:
    """Give each frame to `send` when it is due, counted from now.

    Who is late catches up without a pause, but lets other tasks run now and then; between single
    bytes always, so that a reader in the same loop gets them one by one.
    """
    began = clock()
    for number, frame in enumerate(found):
        wait = began + frame.at - clock()
        if wait > 0:
            await anyio.sleep(wait)
        elif number % _FAIR == 0 or len(frame.data) == 1:
            await checkpoint()
        await send(frame.data)


class Performance:
    """One reply on its way to one client. `written` counts the body's bytes so far;
    `response` is what aiohttp is given back."""

    def __init__(self, request: web.Request, reply: Reply, clock: Clock) -> None:
        self._request = request
        self._reply = reply
        self._frames = iter(reply.frames)
        self._clock = clock
        self.response = web.StreamResponse(status=reply.status, headers=dict(reply.headers))
        self.written = 0

    async def run(self) -> None:
        """Write all of it and end it. Raises ConnectionError where the client has left."""
        await pace(self._frames, self._send, self._clock)
        await self.response.prepare(self._request)
        if self._reply.ending == "complete":
            await self.response.write_eof()
        elif self._reply.ending == "stall":
            await anyio.sleep_forever()
        else:
            self._hang_up(reset=self._reply.ending == "rst")

    def unsaid(self) -> float:
        """Seconds after the request at which the rest, which nobody hears, would be said; 0 for no rest."""
        return max((frame.at for frame in self._frames), default=0.0)

    async def _send(self, data: bytes) -> None:
        if not self.response.prepared:
            await self.response.prepare(self._request)
        await self.response.write(data)
        self.written += len(data)

    def _hang_up(self, *, reset: bool) -> None:
        """Close in the middle of the body, after what was written. Linger 0 makes it a reset."""
        transport = self._request.transport
        if transport is None:
            raise ConnectionResetError
        if reset:
            made = transport.get_extra_info("socket")
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        transport.close()
