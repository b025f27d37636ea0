"""callback: each event to a function of yours."""

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Event, Snapshot
from tokenweir.pipeline.sink import refuse_snapshot

Receiver = Callable[[Event], Awaitable[object] | object]
"""A function or an async function of one event. What it returns is not looked at."""


def callback(f: Receiver) -> "Callback":
    """Call `f` with each event, one after the other, `End` included.

    An async `f` is awaited before the next event: that is the back-pressure. A sync `f` runs on the
    event loop, so one that blocks stops everything there; make it async, and give the blocking work
    to a thread. What `f` raises comes out of `send` as it is, and the run makes it a failure of kind
    `sink`. `f` may close the sink: then it is not called again.

    Raises MisuseError where `f` cannot be called; `send` raises StageError at a `Snapshot`.
    """
    if not callable(f):
        raise MisuseError(f"callback({f!r}): takes the function itself, as in callback(show)")
    return Callback(f)


class Callback:
    """The sink that `callback` makes."""

    def __init__(self, f: Receiver) -> None:
        self._f = f
        self._closed = False

    async def send(self, batch: Sequence[Event]) -> None:
        """Call the function once for each event."""
        for event in batch:
            if self._closed:
                return
            if isinstance(event, Snapshot):
                refuse_snapshot("callback")
            answer = self._f(event)
            if isawaitable(answer):
                await answer

    async def aclose(self) -> None:
        """Call the function no more."""
        self._closed = True
