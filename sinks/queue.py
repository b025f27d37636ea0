"""queue: each event into an anyio object stream, for a reader in another task."""

from collections.abc import Sequence
from typing import Any

import anyio
from anyio.abc import ObjectSendStream

from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError
from tokenweir.pipeline.events import Event, Snapshot
from tokenweir.pipeline.sink import refuse_snapshot


def queue(stream: ObjectSendStream[Any]) -> "Queue":
    """Send each event into `stream`: the sending end of `anyio.create_memory_object_stream[Event](n)`,
    or any other object stream of anyio.

    Its own bound is the back-pressure: with none left, `send` waits for the reader. The stream stays
    open, since it is its owner's: the reader knows by `End` that nothing follows.

    `send` raises ReceiverLeftError where the reader has closed its end, what the stream raises for
    anything else (ClosedResourceError where its owner closed it meanwhile), and StageError at a
    `Snapshot`. Raises MisuseError for what is no sending end.
    """
    if not callable(getattr(stream, "send", None)):
        raise MisuseError(f"queue({stream!r}): takes the sending end of an anyio object stream")
    return Queue(stream)


class Queue:
    """The sink that `queue` makes."""

    def __init__(self, stream: ObjectSendStream[Any]) -> None:
        self._stream = stream

    async def send(self, batch: Sequence[Event]) -> None:
        """Send the events one after the other."""
        for event in batch:
            if isinstance(event, Snapshot):
                refuse_snapshot("queue")
            try:
                await self._stream.send(event)
            except anyio.BrokenResourceError:
                raise ReceiverLeftError("the reader of the queue has closed it") from None

    async def aclose(self) -> None:
        """Nothing to do: the stream is its owner's."""
