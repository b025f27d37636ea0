"""coalesce: fewer and larger pieces of text, for receivers to whom every event costs something.

Law of this file: neighbouring text of one choice and channel is joined; nothing is cut, and nothing
waits longer than it was told to. Who wants an even flow wants throttle.
"""

from collections.abc import Sequence

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Event
from tokenweir.pipeline.stage import Stage

_EARLY = 1e-6  # seconds: a timer that is early by a rounding error is on time


def coalesce(*, seconds: float = 0.03, characters: int = 4096) -> Stage[Event, Event]:
    """Join neighbouring text.

    In: events. Out: the same, with neighbouring deltas of one choice and channel joined. Text that
    comes after a pause goes on at once, the first text too; what follows is held until `seconds` (above
    0, at most 10) have passed since text last went on, until `characters` are held, until something
    else comes, or until the end. Held: less than `characters`.

    It needs a driver that calls `tick` in time, as a pipeline's stream does; where nobody tells the
    time, it holds nothing.

    Raises MisuseError where a number is out of bounds.

    >>> core = coalesce(seconds=0.1).core()
    >>> _ = core.tick(0.0)
    >>> [event.text for event in core.feed([Delta("a"), Delta("b"), Delta("c")]) + core.tick(0.1)]
    ['a', 'bc']
    """
    if not 0 < seconds <= 10:  # noqa: PLR2004 - the bound that the message names
        msg = f"coalesce(seconds={seconds!r}): how long text may be held, above 0 and at most 10"
        raise MisuseError(msg)
    if characters < 1:
        msg = f"coalesce(characters={characters!r}): how much text may be held, at least 1"
        raise MisuseError(msg)
    return Stage(lambda: Coalesce(seconds, characters), "coalesce")


class Coalesce:
    """The core: the deltas that wait to become one."""

    def __init__(self, seconds: float, characters: int) -> None:
        self._seconds = seconds
        self._characters = characters
        self._held: list[Delta] = []
        self._size = 0
        self._now: float | None = None
        self._next = float("-inf")

    def tick(self, now: float) -> list[Event]:
        self._now = now
        out: list[Event] = []
        if now + _EARLY >= self._next:
            self._flush(now, out)
        return out

    def deadline(self) -> float | None:
        return self._next if self._held else None

    def feed(self, items: Sequence[Event]) -> list[Event]:
        now = self._now
        if now is None:
            return list(items)
        out: list[Event] = []
        for event in items:
            if not isinstance(event, Delta):
                self._flush(now, out)
                out.append(event)
            elif event.text:
                self._hold(event, now, out)
        return out

    def _hold(self, event: Delta, now: float, out: list[Event]) -> None:
        if self._held and (event.index != self._held[0].index or event.channel != self._held[0].channel):
            self._flush(now, out)
        self._held.append(event)
        self._size += len(event.text)
        if self._size >= self._characters or now + _EARLY >= self._next:
            self._flush(now, out)

    def _flush(self, now: float, out: list[Event]) -> None:
        if not self._held:
            return
        first = self._held[0]
        if len(self._held) == 1:
            out.append(first)
        else:
            out.append(Delta("".join([event.text for event in self._held]), first.channel, first.index))
        self._held, self._size = [], 0
        self._next = now + self._seconds

    def finish(self) -> list[Event]:
        out: list[Event] = []
        self._flush(self._next, out)
        return out
