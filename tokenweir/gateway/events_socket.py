"""`GET /v1/stream`: a websocket on which requests go in and events come out, one answer after another.

Law of this file: which websockets are open, and how they end with the gateway. What goes on on one stands in
socket_session.py. Who may open one was decided before the upgrade (PROMISES P26).

    {"messages": [...]}  ─>
                        <─  {"type":"phase",...} {"type":"delta",...} {"type":"end",...}
    {"type":"cancel"}    ─>
                        <─  {"type":"end","outcome":"cancelled",...}
"""

import anyio
from aiohttp import web

from tokenweir.gateway.admission import check_room
from tokenweir.gateway.gateway import CLIENT, GATEWAY, SETUP
from tokenweir.gateway.refused import Refused
from tokenweir.gateway.socket_session import Session
from tokenweir.pipeline.events import Failure

HEARTBEAT = 20.0
"""Seconds between two pings; a peer that does not answer one within half of that is cut (fault D10)."""

CLOSE_PATIENCE = 5.0
"""Seconds for the peer's half of the closing (fault D11)."""

_UPGRADE_REQUIRED = 426

SOCKETS = web.AppKey("sockets", set[Session])


async def events_socket(request: web.Request) -> web.WebSocketResponse:
    """Serve one websocket until either side closes it. Raises Refused for what is none, and for one too many:
    there may be as many as answers, of one key too."""
    gateway, sockets = request.app[GATEWAY], request.app[SOCKETS]
    limits = gateway.setup.config.limits
    check_room([session.client for session in sockets], request.get(CLIENT), limits)
    ws = web.WebSocketResponse(
        heartbeat=HEARTBEAT,
        timeout=CLOSE_PATIENCE,
        max_msg_size=limits.max_body_bytes,
        compress=False,
    )
    if not ws.can_prepare(request):
        raise _no_websocket()
    session = Session(request, ws)
    sockets.add(session)
    request[SETUP].leave()  # a socket may outlive a configuration: each answer enters the one in force
    try:
        await ws.prepare(request)
        gateway.beats.add(session.beat)
        await session.run()
    finally:
        request[SETUP].enter()
        sockets.discard(session)
    return ws


async def close_sockets(app: web.Application) -> None:
    """Close those that are still open: aiohttp cuts them, which a client cannot tell from a crash. Who does
    not take even that is cut."""
    sockets = app[SOCKETS]
    with anyio.move_on_after(CLOSE_PATIENCE):
        async with anyio.create_task_group() as group:
            for session in list(sockets):
                group.start_soon(session.shut_down)


def add_sockets(app: web.Application) -> None:
    """What an application needs that serves this."""
    app[SOCKETS] = set()
    app.on_shutdown.append(close_sockets)


def _no_websocket() -> Refused:
    message = "this address is a websocket: ask with Upgrade: websocket"
    return Refused(Failure("bad_request", message), _UPGRADE_REQUIRED, headers={"Upgrade": "websocket"})
