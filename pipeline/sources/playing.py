"""Playing: one recorded exchange, as a connection.

Law of this file: it waits for the times that the exchange says, gives its pieces one a read, and ends as
it says; on any event loop, and on its clock alone.
"""

from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping
from math import inf
from typing import Any

import anyio
import anyio.lowlevel

from tokenweir.pipeline.connection import DeadlinePassed
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.recording import Exchange


class _Broken(Exception):  # noqa: N818 - it carries a Failure through a read
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Playing:
    """One exchange, performed on the event loop's clock. Times count from the first read."""

    def __init__(self, exchange: Exchange) -> None:
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.connected = True
        self.deadline = inf
        self.armed = -inf
        self.read: Callable[[], Coroutine[Any, Any, bytes | None]] = self._read
        self._exchange = exchange
        self._left = deque(exchange.pieces)
        self._began: float | None = None
        self._over = anyio.Event()

    async def _read(self) -> bytes | None:
        played = self._exchange
        if self._began is None:
            self._began = anyio.current_time()
        if self.status is None and played.status is not None:
            await self._until(played.head_at)
            self.status, self.headers = played.status, _Headers(played.headers)
            return None
        if self._left:
            await self._until(self._left[0].at)
            return self._left.popleft().data
        await self._until(inf if played.ended == "stall" else played.ended_at)
        if played.failure is not None:
            raise _Broken(played.failure)
        return b""

    async def _until(self, at: float) -> None:
        """A cancelled wait loses nothing: the next one ends when this one would have."""
        await anyio.lowlevel.checkpoint()
        due = (self._began or 0.0) + at
        wait = min(due, self.deadline) - anyio.current_time()
        if wait > 0:
            with anyio.move_on_after(wait):
                await self._over.wait()
        if self._over.is_set():
            raise ConnectionAbortedError
        if due > self.deadline:
            raise DeadlinePassed

    def arm(self) -> None:
        """The deadline is looked at while waiting."""

    def rescue(self) -> bytes:
        return b""

    def failure(self, fault: Exception) -> Failure | None:
        if isinstance(fault, ConnectionAbortedError):
            return Failure("shutting_down", "the replay was closed while it played")
        return fault.failure if isinstance(fault, _Broken) else None

    def close(self) -> None:
        self._over.set()


class _Headers(Mapping[str, str]):
    """Headers, whose names compare without case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in headers.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
