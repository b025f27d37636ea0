"""The places that a backend has, and who waits for one.

Law of this file: counting. A backend without a limit has a place for everybody; one that answers a few at a
time (some answer one) gets the others one after the other, first come, first served.
"""

from collections import deque

import anyio

from tokenweir.gateway.refused import Refused
from tokenweir.pipeline.events import Failure


class Slots:
    """`limit` answers at once (None: any number), and `queue` requests that wait."""

    def __init__(self, limit: int | None, queue: int) -> None:
        self.taken = 0
        self._limit = limit
        self._queue = queue
        self._waiting: deque[anyio.Event] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    def take_now(self) -> bool:
        """Take a place, if one is free and nobody waits for it."""
        if self._limit is not None and (self.taken >= self._limit or self._waiting):
            return False
        self.taken += 1
        return True

    def check_room(self) -> None:
        """Raises Refused where too many wait already."""
        if len(self._waiting) >= self._queue:
            raise Refused(Failure("overloaded", "the backend is busy, and so is its queue", retryable=True))

    async def take(self, seconds: float) -> None:
        """Take a place, as soon as there is one. Raises Refused where too many wait already, and where none
        has become free in so many seconds (fault X05)."""
        if self.take_now():
            return
        self.check_room()
        turn = anyio.Event()
        self._waiting.append(turn)
        try:
            with anyio.move_on_after(seconds):
                await turn.wait()
        except BaseException:
            if turn.is_set():
                self.free()
            else:
                self._waiting.remove(turn)
            raise
        if not turn.is_set():
            self._waiting.remove(turn)
            message = f"the backend was busy for {seconds:g} s; limits.queue_timeout_secs allows more"
            raise Refused(Failure("overloaded", message, retryable=True))

    def free(self) -> None:
        """Give a place back: whoever has waited longest has it now."""
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self.taken -= 1
