"""limit: bounds on what one answer may cost; a backend that exceeds one has failed.

Law of this file: everything counts that a backend can make us read, on every channel and in every
choice together. Where the first so many characters are all that is wanted, see take.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Failure, Finish, Revise, ToolDelta
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.allowance import Allowance

WithText = Delta | Revise | ToolDelta

_EARLY = 1e-6  # seconds: a timer that is early by a rounding error is on time


def limit(
    *, characters: int | None = None, tokens: int | None = None, seconds: float | None = None
) -> Stage[Event, Event]:
    """End a stream as failed when its answer exceeds a bound.

    `characters` (code points) and `tokens` (estimated as token_count does without a counter: 4 UTF-8
    bytes each) are of all choices and channels together: text, reasoning, refusals, tool arguments and
    revised text. `seconds` run from the first of these to the last finish; what comes before (queue,
    loading, prefill) has its own deadlines in `Deadlines`. It needs a driver that calls `tick`.

    In: events. Out: the same; where a bound is exceeded, what was within it, then
    `Done(Failure("limit"))`, whose message names the bound. Held: nothing.

    Raises MisuseError without a bound, or for one that is not positive.

    >>> limit(characters=5).core().feed([Delta("One t"), Delta("wo")])[-1].failure.message
    'the answer is longer than limit(characters=5) allows'
    """
    bounds = {"characters": characters, "tokens": tokens, "seconds": seconds}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    if not given or not all(bound > 0 for bound in given.values()):
        named = ", ".join(f"{name}={bound!r}" for name, bound in given.items())
        msg = f"limit({named}): give characters, tokens or seconds, each above 0"
        raise MisuseError(msg)
    if seconds is None:
        return Stage(lambda: Limit(characters, tokens), "limit")
    return Stage(lambda: TimedLimit(characters, tokens, seconds), "limit")


class Limit:
    """The core, without a bound in seconds."""

    def __init__(self, characters: int | None, tokens: int | None) -> None:
        self._allowances: list[Allowance] = []
        if characters is not None:
            self._allowances.append(Allowance("characters", characters))
        if tokens is not None:
            self._allowances.append(Allowance("tokens", tokens))
        self._closed = False

    def feed(self, items: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in items:
            if self._closed:
                break
            if isinstance(event, WithText):
                self._spend(event, out)
            else:
                self._closed = isinstance(event, Done)
                out.append(event)
        return out

    def finish(self) -> list[Event]:
        return []

    def _spend(self, event: WithText, out: list[Event]) -> None:
        text = event.arguments if isinstance(event, ToolDelta) else event.text
        for allowance in self._allowances:
            allowed = allowance.spend(text)
            if allowed != text:
                if allowed:
                    out.append(_cut(event, allowed))
                named = f"limit({allowance.unit}={allowance.size})"
                self._fail(f"the answer is longer than {named} allows", out)
                return
        out.append(event)

    def _fail(self, message: str, out: list[Event]) -> None:
        out.append(Done(Failure("limit", message)))
        self._closed = True


class TimedLimit(Limit):
    """The core, with a bound in seconds."""

    def __init__(self, characters: int | None, tokens: int | None, seconds: float) -> None:
        super().__init__(characters, tokens)
        self._seconds = seconds
        self._now: float | None = None
        self._end: float | None = None
        self._open: set[int] = set()

    def tick(self, now: float) -> list[Event]:
        out: list[Event] = []
        self._now = now
        end = self.deadline()
        if end is not None and now + _EARLY >= end:
            self._fail(f"the answer took longer than limit(seconds={self._seconds:g}) allows", out)
        return out

    def deadline(self) -> float | None:
        return self._end if self._open and not self._closed else None

    def feed(self, items: Sequence[Event]) -> list[Event]:
        out = super().feed(items)
        for event in out:
            if isinstance(event, Finish):
                self._open.discard(event.index)
            elif isinstance(event, WithText):
                self._open.add(event.index)
        if self._end is None and self._open and self._now is not None:
            self._end = self._now + self._seconds
        return out


def _cut(event: WithText, text: str) -> Event:
    return replace(event, arguments=text) if isinstance(event, ToolDelta) else replace(event, text=text)
