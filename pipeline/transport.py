"""The one edge to aiohttp's client.

Law of this file: bytes out, bytes in, and every trap of aiohttp's client is handled here and nowhere
else (docs/decisions/2026-11-20-transport.md lists them): no redirects (they leak keys and re-post the
prompt), no hidden total timeout, no cookies shared, no decompression, bytes that had arrived before
a fault are rescued, and no exception of aiohttp gets out (its `repr` shows credentials).

The rest of the library needs only `Transport` and `Connection`: trio users bring their own, tests
use tokenweir.testing. The aiohttp one runs on asyncio.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Any, Protocol
from weakref import WeakSet

import aiohttp
from aiohttp.http_exceptions import ContentLengthError, HttpProcessingError
from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure

READ_SIZE = 65_536
"""aiohttp buffers at most twice this many bytes per stream."""

LINGER = 0.25
"""Seconds in which a body may end after the backend's last word, so that its connection is kept."""

STALE = 1.0
"""Seconds in which a pooled connection that its peer had closed meanwhile shows it."""


class HTTPRequest(Struct, frozen=True):
    """What to send. `headers` may hold credentials: this value is never logged."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"<HTTPRequest {self.method} {_origin(self.url)}>"


class DeadlinePassed(Exception):  # noqa: N818 - a signal between connection and stream, never shown
    """`Connection.deadline` passed while a read waited."""


class Connection(Protocol):
    """One request and its answer.

    `read` gives the next bytes as they come, and `b""` at the end of the body. Its first call sends
    the request and gives None when the headers have come. It is safe to cancel: nothing is lost, the
    next call goes on. A read that waits past `deadline` (on the event loop's clock; infinite until
    the first content) raises DeadlinePassed; one that waits while another task closes raises too.

    A connection that can serve another request also has `release()`, called in the place of `close`
    when the backend has had its last word.
    """

    @property
    def deadline(self) -> float:
        """Until when a read may wait; the stream sets it before each read, and to infinity after."""
        ...

    @deadline.setter
    def deadline(self, value: float) -> None: ...

    @property
    def status(self) -> int | None:
        """The HTTP status, once the headers have come."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers; their names compare without case."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the peer has accepted the connection."""
        ...

    @property
    def armed(self) -> float:
        """Until when a passed deadline is noticed without `arm`."""
        ...

    @property
    def read(self) -> Callable[[], Awaitable[bytes | None]]:
        """The next bytes; None when the headers have come, and nothing else yet."""
        ...

    def arm(self) -> None:
        """Called when `deadline` is earlier than `armed`: make sure that it will be noticed."""
        ...

    def rescue(self) -> bytes:
        """After a failed read: what had arrived before the fault."""
        ...

    def failure(self, fault: Exception) -> Failure | None:
        """What an exception of `read` means; None if it is not the connection's."""
        ...

    def close(self) -> None:
        """Let go at once, without waiting; the peer sees the end of the connection."""
        ...


class Transport(Protocol):
    """Opens connections."""

    def open(self, request: HTTPRequest, connect: float | None) -> Connection:
        """A connection that has sent nothing yet; `connect` bounds connecting, in seconds."""
        ...

    async def aclose(self) -> None:
        """Close what is pooled."""
        ...


class AiohttpTransport:
    """HTTP/1.1 over aiohttp: one session per event loop, made at the first request there."""

    def __init__(self) -> None:
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    def open(self, request: HTTPRequest, connect: float | None) -> "AiohttpConnection":
        return AiohttpConnection(self._pool(), request, connect)

    def _pool(self) -> "_Pool":
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            msg = "aiohttp runs on asyncio only: on trio, give the source a transport= of your own"
            raise MisuseError(msg) from None
        pool = self._pools.get(loop)
        if pool is None or pool.session.closed:
            self._pools = {known: pool for known, pool in self._pools.items() if not known.is_closed()}
            pool = self._pools[loop] = _Pool()
        return pool

    async def aclose(self) -> None:
        """Close what belongs to the running event loop; other loops close theirs when they end."""
        if self._pools:
            pool = self._pools.pop(asyncio.get_running_loop(), None)
            if pool is not None:
                await pool.guard.aclose()


class _Pool:
    """A session on one event loop, and what was opened through it."""

    def __init__(self) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(_connected)
        trace.on_connection_reuseconn.append(_reused)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            read_bufsize=READ_SIZE,
            trace_configs=[trace],
        )
        self.live: WeakSet[AiohttpConnection] = WeakSet()
        self.guard = _guard(self.session, self.live)
        with suppress(StopIteration):
            self.guard.__anext__().send(None)


_HELD: set[aiohttp.ClientSession] = set()
"""Sessions that no guard has closed yet. Of a circle that is collected, every member is finalized at once:
held here, a session is no member, and its guard comes first."""


async def _guard(session: aiohttp.ClientSession, live: "WeakSet[AiohttpConnection]") -> AsyncGenerator[None]:
    """Closes everything in time where nobody else did: an event loop closes the async generators that
    are left when it ends, and those that nobody holds any more. Later, a socket can no longer be
    closed, and the interpreter complains."""
    _HELD.add(session)
    try:
        yield
    finally:
        for connection in list(live):
            connection.close()
        await session.close()
        _HELD.discard(session)


async def _connected(_session: object, context: Any, _params: object) -> None:
    connection: AiohttpConnection = context.trace_request_ctx
    connection.connected, connection.reused = True, False


async def _reused(_session: object, context: Any, _params: object) -> None:
    connection: AiohttpConnection = context.trace_request_ctx
    connection.connected = connection.reused = True


class AiohttpConnection:
    """One request over aiohttp. Reading past the headers is aiohttp's own `readany`: no frame of ours
    stands between the stream and the socket's buffer."""

    def __init__(self, pool: _Pool, request: HTTPRequest, connect: float | None) -> None:
        pool.live.add(self)
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.connected = False
        self.reused = False
        self.deadline = inf
        self.armed = inf
        self.read: Callable[[], Awaitable[bytes | None]] = self._first
        self._session = pool.session
        self._request = request
        self._connect = connect
        self._loop = asyncio.get_running_loop()
        self._sending: asyncio.Task[aiohttp.ClientResponse] | None = None
        self._response: aiohttp.ClientResponse | None = None
        self._lost: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looked_at: int | None = None
        self._over = False

    async def _send(self) -> aiohttp.ClientResponse:
        """A pooled connection that its peer had closed meanwhile says so at once, and nobody has acted
        on the request: then it is sent on the next one (fault U23)."""
        while True:
            began = self._loop.time()
            try:
                return await self._ask()
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                if not self.reused or self._loop.time() - began > STALE:
                    raise

    async def _ask(self) -> aiohttp.ClientResponse:
        return await self._session.request(
            self._request.method,
            self._request.url,
            data=self._request.body,
            headers=self._request.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect),
            trace_request_ctx=self,
        )

    async def _first(self) -> bytes | None:
        """Send, and wait for the headers. The task outlives a cancelled wait, so that the next call
        goes on; `close` ends it."""
        if self._sending is None:
            self._sending = self._loop.create_task(self._send())
        sending = self._sending
        await asyncio.wait({sending})
        if self._sending is not sending:
            raise ConnectionAbortedError
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
            content.set_exception(_BrokenBody())

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
        host = _origin(self._request.url)
        if self._over:
            return Failure("shutting_down", "the source was closed while it answered")
        if isinstance(fault, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | ssl.SSLError):
            return Failure("connect", f"TLS with {host} failed: {_tls_reason(fault)}")
        if isinstance(fault, aiohttp.ClientConnectorError):
            return Failure("connect", f"nobody answers at {host}: {_reason(fault.os_error)}", retryable=True)
        if isinstance(fault, aiohttp.ConnectionTimeoutError):
            return Failure(
                "timeout", f"no connection to {host} in {self._connect} s", "connect", retryable=True
            )
        if isinstance(fault, aiohttp.InvalidURL):
            return Failure("bad_request", f"not a URL that can be asked: {host}")
        if not isinstance(fault, aiohttp.ClientError | OSError | HttpProcessingError):
            return None
        broken = _broken(fault)
        if broken is not None:
            return Failure("protocol", f"{host} sent broken HTTP: {broken}")
        if self.status is None:
            return Failure("connect", f"{host} closed the connection without an answer", retryable=True)
        return Failure("truncated", f"{host} closed the connection in the middle of its answer")

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


class _BrokenBody(aiohttp.ClientError):
    """The framing of the body cannot be read."""


def _look(lost: "asyncio.Future[None] | None") -> None:
    """What broke a connection is its reader's news; a future that nobody looked at would be logged."""
    if lost is not None and not lost.cancelled():
        lost.exception()


def _close_result(task: "asyncio.Task[aiohttp.ClientResponse]") -> None:
    """The answer came while we were leaving."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _broken(fault: Exception) -> str | None:
    """The name of what is wrong with the peer's HTTP; None where it was only cut short."""
    if isinstance(fault, _BrokenBody):
        return "its body is framed wrongly"
    found: BaseException | None = None
    seen: BaseException | None = fault
    while seen is not None:
        if isinstance(seen, HttpProcessingError):
            found = seen
        seen = seen.__cause__
    if found is None:
        return type(fault).__name__ if isinstance(fault, aiohttp.ClientResponseError) else None
    short = isinstance(found, ContentLengthError) or "Not enough data" in str(found)
    return None if short else type(found).__name__


def _origin(url: str) -> str:
    """Scheme, host and port: the part of a URL that can hold no secret once userinfo is refused."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0].rpartition('@')[2]}"


def _tls_reason(fault: Exception) -> str:
    inner = getattr(fault, "certificate_error", None) or getattr(fault, "os_error", fault)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {inner.verify_message}"
    if isinstance(inner, ssl.SSLError) and inner.reason:
        return inner.reason.replace("_", " ").lower()
    return type(inner).__name__


def _reason(fault: BaseException | None) -> str:
    """Why, without anything that the request carried."""
    if isinstance(fault, ConnectionRefusedError):
        return "connection refused (is the server running?)"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror.split("[", 1)[0].strip() or type(fault).__name__
    return type(fault).__name__
