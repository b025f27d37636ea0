"""The place that one answer has at a backend, and takes along to the next one.

Law of this file: one answer has one place at a time, at the backend that it is asked of; counting stands in
slots.py. Whoever goes on to another backend gives its place back first, and waits for one there like anybody
else: a limit holds, whichever way an answer came.
"""

from collections.abc import Awaitable, Callable, Sequence

from tokenweir.gateway.live import Answer
from tokenweir.gateway.setup import Served
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.events import Event, Phase


class Place:
    """Of one answer, which waits at most `seconds` for it; `tell` says to its client that it waits."""

    def __init__(
        self, note: Answer, seconds: float, tell: Callable[[Sequence[Event]], Awaitable[None]]
    ) -> None:
        self._note = note
        self._seconds = seconds
        self._tell = tell
        self._served: Served | None = None

    async def take(self, served: Served) -> None:
        """Have a place at this backend. Raises Refused where too many wait there, before anything is told,
        and where none became free in time."""
        if served is self._served:
            return
        self.free()
        if not served.slots.take_now():
            served.slots.check_room()
            waited = round(running_clock()() - self._note.started, 3)
            self._note.see([queued := Phase("queued", elapsed=waited)])
            await self._tell([queued])
            await served.slots.take(self._seconds)
        self._served = served

    def free(self) -> None:
        """Give it back, if there is one."""
        if self._served is not None:
            self._served.slots.free()
            self._served = None
