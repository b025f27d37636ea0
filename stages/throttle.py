"""throttle: steadies the flow of text for people.

Law of this file: when text goes on, and in pieces of which size; never what it says, nor its order.
Whoever reads sees a steady flow instead of lumps, and nobody waits longer than the bound.

A fixed pace falls behind a fast backend without end, so there is none. The number of pieces a second
is fixed, and their size follows what is waiting. Text is spread over the time until more is likely
to come (the longest recent pause between arrivals, at most `lag`), so that a steady stream passes at
once, and lumps fill the pauses between them.
"""

from collections import deque
from collections.abc import Sequence
from math import ceil

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Channel, Delta, Event
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.text_cuts import piece_end

HELD = 262_144
"""Characters that are held at most; where more come, the oldest go on at once."""

MOST_RATE, MOST_LAG = 1000.0, 10.0

_REACH = 12  # characters that a piece may be longer than it must, to end at a word's edge
_EARLY = 1e-6  # seconds: a timer that is early by a rounding error is on time


def throttle(*, rate: float = 60.0, lag: float = 0.5) -> Stage[Event, Event]:
    """Give text in small pieces at an even pace.

    `rate` is in pieces a second (above 0, at most 1000): 60 is as often as most screens are drawn; a
    service that redraws a message for each piece wants less. `lag` is in seconds (from one piece's
    time, 1 / rate, to 10): no character is held longer. A pace in characters or tokens a second would
    have to break one of two promises as soon as the backend is faster, so the pace follows the backend.

    In: events. Out: the same, with text cut and joined: the first text at once; afterwards pieces that
    grow with the backlog, ending between words where that costs nothing and never inside a visible
    character. What is held goes on before anything that is not a `Delta`, and at the end. Neighbouring
    text of different choices or channels is not joined: the order stays. Held: at most `lag` seconds
    of text and HELD characters. Put `append_only()` before it if the backend revises.

    It needs a driver that calls `tick` in time, as a pipeline's stream does; where nobody tells the
    time, it holds nothing.

    Raises MisuseError where a number is out of bounds.

    >>> core = throttle(rate=50).core()
    >>> _ = core.tick(0.0)
    >>> core.feed([Delta("one "), Delta("two "), Delta("three ")]), core.deadline(), core.tick(0.02)
    ([Delta(text='one ', channel='text', index=0)], 0.02, [Delta(text='two three ', channel='text', index=0)])
    """
    if not 0 < rate <= MOST_RATE:
        msg = f"throttle(rate={rate!r}): the rate is in pieces a second, above 0 and at most {MOST_RATE:g}"
        raise MisuseError(msg)
    if not 1 / rate <= lag <= MOST_LAG:
        msg = f"throttle(lag={lag!r}): the lag is in seconds, from 1 / rate ({1 / rate:g}) to {MOST_LAG:g}"
        raise MisuseError(msg)
    return Stage(lambda: Throttle(1 / rate, lag), "throttle")


class _Run:
    """Neighbouring text of one choice and channel."""

    __slots__ = ("channel", "index", "parts")

    def __init__(self, event: Delta) -> None:
        self.channel: Channel = event.channel
        self.index = event.index
        self.parts = [event.text]


class _Backlog:
    """When the waiting text must have gone on: counts of characters, by due times that only grow."""

    def __init__(self, period: float, lag: float) -> None:
        self.held = 0
        self._period = period
        self._lag = lag
        self._dues: deque[tuple[float, int]] = deque()
        self._spread = lag  # nothing is known of the backend yet: as long as is allowed
        self._last: float | None = None

    def add(self, count: int, now: float) -> None:
        """Text came: it is due after the longest pause lately. A pause counts half after lag / 2."""
        pause = 0.0 if self._last is None else now - self._last
        if pause > 0:
            faded = self._spread * 0.5 ** (2 * pause / self._lag)
            self._spread = max(min(pause, self._lag), faded)
        self._last = now
        self.held += count
        due = now + self._spread
        # Text is given in order: what comes first is due no later than what stands behind it.
        while self._dues and self._dues[-1][0] > due - self._period:
            earlier, before = self._dues.pop()
            due, count = min(due, earlier), count + before
        self._dues.append((due, count))

    def take(self, count: int) -> None:
        """So much has gone on."""
        self.held -= count
        while count > 0:
            due, first = self._dues.popleft()
            if first > count:
                self._dues.appendleft((due, first - count))
            count -= first

    def owed(self, now: float) -> int:
        """How much must go on now, so that even pieces from now on keep every due time."""
        total = owed = 0
        for due, count in self._dues:
            total += count
            turns = int((due - now) / self._period + _EARLY) + 1 if due > now else 1
            owed = max(owed, ceil(total / turns))
        return owed


class Throttle:
    """The core: waiting runs of text, and the next time when a piece may go on."""

    def __init__(self, period: float, lag: float) -> None:
        self._period = period
        self._runs: deque[_Run] = deque()
        self._backlog = _Backlog(period, lag)
        self._now: float | None = None
        self._soonest = self._next = float("-inf")

    def tick(self, now: float) -> list[Event]:
        out: list[Event] = []
        self._now = now
        self._pace(now, out)
        return out

    def deadline(self) -> float | None:
        return self._next if self._runs else None

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
                self._hold(event, now)
                self._pace(now, out)
        return out

    def finish(self) -> list[Event]:
        out: list[Event] = []
        self._give(self._backlog.held, out)
        return out

    def _hold(self, event: Delta, now: float) -> None:
        last = self._runs[-1] if self._runs else None
        if last is not None and last.index == event.index and last.channel == event.channel:
            last.parts.append(event.text)
        else:
            self._runs.append(_Run(event))
        self._backlog.add(len(event.text), now)
        self._next = self._soonest

    def _pace(self, now: float, out: list[Event]) -> None:
        if self._runs and now + _EARLY >= self._next:
            owed = self._backlog.owed(now)
            given = self._give(owed, out)
            # A piece that was longer than it had to be has used up the turns after it, too.
            self._soonest = now + self._period
            self._next = now + self._period * max(1, given // owed)
        if self._backlog.held > HELD:  # by half, so that a flood is not joined anew for each delta
            self._give(self._backlog.held - HELD // 2, out)

    def _flush(self, now: float, out: list[Event]) -> None:
        if self._runs:
            self._give(self._backlog.held, out)
            self._soonest = self._next = now + self._period

    def _give(self, amount: int, out: list[Event]) -> int:
        """Give `amount` characters, a few more where that ends a word; how many they were."""
        given = 0
        while given < amount and self._runs:
            run = self._runs[0]
            text, least = "".join(run.parts), amount - given
            end = piece_end(text, least, _REACH) if least < len(text) else len(text)
            out.append(Delta(text[:end], run.channel, run.index))
            if end < len(text):
                run.parts = [text[end:]]
            else:
                self._runs.popleft()
            given += end
        self._backlog.take(given)
        return given
