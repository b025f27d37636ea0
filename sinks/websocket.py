"""websocket: each event as a JSON text frame.

Law of this file: frames out, and nothing in. The websocket is its owner's: who reads it, pings it
and closes it has made it (aiohttp's `WebSocketResponse` on a server, `ClientWebSocketResponse` on a
client; anything with these members will do).
"""

from collections.abc import Sequence
from typing import Any, Protocol

from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError
from tokenweir.pipeline.events import End, Event
from tokenweir.sinks.joining import joined
from tokenweir.sinks.json_events import event_json
from tokenweir.sinks.write_watch import WRITE_TIMEOUT, WriteWatch

__all__ = ["close_code", "websocket"]

_GOING_AWAY, _RESTART, _TRY_LATER, _BROKEN = 1001, 1012, 1013, 1011


class WebSocket(Protocol):
    """What this sink needs of a websocket."""

    @property
    def closed(self) -> bool:
        """Whether it has been closed, by either side."""
        ...

    async def send_str(self, data: str) -> None:
        """Send a text frame; wait while the buffer is full; ConnectionError where the peer has left."""
        ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The connection's "socket"."""
        ...


def websocket(ws: WebSocket, *, write_timeout: float = WRITE_TIMEOUT) -> "WebSocketSink":
    r"""Send each event as one text frame: `{"type":"delta","text":"Hi","channel":"text","index":0}`.

    Neighbouring deltas of one batch go out as one: nobody waits for it, and a burst is one frame.
    A peer that reads slowly slows the run; one that takes no byte for `write_timeout` seconds is
    given up with a SinkError of kind `timeout`. A peer that has left is noticed at the next frame
    (ReceiverLeftError); to notice it in silence, read the websocket beside the run, which answers
    its pings and closes too.

    The websocket is not closed. `close_code(report.end)` is the code that fits.

    Raises MisuseError for what is no websocket, or for a limit that is none; `send` raises StageError
    at a `Snapshot`.
    """
    if not callable(getattr(ws, "send_str", None)):
        raise MisuseError(f"websocket({ws!r}): takes a prepared aiohttp websocket, of a server or a client")
    return WebSocketSink(ws, WriteWatch(ws, write_timeout))


def close_code(end: End) -> int:
    """The websocket close code (RFC 6455, section 7.4.1, and its registry) for how a stream ended.

    1000 complete; 1001 cancelled; 1012 this service is shutting down; 1013 the backend is busy, the
    same request may succeed later; 1011 anything else that went wrong. The `End` frame before it
    says more.

    >>> close_code(End("complete")), close_code(End("truncated"))
    (1000, 1011)
    """
    failure = end.failure
    if end.outcome == "complete":
        return 1000
    if failure is not None and failure.kind == "shutting_down":
        return _RESTART
    if end.outcome == "cancelled":
        return _GOING_AWAY
    return _TRY_LATER if failure is not None and failure.retryable else _BROKEN


class WebSocketSink:
    """The sink that `websocket` makes."""

    def __init__(self, ws: WebSocket, watch: WriteWatch) -> None:
        self._ws = ws
        self._watch = watch

    async def send(self, batch: Sequence[Event]) -> None:
        """Send the frames of one batch. Raises as told at `websocket`."""
        await self._watch.write(self._send(batch))

    async def _send(self, batch: Sequence[Event]) -> None:
        for event in joined(batch):
            frame = event_json(event, "websocket").decode()
            if self._ws.closed:
                raise ReceiverLeftError("the websocket is closed")
            try:
                await self._ws.send_str(frame)
            except ConnectionError:
                raise ReceiverLeftError("the websocket's peer has left") from None

    async def aclose(self) -> None:
        """Let the timer go; the websocket stays open."""
        self._watch.close()
