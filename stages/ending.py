"""What stages share that end an answer before the backend does: stop_at and take.

Law of this file: which choices are over, and when nothing more is wanted. A stage cannot reach the
backend: when nothing more is wanted it gives `Done`, which ends the stream as complete and closes the
connection. Nobody tells a stage how many choices were asked for, so that number is an option; those
that were seen count too.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Finish, Revise, ToolDelta

OfChoice = Delta | ToolDelta | Revise | Finish
"""What belongs to one choice; nothing of it follows once the choice was ended."""


def check_choices(stage: str, choices: int) -> None:
    """Raises MisuseError where `choices` is not a number of choices."""
    if choices < 1:
        msg = f"{stage}(choices={choices!r}): how many answers the request asks for (its n), at least 1"
        raise MisuseError(msg)


class EndingCore(ABC):
    """A core that ends choices: what it does with an event of a choice stands in `_take`."""

    def __init__(self, choices: int) -> None:
        self._asked = choices
        self._seen: set[int] = set()
        self._finished: set[int] = set()
        self._ended: set[int] = set()  # by us; the backend may not know it
        self._closed = False

    def feed(self, items: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in items:
            if self._closed:
                break
            if not isinstance(event, OfChoice):
                if isinstance(event, Done):
                    out += self.finish()
                    self._closed = True
                out.append(event)
            elif event.index not in self._ended:
                self._seen.add(event.index)
                self._take(event, out)
                if isinstance(event, Finish):
                    self._over(event.index, out)
        return out

    def finish(self) -> list[Event]:
        return []

    @abstractmethod
    def _take(self, event: OfChoice, out: list[Event]) -> None: ...

    def _end(self, finish: Finish, out: list[Event]) -> None:
        """End this choice now."""
        out.append(finish)
        self._ended.add(finish.index)
        self._over(finish.index, out)

    def _over(self, index: int, out: list[Event]) -> None:
        self._finished.add(index)
        if self._ended and self._seen == self._finished and len(self._finished) >= self._asked:
            out.append(Done())
            self._closed = True
