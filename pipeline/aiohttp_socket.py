r"""One conversation over a websocket of aiohttp, as a connection.

Law of this file: the life of one socket: opening, what is heard, what a Dialog says to it, and letting
go at once. The bytes that it gives are the text messages of the peer, one a line, so that everything
behind a connection (stages, recordings, replay) is what it is for HTTP. What messages mean, and what is
said, is the Dialog's affair.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from math import inf
from typing import Any, Protocol

import aiohttp

from tokenweir.pipeline.aiohttp_faults import failure_of
from tokenweir.pipeline.connection import DeadlinePassed, HTTPRequest, origin
from tokenweir.pipeline.errors import StreamError
from tokenweir.pipeline.events import Failure

MESSAGE_LIMIT = 8 * 1024 * 1024
"""Bytes of one message."""

_OPEN = 200
"""The status of an open socket: what follows is read as an answer."""
_NORMAL = b"\x03\xe8"
"""The code of a close frame (1000)."""
_TEXT, _BINARY = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
_PING, _PONG = aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG
_ALIVE = b"\n"
"""What a ping is to the stages: an empty line, as a keep-alive is a comment over HTTP. Nothing of the answer,
but a byte, and so the end of a silence."""


class Dialog(Protocol):
    """What a client says. No await, no I/O."""

    def begin(self) -> list[str]:
        """Before anything is heard."""
        ...

    def heard(self, message: str, /) -> list[str]:
        """To a message. May raise StreamError, which ends the stream."""
        ...

    def leave(self) -> list[str]:
        """Before leaving early."""
        ...


class RedirectedError(aiohttp.ClientError):
    """A redirect would carry what is said to another origin."""


class AiohttpSocket:
    """One conversation. Nothing is sent before the first read; `deadline` is looked at while waiting."""

    def __init__(
        self, session: aiohttp.ClientSession, request: HTTPRequest, dialog: Dialog, connect: float | None
    ) -> None:
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.connected = False
        self.deadline = inf
        self.armed = -inf
        self.read: Callable[[], Awaitable[bytes | None]] = self._first
        self._session = session
        self._request = request
        self._dialog = dialog
        self._connect = connect
        self._loop = asyncio.get_running_loop()
        self._opening: asyncio.Task[aiohttp.ClientWebSocketResponse] | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._asked = False
        self._over = False

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(self._connect):
                return await self._session.ws_connect(
                    self._request.url,
                    headers=self._request.headers,
                    max_msg_size=MESSAGE_LIMIT,
                    autoping=False,  # aiohttp would answer a ping without telling that one came
                )
        except TimeoutError as late:
            raise aiohttp.ConnectionTimeoutError from late

    async def _first(self) -> bytes | None:
        """Open, and say what begins the conversation. The task outlives a cancelled wait, so that the
        next call goes on; `close` ends it."""
        if not self._asked:
            self._asked = True
            self._opening = self._loop.create_task(self._open())
        opening = self._opening
        if opening is not None:
            await asyncio.wait({opening})
        if opening is None or self._opening is not opening:
            raise ConnectionAbortedError
        self._opening = None
        try:
            self._ws = opening.result()
        except aiohttp.WSServerHandshakeError as refused:
            self.connected, self.status, self.headers = True, refused.status, refused.headers or {}
            self.read = self._nothing
            return None
        self.connected, self.status, self.read = True, _OPEN, self._next
        self._say(self._ws, self._dialog.begin())
        return None

    async def _nothing(self) -> bytes:
        """The body of a refusal, which aiohttp does not keep."""
        return b""

    async def _next(self) -> bytes:
        ws = self._ws
        if ws is None:
            raise ConnectionAbortedError
        try:
            async with asyncio.timeout_at(None if self.deadline == inf else self.deadline):
                message = await ws.receive()
        except TimeoutError:
            raise DeadlinePassed from None
        if self._over:
            raise ConnectionAbortedError
        if message.type is aiohttp.WSMsgType.ERROR:
            raise message.data
        if message.type is _PING:
            _at_once(ws.pong(message.data))
        if message.type in (_PING, _PONG):
            return _ALIVE
        if message.type not in (_TEXT, _BINARY):
            return b""
        text: str = message.data if message.type is _TEXT else message.data.decode("utf-8", "replace")
        self._say(ws, self._dialog.heard(text))
        return text.encode() + b"\n"

    def _say(self, ws: aiohttp.ClientWebSocketResponse, messages: list[str]) -> None:
        for message in messages:
            _at_once(ws.send_str(message))

    def arm(self) -> None:
        """The deadline is looked at while waiting."""

    def rescue(self) -> bytes:
        """aiohttp gives what has arrived before it tells that the socket is gone."""
        return b""

    def failure(self, fault: Exception) -> Failure | None:
        host = origin(self._request.url)
        if self._over:
            return Failure("shutting_down", "the source was closed while it answered")
        if isinstance(fault, StreamError):
            return fault.failure
        if isinstance(fault, RedirectedError):
            message = f"{host} redirects, which is not followed; set base_url to the final address"
            return Failure("upstream", message)
        if isinstance(fault, aiohttp.WebSocketError):
            large = fault.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
            if large:
                return Failure("limit", f"{host} sent a message of more than {MESSAGE_LIMIT} bytes")
            return Failure("protocol", f"{host} sent a broken websocket frame")
        return failure_of(fault, host, self._connect, answered=self.status is not None)

    def release(self) -> None:
        """The backend has had its last word: nothing is left to be cancelled."""
        self._shut([])

    def close(self) -> None:
        self._shut(self._dialog.leave())

    def _shut(self, last: list[str]) -> None:
        if self._over:
            return
        self._over = True
        opening, self._opening = self._opening, None
        ws, self._ws = self._ws, None
        if ws is not None:
            with suppress(ConnectionError, aiohttp.ClientError):
                self._say(ws, last)
                _at_once(ws.send_frame(_NORMAL, aiohttp.WSMsgType.CLOSE))
            _let_go(ws)
        elif opening is not None:
            opening.add_done_callback(_close_result)
            opening.cancel()


def _at_once(sending: Coroutine[Any, Any, None]) -> None:
    """Hand a frame to the socket's buffer, which takes it before it waits for room: so nothing that was
    heard can be lost to a cancelled wait, and the last word can be said without one."""
    try:
        sending.send(None)
    except StopIteration:
        return
    sending.close()


def _close_result(task: "asyncio.Task[aiohttp.ClientWebSocketResponse]") -> None:
    """The socket opened while we were leaving."""
    if not task.cancelled() and task.exception() is None:
        _let_go(task.result())


def _let_go(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Its own `close` waits for the peer's; there is no public way that does not."""
    response: aiohttp.ClientResponse = vars(ws)["_response"]
    response.close()
