"""One channel of LM Studio's websocket: its messages written when they are due, and how it ends.

Law of this file: the edge to the socket, what exchange.py is for HTTP. It decides nothing; what is said
stands in lmstudio_socket_reply.py.
"""

import socket
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import anyio
import msgspec
from aiohttp import web
from anyio.lowlevel import checkpoint

from tokenweir.pipeline.clock import running_clock
from tokenweir.simulator.exchange import Outcome
from tokenweir.simulator.lmstudio_socket_reply import Sent

_FAIR = 32
"""Messages that are due at once between two moments in which other tasks run."""
_LINGER_NONE = struct.pack("ii", 1, 0)


async def send(ws: web.WebSocketResponse, message: object) -> int:
    """Send one message; how many bytes it took. Raises ConnectionError where the client is gone."""
    data = msgspec.json.encode(message)
    await ws.send_str(data.decode())
    return len(data)


class Channel:
    """One channel. `written` counts its bytes."""

    def __init__(self, request: web.Request, ws: web.WebSocketResponse, number: int) -> None:
        self.written = 0
        self._request = request
        self._ws = ws
        self._number = number

    async def perform(self, found: Iterable[Sent]) -> Outcome:
        """Send each message when it is due. Raises ConnectionError where the client is gone."""
        clock = running_clock()
        began = clock()
        for number, sent in enumerate(found):
            wait = began + sent.at - clock()
            if wait > 0:
                await anyio.sleep(wait)
            elif number % _FAIR == 0:
                await checkpoint()
            if sent.ending == "stall":
                await anyio.sleep_forever()
            if sent.ending != "complete":
                self._hang_up(reset=sent.ending == "rst")
                return "cut"
            await self._say(sent.message)
        return "finished"

    async def fail(self, error: Mapping[str, Any]) -> None:
        """Say that it failed."""
        with suppress(ConnectionError):
            told = {"type": "channelError", "channelId": self._number, "error": error}
            self.written += await send(self._ws, told)

    async def _say(self, message: Mapping[str, Any] | None) -> None:
        head = {"type": "channelClose" if message is None else "channelSend", "channelId": self._number}
        self.written += await send(self._ws, head if message is None else {**head, "message": message})

    def _hang_up(self, *, reset: bool) -> None:
        """Break the connection, after what was written. Linger 0 makes it a reset."""
        transport = self._request.transport
        if transport is None:
            raise ConnectionResetError
        if reset:
            made = transport.get_extra_info("socket")
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        transport.close()
