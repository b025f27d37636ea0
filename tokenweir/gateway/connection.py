"""One client's connection: what is said to those who speak no HTTP, and when it is cut.

Law of this file: what holds for every byte on the connection, whichever handler wrote it. Whoever takes none
of what waits for it is cut, also where no handler waits any more: aiohttp keeps a closing connection for as
long as its client likes (PROMISES P14). A client that asks on and on behind a question that is not answered
yet is cut too: aiohttp would stop reading, and nobody would notice that it has left (P11).
"""

from asyncio import BaseTransport, WriteTransport
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.http_exceptions import LineTooLong

from tokenweir.gateway.gateway import Gateway, new_request_id
from tokenweir.gateway.guard import HEADERS, SERVER
from tokenweir.gateway.log import log_refused, log_trouble
from tokenweir.gateway.reader import Reader
from tokenweir.gateway.refused import Refused, bad_request, response_to
from tokenweir.pipeline.events import Failure

MAX_HEADERS = 64
MAX_LINE_BYTES = 8190
"""Of the request line, and of each header."""

GRACE = 2.0
"""Seconds for which a handler that waits for its own write may cut first: it knows whose answer it was."""

_MALFORMED, _TOO_LARGE = 400, 431


class Connection(web.RequestHandler):
    """One client's connection. Nothing of a broken request is repeated or logged (PROMISES P24)."""

    __slots__ = ("_gateway", "_reader", "_watched")

    def __init__(self, gateway: Gateway, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._gateway = gateway
        self._watched: WriteTransport | None = None
        self._reader = Reader(None, 0.0)

    def connection_made(self, transport: BaseTransport) -> None:
        """Somebody has come."""
        super().connection_made(transport)
        self._watched = cast("WriteTransport", transport)
        self._reader = Reader(self._watched, self._gateway.setup.config.limits.write_timeout_secs + GRACE)
        self._gateway.beats.add(self.beat)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._gateway.beats.discard(self.beat)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request, or more requests. Where more of them wait than aiohttp keeps, all are cut; so is
        who talks on before a websocket is open."""
        super().data_received(data)
        self._cut_if_deaf()

    def beat(self, now: float) -> None:
        """Look after the connection: called once a second."""
        self._cut_if_deaf()  # what came in one piece with the question was there before its handler
        if self._watched is not None and self._watched.get_write_buffer_size():
            self._reader.look(now)
        else:
            self._reader.took_all()

    def _cut_if_deaf(self) -> None:
        """Where aiohttp has stopped reading for the sake of what stands behind the question under way: a
        pause is that question's own only while its body is read, and a websocket's is its reader's."""
        asked = self._current_request
        behind = self._reading_paused and asked is not None and asked.content.at_eof()
        if (self._buffer_paused or (behind and self._payload_parser is None)) and self._watched is not None:
            self._watched.abort()

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
        refused, request_id = _refused(status, exc, message or ""), new_request_id()
        log_refused(request_id, "none", "none", refused.status, refused.failure.kind)
        response = response_to(refused)
        response.headers.update({**HEADERS, hdrs.SERVER: SERVER, "X-Request-Id": request_id})
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
