"""One question to a backend that nobody trusts: asked, heard, and let go of in time.

Law of this file: the bounds, in seconds and bytes, and how an answer ended. Whoever drips, floods, stalls
or hangs up costs no more than `Bounds` says. What was said is read elsewhere.
"""

from typing import Literal, Protocol

import anyio
from msgspec import Struct

from tokenweir.pipeline.clock import Clock, running_clock
from tokenweir.pipeline.connection import Connection, HTTPRequest
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.sources.http import HTTPSource

_OK = 200

Ended = Literal["whole", "broken", "late", "large", "open", "left"]
"""How an answer ended: as HTTP asks; with the connection; it took too long; it became too large; the body
went on after the backend's last word; we left."""


class Bounds(Struct, frozen=True):
    """What one answer may take. Seconds: `first` until the first content (a model may load meanwhile),
    `silence` between two pieces after it, `total` from it to the end, `linger` from the backend's last
    word to the end of the body, `short` for a question that loads and generates nothing. `size` is in
    bytes."""

    first: float = 300.0
    silence: float = 20.0
    total: float = 60.0
    linger: float = 0.5
    short: float = 5.0
    size: int = 2 * 1024 * 1024


class Heard(Struct):
    """What came. Times are seconds since the question; `head` is when the headers were there. `failure`
    says what broke, or what a refusal means."""

    status: int | None = None
    content_type: str = ""
    server: str = ""
    body: bytes = b""
    ended: Ended = "whole"
    failure: Failure | None = None
    head: float | None = None
    seconds: float = 0.0


class Ear(Protocol):
    """Who listens to an answer as it comes."""

    content: float | None
    """When the first content came."""
    over: float | None
    """When the backend said its last word."""

    def feed(self, at: float, data: bytes) -> None:
        """Take what came."""
        ...


class _Deaf:
    content: float | None = None
    over: float | None = None

    def feed(self, at: float, data: bytes) -> None:
        """Nobody listens."""


async def hear(
    source: HTTPSource, asked: HTTPRequest, bounds: Bounds, ear: Ear | None = None, *, leave: bool = False
) -> Heard:
    """Ask, and hear the answer to its end or to a bound; with `leave`, to the first content. It raises
    nothing that a backend can cause."""
    clock, connection, heard = running_clock(), source.connection(asked), Heard()
    began = clock()
    listening = _Listening(connection, heard, bounds, ear or _Deaf(), leave=leave)
    try:
        await listening.run(lambda: clock() - began)
    except Exception as fault:
        heard.failure = connection.failure(fault)
        if heard.failure is None:
            raise
        heard.ended = "broken"
        listening.take(clock() - began, connection.rescue())
    finally:
        connection.close()
    heard.seconds = clock() - began
    heard.body = bytes(listening.body)
    if heard.status is not None and not source.accepts(heard.status, connection.headers):
        heard.failure = source.refusal(heard.status, connection.headers, heard.body)
    return heard


class _Listening:
    """One answer on its way."""

    def __init__(
        self, connection: Connection, heard: Heard, bounds: Bounds, ear: Ear, *, leave: bool
    ) -> None:
        self.body = bytearray()
        self._connection = connection
        self._heard = heard
        self._bounds = bounds
        self._ear = ear
        self._leave = leave
        self._last = 0.0

    async def run(self, now: Clock) -> None:
        """Read to an end."""
        heard, connection = self._heard, self._connection
        while True:
            data: bytes | None = None
            with anyio.move_on_after(max(0.0, self._until() - now())) as waiting:
                data = await connection.read()
            if waiting.cancelled_caught:
                heard.ended = "late" if self._ear.over is None else "open"
                return
            at = now()
            if data is None:
                heard.status, heard.head = connection.status, at
                heard.content_type = connection.headers.get("Content-Type", "")
                heard.server = connection.headers.get("Server", "")
            elif not data or not self.take(at, data):
                return

    def take(self, at: float, data: bytes) -> bool:
        """Keep what came; whether to go on."""
        self._last = at
        if not data:
            return True
        self.body += data[: self._bounds.size + 1 - len(self.body)]
        if self._heard.status == _OK:
            self._ear.feed(at, data)
        if len(self.body) > self._bounds.size:
            self._heard.ended = "large"
            return False
        if self._leave and self._ear.content is not None and self._ear.over is None:
            self._heard.ended = "left"
            return False
        return True

    def _until(self) -> float:
        ear, bounds = self._ear, self._bounds
        if ear.over is not None:
            return ear.over + bounds.linger
        if ear.content is None:
            return bounds.first
        return min(self._last + bounds.silence, ear.content + bounds.total)
