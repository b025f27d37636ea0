"""The HTTP server around the application: its limits, and what it says to those who speak no HTTP.

Law of this file: what aiohttp decides before there is a request. Its defaults let a client take an hour for
its headers, repeat a broken request's bytes to the client and in the log, and do not notice a client that
leaves while nothing is written (PITFALLS section 1); none of that here.
"""

from asyncio import get_running_loop

from aiohttp import web

from tokenweir.gateway.connection import MAX_HEADERS, MAX_LINE_BYTES, Connection
from tokenweir.gateway.gateway import GATEWAY, Gateway

KEEP_ALIVE = 8.0
"""Seconds in which a request's headers must have come (fault R04), and for which an idle connection is kept:
longer than the usual clients keep theirs, so that it is they who close. aiohttp has one clock for both."""

LINGER = 2.0
"""Seconds for which the rest of a refused body is read and thrown away, so that the refusal arrives."""

READ_BYTES = 65_536
"""Of a body, ahead of whoever reads it."""

CLOSING = 0.05
"""Seconds for connections that are still open in the end: by then every answer has had its own end."""


class _Server(web.Server):
    gateway: Gateway

    def __call__(self) -> Connection:
        return Connection(
            self.gateway,
            self,
            loop=get_running_loop(),
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=LINGER,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            max_line_size=MAX_LINE_BYTES,
            read_bufsize=READ_BYTES,
        )


class _Runner(web.AppRunner):
    __slots__ = ()

    async def _make_server(self) -> web.Server:
        """The application's own server, but with our connections."""
        made = await super()._make_server()
        factory = made.request_factory
        server = _Server(made.request_handler, request_factory=factory, handler_cancellation=True)
        server.gateway = self.app[GATEWAY]
        return server


def runner_for(app: web.Application) -> web.AppRunner:
    """What serves this application. A handler is cancelled as soon as its client has left (PROMISES P11)."""
    return _Runner(app, shutdown_timeout=CLOSING)
