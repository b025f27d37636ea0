"""One request over aiohttp.

Law of this file: the life of one connection: sending, the headers, the deadline's timer, rescue, and
letting go. The traps of aiohttp's reader are handled here (docs/decisions/2026-11-20-transport.md);
what its exceptions mean stands in aiohttp_faults.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from math import inf

import aiohttp

from tokenweir.pipeline.aiohttp_faults import BrokenBodyError, failure_of
from tokenweir.pipeline.connection import DeadlinePassed, HTTPRequest, origin
from tokenweir.pipeline.events import Failure

LINGER = 0.25
"""Seconds in which a body may end after the backend's last word, so that its connection is kept."""

STALE = 1.0
"""Seconds in which a pooled connection that its peer had closed meanwhile shows it."""


class AiohttpConnection:
    """One request over aiohttp. Reading past the headers is aiohttp's own `readany`: no frame of ours
    stands between the stream and the socket's buffer."""

    def __init__(self, session: aiohttp.ClientSession, request: HTTPRequest, connect: float | None) -> None:
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.connected = False
        self.reused = False
        self.deadline = inf
        self.armed = inf
        self.read: Callable[[], Awaitable[bytes | None]] = self._first
        self._session = session
        self._url = request.url
        self._request: HTTPRequest | None = request  # until it is sent
        self._connect = connect
        self._loop = asyncio.get_running_loop()
        self._sending: asyncio.Task[aiohttp.ClientResponse] | None = None
        self._response: aiohttp.ClientResponse | None = None
        self._lost: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looked_at: int | None = None
        self._over = False

    async def _send(self, request: HTTPRequest) -> aiohttp.ClientResponse:
        """A pooled connection that its peer had closed meanwhile says so at once, and nobody has acted
        on the request: then it is sent on the next one (fault U23)."""
        while True:
            self.connected = self.reused = False  # what the last try was on says nothing of the next
            began = self._loop.time()
            try:
                return await self._ask(request)
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                if not self.reused or self._loop.time() - began > STALE:
                    raise

    async def _ask(self, request: HTTPRequest) -> aiohttp.ClientResponse:
        return await self._session.request(
            request.method,
            request.url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect),
            trace_request_ctx=self,
        )

    async def _first(self) -> bytes | None:
        """Send, and wait for the headers. The task outlives a cancelled wait, so that the next call
        goes on; `close` ends it."""
        if self._request is not None:
            self._sending = self._loop.create_task(self._send(self._request))
            self._request = None
        sending = self._sending
        if sending is not None:
            await asyncio.wait({sending})
        if sending is None or self._sending is not sending:
            raise ConnectionAbortedError
        self._sending = None  # an open stream keeps nothing that it needs no more
        response = self._response = sending.result()
        self.status, self.headers = response.status, response.headers
        self.read = response.content.readany
        self._follow(response)
        return None

    def _follow(self, response: aiohttp.ClientResponse) -> None:
        """aiohttp does not tell its reader that a body's framing is broken, it only closes the
        connection: the reader would wait for ever. So look when the connection is gone."""
        protocol = response.connection.protocol if response.connection else None
        if protocol is not None:
            self._lost = protocol.closed
            if self._lost is None:
                self._gone(None)
            else:
                self._lost.add_done_callback(self._gone)

    def _gone(self, lost: "asyncio.Future[None] | None") -> None:
        _look(lost)
        content = self._response.content if self._response else None
        if content is not None and not content.is_eof() and content.exception() is None:
            content.set_exception(BrokenBodyError())

    def arm(self) -> None:
        """One timer, moved only when it comes: most reads are over long before."""
        if self._response is not None:
            if self._timer is not None:
                self._timer.cancel()
            self.armed = self.deadline
            self._timer = self._loop.call_at(self.deadline, self._due)

    def _due(self) -> None:
        """The timer has come. If a read still waits past its deadline, look once more after the loop
        has polled the socket (it may have been blocked: data wins, faults T03 and T04)."""
        self._timer, self.armed = None, inf
        looked_at, self._looked_at = self._looked_at, None
        if self.deadline == inf or self._response is None:
            return
        content = self._response.content
        if self.deadline > self._loop.time():
            self.arm()
        elif looked_at is None:
            self._looked_at, self.armed = content.total_bytes, self.deadline
            self._timer = self._loop.call_later(0, self._due)
        elif looked_at == content.total_bytes and not content.is_eof():
            content.set_exception(DeadlinePassed())

    def rescue(self) -> bytes:
        """aiohttp raises a stored exception before it looks at its buffer: take the buffer first."""
        if self._response is None:
            return b""
        content = self._response.content
        content.set_exception(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - clears it (PITFALLS 0.1)
        try:
            return content.read_nowait(-1)
        except (RuntimeError, aiohttp.ClientError):
            return b""

    def failure(self, fault: Exception) -> Failure | None:
        if self._over:
            return Failure("shutting_down", "the source was closed while it answered")
        return failure_of(fault, origin(self._url), self._connect, answered=self.status is not None)

    def release(self) -> None:
        """The backend has had its last word. Where its body ends soon too, aiohttp keeps the connection
        for the next request; one that goes on is closed (fault U26)."""
        if self._response is None or self._response.content.is_eof():
            self.close()
            return
        if self._timer is not None:
            self._timer.cancel()
        self.deadline = inf
        self._timer = self._loop.call_later(LINGER, self.close)
        self._response.content.on_eof(self.close)

    def close(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lost is not None:
            self._lost.remove_done_callback(self._gone)
            self._lost.remove_done_callback(_look)
            self._lost.add_done_callback(_look)
            self._lost = None
        sending, self._sending = self._sending, None
        response, self._response = self._response, None
        if response is not None:
            response.close()
        elif sending is not None:
            sending.add_done_callback(_close_result)
            sending.cancel()


def _look(lost: "asyncio.Future[None] | None") -> None:
    """What broke a connection is its reader's news; a future that nobody looked at would be logged."""
    if lost is not None and not lost.cancelled():
        lost.exception()


def _close_result(task: "asyncio.Task[aiohttp.ClientResponse]") -> None:
    """The answer came while we were leaving."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
