"""A recording as a server: any client can ask it, and gets what was recorded.

Law of this file: the server's life and the choice of the answer. How the recording is played stands in
pipeline/sources/playback.py, and it is performed as the simulator performs its replies. It runs on
asyncio, where aiohttp runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import cycle
from types import TracebackType
from typing import Self

import anyio
from aiohttp import web
from msgspec import Struct

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.recording import Ended, Exchange
from tokenweir.simulator.exchange import Performance
from tokenweir.simulator.frames import Ending, Frame
from tokenweir.simulator.reply import Reply

_BODY_LIMIT = 64 * 1024 * 1024
_CLOSE_PATIENCE = 0.02
"""Seconds for answers that are about to end; aiohttp waits them twice, and 60 by default."""

_ENDINGS: Mapping[Ended, Ending] = {"body": "complete", "left": "complete", "broken": "fin", "stall": "stall"}

_FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers of how a body is sent, which this server does in its own way."""


class Answered(Struct, frozen=True):
    """One request that was answered: its path, the status (None where the connection broke before), the
    bytes of the body that went out, and whether the client stayed to the end."""

    path: str
    status: int | None
    bytes_written: int
    stayed: bool


class ReplayServer:
    """Serves the exchanges of a recording, as `played` gives them.

    `async with ReplayServer(exchanges) as server:` answers at `server.url` until the block ends. A POST
    to any path gets an answer, request number n the nth one, and the first one again after the last.
    `port` 0 takes a free one; `on_answer` is told of each.

    Raises OSError where the address cannot be had, MisuseError where there is no exchange.
    """

    def __init__(
        self,
        exchanges: Sequence[Exchange],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        on_answer: Callable[[Answered], None] | None = None,
    ) -> None:
        if not exchanges:
            raise MisuseError("there is nothing to replay")
        self.url = ""
        self._next = cycle(exchanges)
        self._host = host
        self._port = port
        self._on_answer = on_answer
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_post("/{path:.*}", self._answer)
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=_CLOSE_PATIENCE
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.url = f"http://{self._host}:{runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            with anyio.move_on_after(1.0, shield=True):
                await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        exchange = next(self._next)
        clock = running_clock()
        performance = Performance(request, reply_of(exchange), clock)
        stayed = False
        try:
            with suppress(ConnectionError):
                if exchange.status is None:
                    await anyio.sleep(exchange.ended_at)
                    _hang_up(request)
                else:
                    await performance.run()
                stayed = True
        finally:
            if self._on_answer is not None:
                self._on_answer(Answered(request.path, exchange.status, performance.written, stayed))
        return performance.response


def reply_of(exchange: Exchange) -> Reply:
    """An exchange as what the server sends. Its length is said where that was said and is still true."""
    length = sum(len(piece.data) for piece in exchange.pieces)
    said = {name.lower(): value for name, value in exchange.headers.items()}
    headers = {name: value for name, value in exchange.headers.items() if name.lower() not in _FRAMING}
    if said.get("content-length") == str(length):
        headers["Content-Length"] = str(length)
    return Reply(exchange.status or 0, headers, _frames(exchange), _ENDINGS[exchange.ended])


def _frames(exchange: Exchange) -> Iterator[Frame]:
    """The headers go with the first frame; the end comes when it came."""
    yield Frame(exchange.head_at, b"")
    for piece in exchange.pieces:
        yield Frame(piece.at, piece.data)
    if exchange.ended != "stall":
        yield Frame(exchange.ended_at, b"")


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
