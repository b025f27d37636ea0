"""`GET /v1/stream`: a websocket on which requests go in and events come out, one answer after another.

Law of this file: the life of one websocket. A request is the body of a chat; `{"type":"cancel"}` ends its
answer, and another request may follow. What is wrong with one is told in a frame, and the socket stays. Who
may open one was decided before the upgrade (PROMISES P26).

    {"messages": [...]}  ─>
                        <─  {"type":"phase",...} {"type":"delta",...} {"type":"end",...}
    {"type":"cancel"}    ─>
                        <─  {"type":"end","outcome":"cancelled",...}
"""

from typing import Any

import anyio
import msgspec
from aiohttp import WSMsgType, web
from anyio.abc import TaskGroup

from tokenweir.gateway.body import decode
from tokenweir.gateway.gateway import GATEWAY, Phase
from tokenweir.gateway.log import log_trouble
from tokenweir.gateway.refused import Refused, bad_request, error_of
from tokenweir.gateway.socket_answer import SHUTTING_DOWN, SocketAnswer
from tokenweir.pipeline.errors import SinkError
from tokenweir.pipeline.events import End, Failure
from tokenweir.sinks.websocket import close_code, websocket

HEARTBEAT = 20.0
"""Seconds between two pings; a peer that does not answer one within half of that is cut (fault D10)."""

CLOSE_PATIENCE = 5.0
"""Seconds for the peer's half of the closing (fault D11)."""

RESTART, BROKEN = close_code(End("error", SHUTTING_DOWN)), close_code(End("error"))

_CANCELLED = Failure("cancelled", "the client cancelled it")
_BUG = Failure("stage", "something went wrong in the gateway; its log tells")
_UPGRADE_REQUIRED = 426

SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])


async def events_socket(request: web.Request) -> web.WebSocketResponse:
    """Serve one websocket until either side closes it; there may be as many as answers. Raises Refused for
    what is none, and for one too many."""
    limits = request.app[GATEWAY].setup.config.limits
    if len(request.app[SOCKETS]) >= limits.max_streams:
        raise Refused(
            Failure("overloaded", "too many websockets are open (limits.max_streams)", retryable=True)
        )
    ws = web.WebSocketResponse(
        heartbeat=HEARTBEAT,
        timeout=CLOSE_PATIENCE,
        max_msg_size=limits.max_body_bytes,
        compress=False,
    )
    if not ws.can_prepare(request):
        raise _no_websocket()
    await ws.prepare(request)
    sockets = request.app[SOCKETS]
    sockets.add(ws)
    try:
        async with anyio.create_task_group() as group:
            await Session(request, ws, group).run()
            group.cancel_scope.cancel()
    finally:
        sockets.discard(ws)
    return ws


async def close_sockets(app: web.Application) -> None:
    """Close those that are still open: aiohttp cuts them, which a client cannot tell from a crash."""
    sockets = app[SOCKETS]
    async with anyio.create_task_group() as group:
        for ws in list(sockets):
            group.start_soon(_close, ws)


def add_sockets(app: web.Application) -> None:
    """What an application needs that serves this."""
    app[SOCKETS] = set()
    app.on_shutdown.append(close_sockets)


class Session:
    """One websocket. It reads in the handler's task, and answers in another."""

    def __init__(self, request: web.Request, ws: web.WebSocketResponse, group: TaskGroup) -> None:
        self._request = request
        self._gateway = request.app[GATEWAY]
        self._ws = ws
        self._group = group
        self._sink = websocket(ws, write_timeout=self._gateway.setup.config.limits.write_timeout_secs)
        self._answer: SocketAnswer | None = None

    async def run(self) -> None:
        """Read until the socket is closed."""
        async for message in self._ws:
            try:
                await self._take(message.type, message.data)
            except Refused as refused:
                if not await self._tell(refused):
                    return

    async def _take(self, kind: WSMsgType, data: Any) -> None:
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
            self._answer = SocketAnswer(self._request, body)
            self._group.start_soon(self._run, self._answer)

    def _order(self, body: dict[str, Any]) -> None:
        if body != {"type": "cancel"}:
            raise bad_request('the only order is {"type":"cancel"}; a request has no `type`', "type")
        if self._answer is not None:
            self._answer.stop(_CANCELLED)

    async def _run(self, answer: SocketAnswer) -> None:
        try:
            await answer.run(self._sink)
        except Refused as refused:
            await self._tell(refused)
        except SinkError:  # it has left, or does not read: without an end, the socket says so itself
            await self._ws.close(code=BROKEN)
        except Exception as bug:  # noqa: BLE001 - the client is told nothing of it, and the log is
            log_trouble("bug", request=answer.request_id, error=f"{type(bug).__name__}: {bug}")
            await self._tell(Refused(_BUG))
        finally:
            self._answer = None
        if self._gateway.phase is Phase.DRAINING:
            await _close(self._ws)

    async def _tell(self, refused: Refused) -> bool:
        """Whether the peer is still there."""
        told = {"type": "error", "status": refused.status, **error_of(refused)}
        try:
            await self._ws.send_str(msgspec.json.encode(told).decode())
        except ConnectionError:
            return False
        return True


async def _close(ws: web.WebSocketResponse) -> None:
    await ws.close(code=RESTART, message=b"the gateway is shutting down")


def _no_websocket() -> Refused:
    message = "this address is a websocket: ask with Upgrade: websocket"
    return Refused(Failure("bad_request", message), _UPGRADE_REQUIRED, headers={"Upgrade": "websocket"})
