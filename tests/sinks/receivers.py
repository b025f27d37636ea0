"""Sinks that keep what they are given, and misbehave as a test wants it.

Law of this file: `calls` is the whole story of a sink, in order: the batches that it was handed, and
"closed" for each closing.
"""

from collections.abc import Sequence
from typing import Literal

import anyio

from tokenweir.pipeline.events import Delta, End, Event, Gap


class Kept:
    """Takes everything, `pace` seconds for each batch."""

    def __init__(self, pace: float = 0.0) -> None:
        self.calls: list[list[Event] | Literal["closed"]] = []
        self.times: list[float] = []
        """When each batch was handed over."""
        self.pace = pace

    async def send(self, batch: Sequence[Event]) -> None:
        self.calls.append(list(batch))
        self.times.append(anyio.current_time())
        await self.take()

    async def take(self) -> None:
        """What becomes of a batch."""
        if self.pace:
            await anyio.sleep(self.pace)

    async def aclose(self) -> None:
        self.calls.append("closed")

    @property
    def events(self) -> list[Event]:
        """All events, in order."""
        return [event for call in self.calls if call != "closed" for event in call]

    @property
    def text(self) -> str:
        """The text of choice 0."""
        return "".join(event.text for event in self.events if isinstance(event, Delta))

    @property
    def ends(self) -> list[End]:
        """Every End that it saw."""
        return [event for event in self.events if isinstance(event, End)]

    @property
    def missing(self) -> int:
        """How many events it was told that it has missed."""
        return sum(event.dropped for event in self.events if isinstance(event, Gap))


class Stuck(Kept):
    """Takes the first batches, and then hangs for ever in `send`."""

    def __init__(self, after: int = 0) -> None:
        super().__init__()
        self.after = after

    async def take(self) -> None:
        if len(self.times) > self.after:
            await anyio.sleep_forever()


class Broken(Kept):
    """Takes the first batches, and then raises."""

    def __init__(self, fault: BaseException, after: int = 0) -> None:
        super().__init__()
        self.fault = fault
        self.after = after

    async def take(self) -> None:
        if len(self.times) > self.after:
            raise self.fault
