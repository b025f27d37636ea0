"""What the encoders share: events in, bytes out, and what a wire with one choice has no form for.

Law of this file: the frame of an encoder's core; what is written stands in the protocol's own file.
openai-chat, which has several choices and the shortest way to go, has its own.
"""

from collections.abc import Sequence
from typing import ClassVar

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Delta, Event, Finish, Revise, Snapshot, ToolDelta


class Encode:
    """The core of an encoder. `_take` writes one event; `_over` ends it."""

    name: ClassVar[str]
    """The protocol's name, for errors."""
    _over = False

    def feed(self, items: Sequence[Event]) -> list[bytes]:
        """Raises StageError for what this wire has no form for: a `Revise` (put append_only() before), and
        a second choice."""
        out: list[bytes] = []
        for event in items:
            if not self._over:
                self._check(event)
                self._take(event, out)
        return out

    def finish(self) -> list[bytes]:
        return []

    def _check(self, event: Event) -> None:
        if isinstance(event, Revise):
            msg = f"{self.name} cannot take text back: put append_only() before the encoder"
            raise StageError(msg)
        if isinstance(event, (Delta, Snapshot, ToolDelta, Finish)) and event.index:
            msg = f"{self.name} has one choice: ask for n=1"
            raise StageError(msg)

    def _take(self, event: Event, out: list[bytes]) -> None:
        raise NotImplementedError
