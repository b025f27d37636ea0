"""Timed stages without time: arrivals in, moments out, and what a reader would have felt.

Law of this file: for tests and figures alone. It calls a core as the driver does: `tick` before each
feed and at each deadline, never early.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from tests.natural_prose import sentence
from tokenweir.pipeline.events import Delta, Event
from tokenweir.pipeline.stage import Stage

Arrival = tuple[float, Sequence[Event]]
"""Seconds, and what one read brings then (or what goes on then); times never fall."""


def play(stage: Stage[Any, Any], arrivals: Sequence[Arrival], *, ends: bool = False) -> list[Arrival]:
    """What goes on, and when. Behind the last arrival time goes on, until nothing is held any more; or
    the input ends with it (`ends`)."""
    core = stage.core()
    out: list[Arrival] = []
    now = 0.0
    for now, events in arrivals:
        while (due := core.deadline()) is not None and due < now:
            out.append((due, core.tick(due)))
        out.append((now, core.tick(now) + core.feed(events)))
    while not ends and (due := core.deadline()) is not None:
        now = due
        out.append((due, core.tick(due)))
    out.append((now, core.finish()))
    assert core.error is None, core.error
    return [(when, events) for when, events in out if events]


def characters(arrivals: Sequence[Arrival]) -> list[tuple[float, str, int, str]]:
    """Every character of the text: when, channel, choice, and which."""
    return [
        (when, event.channel, event.index, sign)
        for when, events in arrivals
        for event in events
        if isinstance(event, Delta)
        for sign in event.text
    ]


class Flow(NamedTuple):
    """How text comes: moments are times at which some came, gaps are seconds between two of them."""

    moments: int
    gap_p50: float
    gap_p99: float
    gap_max: float
    largest: int
    """Characters that came in one moment, at most."""


def flow(arrivals: Sequence[Arrival]) -> Flow:
    """The figures of a stream."""
    sizes: dict[float, int] = {}
    for when, *_ in characters(arrivals):
        sizes[when] = sizes.get(when, 0) + 1
    times = sorted(sizes)
    gaps = sorted(after - before for before, after in pairwise(times)) or [0.0]
    return Flow(
        len(times),
        gaps[len(gaps) // 2],
        gaps[min(len(gaps) - 1, int(len(gaps) * 0.99))],
        gaps[-1],
        max(sizes.values()),
    )


def lags(before: Sequence[Arrival], after: Sequence[Arrival]) -> list[float]:
    """How long each character was held, ascending; its order is checked on the way."""
    one, other = characters(before), characters(after)
    assert [sign[1:] for sign in one] == [sign[1:] for sign in other]
    return sorted(out[0] - come[0] for come, out in zip(one, other, strict=True))


def seeded() -> Random:
    """The same chance every time."""
    return Random(7)  # noqa: S311 - no secret is made of it


def deltas(count: int, chance: Random) -> Iterator[Delta]:
    """So many tokens of prose, of about four characters each."""
    text = ""
    for _ in range(count):
        while len(text) < 12:
            text += sentence(chance) + " "
        size = chance.choice((2, 3, 4, 5, 6))
        yield Delta(text[:size])
        text = text[size:]


def lumps(count: int, tokens: int, pause: float) -> list[Arrival]:
    """So many reads of so many tokens each, that far apart."""
    chance = seeded()
    return [(number * pause, list(deltas(tokens, chance))) for number in range(count)]


def proxy() -> list[Arrival]:
    """A gateway that lets text through in lumps, each in a dozen packets, and now and then nothing."""
    chance, now, out = seeded(), 0.0, list[Arrival]()
    for number in range(40):
        for _ in range(12):
            out.append((now, list(deltas(3, chance))))
            now += 0.002
        now += chance.uniform(0.4, 0.65) if number % 10 else chance.uniform(1.0, 1.5)
    return out


def jitter(rate: float, seconds: float) -> list[Arrival]:
    """One token a read, at random times."""
    chance = seeded()
    times = sorted(chance.uniform(0, seconds) for _ in range(int(rate * seconds)))
    return [(now, list(deltas(1, chance))) for now in times]


PATTERNS: Mapping[str, Sequence[Arrival]] = {
    "20 tokens a second": lumps(200, 1, 0.05),
    "300 tokens a second": lumps(3000, 1, 1 / 300),
    "100 tokens a second, jitter": jitter(100, 10),
    "lumps behind a proxy": proxy(),
    "200 tokens each 3 s": lumps(8, 200, 3.0),
    "5,000 tokens at once": lumps(1, 5000, 0.0),
    "a stall of 3 s in 50 tokens a second": [
        *lumps(150, 1, 0.02),
        *((5.98 + now, events) for now, events in lumps(1, 150, 0.0)),
        *((6.0 + now, events) for now, events in lumps(150, 1, 0.02)),
    ],
}
"""Ways in which text arrives, as they were seen with real backends."""
