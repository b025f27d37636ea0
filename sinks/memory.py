"""memory: keeps everything, for tests and for looking at an answer afterwards."""

from collections.abc import Sequence

from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import End, Event


def memory() -> "Memory":
    """A sink that keeps all events, without a bound: the answer's size is its size.

    Its `send` raises StageError at a `Snapshot`.
    """
    return Memory()


class Memory:
    """The sink that `memory` makes."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        """All events, in order."""
        self._answer = Assembly()

    @property
    def text(self) -> str:
        """The text of choice 0 so far, revisions applied."""
        return self._answer.text()

    @property
    def reasoning(self) -> str:
        """The reasoning of choice 0 so far, revisions applied."""
        return self._answer.text(channel="reasoning")

    @property
    def end(self) -> End | None:
        """The `End`, once it has come."""
        return self._answer.end

    async def send(self, batch: Sequence[Event]) -> None:
        """Keep a batch."""
        self.events.extend(batch)
        self._answer.feed(batch)

    async def aclose(self) -> None:
        """Nothing to do: what was kept stays."""
