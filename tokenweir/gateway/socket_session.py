"""What goes on on one websocket: requests, orders and answers, until either side closes it.

Law of this file: the life of one websocket. A request is the body of a chat; `{"type":"cancel"}` ends its
answer, and another request may follow. What is wrong with one is told in a frame, and the socket stays. Each
request is let in anew: a key that was withdrawn asks nothing more on a socket that it had opened before
(PROMISES P26). A socket on which nothing goes on gives its place back, and so does one that nobody reads.
"""

from typing import Any

import anyio
import msgspec
from aiohttp import WSMsgType, web
from anyio.abc import TaskGroup

from tokenweir.gateway.body import decode
from tokenweir.gateway.gateway import CLIENT, GATEWAY, Phase
from tokenweir.gateway.guard import still_let_in
from tokenweir.gateway.log import log_trouble
from tokenweir.gateway.reader import Reader
from tokenweir.gateway.refused import SHUTTING_DOWN, Refused, bad_request, error_of
from tokenweir.gateway.socket_answer import SocketAnswer
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import SinkError
from tokenweir.pipeline.events import End, Failure
from tokenweir.sinks.websocket import close_code, websocket

IDLE = 600.0
"""Seconds without an answer under way after which a websocket is closed: its place is for those who ask."""

RESTART, BROKEN = close_code(End("error", SHUTTING_DOWN)), close_code(End("error"))
GOING_AWAY, NOT_ALLOWED = 1001, 1008
"""Close codes of RFC 6455, section 7.4.1: nothing went on, and whoever opened it may not ask any more."""

_CANCELLED = Failure("cancelled", "the client cancelled it")
_BUG = Failure("stage", "something went wrong in the gateway; its log tells")
_ANOTHER_KEY = Failure(
    "auth", "this websocket was opened with another client's key: open it anew", code="invalid_api_key"
)
_NOT_LET_IN = frozenset({401, 403, 421})


class Session:
    """One websocket of one client, by the name of its key. It reads in the handler's task, and answers in
    another."""

    def __init__(self, request: web.Request, ws: web.WebSocketResponse) -> None:
        limits = request.app[GATEWAY].setup.config.limits
        self.client = request.get(CLIENT)
        self._request = request
        self._gateway = request.app[GATEWAY]
        self._ws = ws
        self._group: TaskGroup | None = None
        self._sink = websocket(ws, write_timeout=limits.write_timeout_secs)
        self._reader = Reader(request.transport, limits.write_timeout_secs)
        self._answer: SocketAnswer | None = None
        self._rests_since = running_clock()()

    async def run(self) -> None:
        """Read until the socket is closed; the answer under way ends with it."""
        async with anyio.create_task_group() as self._group:
            await self._read()
            self._group.cancel_scope.cancel()

    def beat(self, now: float) -> None:
        """Look after the connection, once a second, until it is gone: longer than the socket is served, where
        nobody takes what still waits."""
        transport = self._request.transport
        if transport is None:
            self._gateway.beats.discard(self.beat)
        elif transport.get_write_buffer_size():
            self._reader.look(now)
        else:
            self._reader.took_all()
        if self._answer is not None:
            self._rests_since = now
        elif now - self._rests_since >= IDLE and self._group is not None and not self._ws.closed:
            self._group.start_soon(self._close, GOING_AWAY, b"nothing was asked for too long")

    async def shut_down(self) -> None:
        """Close it, since the gateway ends."""
        try:
            await self._close(RESTART, b"the gateway is shutting down")
        finally:
            transport = self._request.transport
            if transport is not None and transport.get_write_buffer_size():
                transport.abort()

    async def _read(self) -> None:
        async for message in self._ws:
            try:
                self._take(message.type, message.data)
            except Refused as refused:
                if not await self._tell(refused):
                    return
                if refused.status in _NOT_LET_IN:
                    await self._close(NOT_ALLOWED, b"the key or the page is not allowed any more")

    def _take(self, kind: WSMsgType, data: Any) -> None:
        if kind is not WSMsgType.TEXT:
            raise bad_request("a request is a text frame with JSON")
        limits = self._gateway.setup.config.limits
        body = decode(data.encode("utf-8", "replace"), limits.max_depth)
        if "type" in body:
            self._order(body)
        elif self._gateway.phase is Phase.DRAINING:
            raise Refused(SHUTTING_DOWN)
        elif self._answer is not None:
            raise bad_request("an answer is under way on this socket: cancel it, or wait for its end")
        else:
            self._begin(body)

    def _order(self, body: dict[str, Any]) -> None:
        if body != {"type": "cancel"}:
            raise bad_request('the only order is {"type":"cancel"}; a request has no `type`', "type")
        if self._answer is not None:
            self._answer.stop(_CANCELLED)

    def _begin(self, body: dict[str, Any]) -> None:
        if still_let_in(self._request) != self.client:
            raise Refused(_ANOTHER_KEY, 401)
        self._answer = SocketAnswer(self._request, body, self._reader)
        if self._group is not None:
            self._group.start_soon(self._run, self._answer)

    async def _run(self, answer: SocketAnswer) -> None:
        try:
            await answer.run(self._sink)
        except Refused as refused:
            await self._tell(refused)
        except SinkError:  # it has left, or does not read: without an end, the socket says so itself
            await self._close(BROKEN, b"")
        except Exception as bug:  # noqa: BLE001 - the client is told nothing of it, and the log is
            log_trouble("bug", request=answer.request_id, error=f"{type(bug).__name__}: {bug}")
            await self._tell(Refused(_BUG))
        finally:
            self._answer = None
        if self._gateway.phase is Phase.DRAINING:
            await self.shut_down()

    async def _tell(self, refused: Refused) -> bool:
        """Whether the peer is still there."""
        told = {"type": "error", "status": refused.status, **error_of(refused)}
        try:
            await self._ws.send_str(msgspec.json.encode(told).decode())
        except ConnectionError:
            return False
        return True

    async def _close(self, code: int, why: bytes) -> None:
        await self._ws.close(code=code, message=why)
