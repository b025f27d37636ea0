r"""sse: server-sent events, for browsers and for whoever reads an HTTP answer line by line.

Law of this file: frames out. The response is its owner's, who made it, prepared it and ends it.

    event: delta
    data: {"type":"delta","text":"Hi","channel":"text","index":0}

No text can forge a frame: JSON writes a line break in a string as `\n`, and json_events.py leaves none
elsewhere (fault V23).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, Protocol

from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError
from tokenweir.pipeline.events import End, Event
from tokenweir.sinks.joining import joined
from tokenweir.sinks.json_events import event_json
from tokenweir.sinks.write_watch import WRITE_TIMEOUT, HasSocket, WriteWatch

__all__ = ["SSE_HEADERS", "sse", "sse_frames"]

SSE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
"""What a response needs so that nothing on the way keeps or packs its events (fault D15): caches,
nginx, and proxies that compress. Do not turn on compression for it either."""

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent: proxies close what is silent for a minute."""

COMMENT: Final = b":\n\n"
"""A frame that says nothing. The first one makes a server send its headers."""


class Response(Protocol):
    """What `sse` needs of a response; aiohttp's `StreamResponse` is one."""

    @property
    def prepared(self) -> bool:
        """Whether its headers stand fast."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes; wait while the buffer is full; ConnectionError where the client has left."""
        ...


class Batched(Protocol):
    """What `sse_frames` needs of a stream."""

    def batches(self, every: float | None = None) -> AsyncIterator[list[Event]]:
        """Its events, in lists; an empty one after so many seconds without any."""
        ...

    async def aclose(self) -> None:
        """Leave."""
        ...


def sse(
    response: Response, request: HasSocket | None = None, *, write_timeout: float = WRITE_TIMEOUT
) -> "SSE":
    """Write events to a prepared `aiohttp.web.StreamResponse`, made with SSE_HEADERS.

    Neighbouring deltas of one batch go out as one, and a batch as one write. A client that reads
    slowly slows the run; one that takes no byte for `write_timeout` seconds is given up with a
    SinkError of kind `timeout`. `request` is where its socket can be asked: without it, a write may
    not wait longer than that at all. A client that has left is noticed at the next write
    (ReceiverLeftError); in silence too where the server has `handler_cancellation=True`.

    Raises MisuseError for what is no response, or for a limit that is none; `send` raises it where the
    response is not prepared, and StageError at a `Snapshot`.
    """
    if not callable(getattr(response, "write", None)):
        raise MisuseError(f"sse({response!r}): takes an aiohttp StreamResponse")
    return SSE(response, WriteWatch(request, write_timeout))


def sse_frames(stream: Batched) -> "SSEFrames":
    """The frames of a stream, for a framework that asks for bytes: Starlette's `StreamingResponse`.

        frames = sse_frames(pipeline.stream(messages))
        return StreamingResponse(frames, headers=SSE_HEADERS, background=BackgroundTask(frames.aclose))

    The first frame is a comment, which sends the headers while the backend is still silent; another one
    follows HEARTBEAT seconds of silence. The broken end of an answer is told by its `End` frame alone:
    nothing is raised after it.

    Raises MisuseError where the stream is being read already; the iteration raises StageError at a
    `Snapshot`.
    """
    return SSEFrames(stream)


class SSE:
    """The sink that `sse` makes."""

    def __init__(self, response: Response, watch: WriteWatch) -> None:
        self._response = response
        self._watch = watch

    async def send(self, batch: Sequence[Event]) -> None:
        """Write one batch. Raises as told at `sse`."""
        if not self._response.prepared:
            raise MisuseError("sse() writes to a prepared response: await response.prepare(request) first")
        try:
            await self._watch.write(self._response.write(_frames(batch)))
        except ConnectionError:
            raise ReceiverLeftError("the client has left") from None

    async def aclose(self) -> None:
        """Let the timer go; the response stays open."""
        self._watch.close()


class SSEFrames:
    """The frames that `sse_frames` gives: an async iterator with `aclose`, not a generator, so that
    leaving it early leaves nothing behind."""

    def __init__(self, stream: Batched) -> None:
        self._stream = stream
        self._batches = stream.batches(every=HEARTBEAT)
        self._begun = False
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._begun:
            self._begun = True
            return COMMENT
        if self._ended:
            raise StopAsyncIteration
        batch = await self._batches.__anext__()
        if not batch:
            return COMMENT
        self._ended = isinstance(batch[-1], End)
        return _frames(batch)

    async def aclose(self) -> None:
        """Leave: the backend is closed at once."""
        self._ended = True
        await self._stream.aclose()


def _frames(batch: Sequence[Event]) -> bytes:
    return b"".join(map(_frame, joined(batch)))


def _frame(event: Event) -> bytes:
    # Encoded first: a Snapshot has to be refused before anything is made of it.
    data = event_json(event, "sse")
    return b"event: %b\ndata: %b\n\n" % (str(event.__struct_config__.tag).encode(), data)
