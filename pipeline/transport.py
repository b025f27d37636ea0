"""The one edge to aiohttp's client.

Law of this file: the session and its pool. With aiohttp_connection.py (one request), aiohttp_socket.py
(one websocket) and aiohttp_faults.py (what its exceptions mean) it handles every trap of aiohttp's
client, and nothing else does (docs/decisions/2026-11-20-transport.md lists them): no redirects (they
leak keys and re-post the prompt), no hidden total timeout, no cookies shared, no decompression, bytes
that had arrived before a fault are rescued, and no exception of aiohttp gets out (its `repr` shows
credentials).

The rest of the library needs only `Transport` and `Connection`: trio users bring their own, tests
use tokenweir.testing. The aiohttp one runs on asyncio.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import aiohttp

from tokenweir.pipeline.aiohttp_connection import AiohttpConnection
from tokenweir.pipeline.aiohttp_socket import AiohttpSocket, Dialog, RedirectedError
from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.errors import MisuseError

READ_SIZE = 65_536
"""aiohttp buffers at most twice this many bytes per stream."""


class AiohttpTransport:
    """HTTP/1.1 over aiohttp: one session per event loop, made at the first request there."""

    def __init__(self) -> None:
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    def open(self, request: HTTPRequest, connect: float | None) -> AiohttpConnection:
        pool = self._pool()
        connection = AiohttpConnection(pool.session, request, connect)
        pool.live.add(connection)
        return connection

    def converse(self, request: HTTPRequest, dialog: Dialog, connect: float | None) -> AiohttpSocket:
        """A websocket at the request's address that has said nothing yet; its headers go with the
        handshake, its body nowhere."""
        pool = self._pool()
        connection = AiohttpSocket(pool.session, request, dialog, connect)
        pool.live.add(connection)
        return connection

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
        trace.on_request_redirect.append(_redirected)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            read_bufsize=READ_SIZE,
            trace_configs=[trace],
        )
        self.live: WeakSet[AiohttpConnection | AiohttpSocket] = WeakSet()
        self.guard = _guard(self.session, self.live)
        with suppress(StopIteration):
            self.guard.__anext__().send(None)


_HELD: set[aiohttp.ClientSession] = set()
"""Sessions that no guard has closed yet. Of a circle that is collected, every member is finalized at once:
held here, a session is no member, and its guard comes first."""


async def _guard(
    session: aiohttp.ClientSession, live: WeakSet[AiohttpConnection | AiohttpSocket]
) -> AsyncGenerator[None]:
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
    connection: AiohttpConnection | None = context.trace_request_ctx
    if connection is not None:  # a websocket says so itself
        connection.connected, connection.reused = True, False


async def _reused(_session: object, context: Any, _params: object) -> None:
    connection: AiohttpConnection | None = context.trace_request_ctx
    if connection is not None:
        connection.connected = connection.reused = True


async def _redirected(_session: object, _context: object, _params: object) -> None:
    """A websocket's handshake would follow it; a request never does."""
    raise RedirectedError
