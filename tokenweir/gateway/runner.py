"""The HTTP server around the application: its limits, and what it says to those who speak no HTTP.

Law of this file: what aiohttp decides before there is a request. Its defaults let a client take an hour for
its headers, repeat a broken request's bytes to the client and in the log, and do not notice a client that
leaves while nothing is written (PITFALLS section 1); none of that here.
"""

from asyncio import get_running_loop
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from tokenweir.gateway.guard import SERVER
from tokenweir.gateway.log import log_refused, log_trouble
from tokenweir.gateway.refused import Refused, bad_request, response_to
from tokenweir.pipeline.events import Failure

KEEP_ALIVE = 8.0
"""Seconds in which a request's headers must have come (fault R04), and for which an idle connection is kept:
longer than the usual clients keep theirs, so that it is they who close. aiohttp has one clock for both."""

LINGER = 2.0
"""Seconds for which the rest of a refused body is read and thrown away, so that the refusal arrives."""

MAX_HEADERS = 64
MAX_LINE_BYTES = 8190
"""Of the request line, and of each header."""

READ_BYTES = 65_536
"""Of a body, ahead of whoever reads it."""

CLOSING = 0.05
"""Seconds for connections that are still open in the end: by then every answer has had its own end."""

_MALFORMED, _TOO_LARGE = 400, 431


class Connection(web.RequestHandler):
    """One client's connection. Nothing of a broken request is repeated or logged (PROMISES P24)."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no request, in the form of all refusals. `message` has bytes of it."""
        if request.writer.output_size > 0:
            raise ConnectionError("there is no room for an answer any more")
        refused = _refused(status, exc, message or "")
        log_refused("none", "none", "none", refused.status, refused.failure.kind)
        response = response_to(refused)
        response.headers["Server"] = SERVER
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """A bug outside of every handler: its kind alone, since its text may have anything in it."""
        log_trouble("bug", error=type(kw.get("exc_info")).__name__, where=str(args[0]) if args else "")


def _refused(status: int, exc: BaseException | None, message: str) -> Refused:
    if status != _MALFORMED:
        log_trouble("bug", error=type(exc).__name__)
        return Refused(Failure("stage", "something went wrong in the gateway; its log tells"))
    if isinstance(exc, LineTooLong) or message.startswith("Too many headers"):
        said = f"more than {MAX_HEADERS} headers, or one of more than {MAX_LINE_BYTES} bytes"
        return bad_request(said, status=_TOO_LARGE)
    return bad_request("this is no valid HTTP request")


class _Server(web.Server):
    def __call__(self) -> Connection:
        return Connection(
            self,
            loop=get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # aiohttp takes None for no log, and its type does not say so
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
        return _Server(made.request_handler, request_factory=made.request_factory, handler_cancellation=True)


def runner_for(app: web.Application) -> web.AppRunner:
    """What serves this application. A handler is cancelled as soon as its client has left (PROMISES P11)."""
    return _Runner(app, shutdown_timeout=CLOSING)
