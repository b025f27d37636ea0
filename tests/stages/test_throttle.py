"""Text goes on evenly: never late, never out of order, never cut inside a visible character."""

from itertools import accumulate, pairwise
from math import inf, nan

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from tests.pacing import PATTERNS, Arrival, characters, deltas, flow, lags, lumps, play, seeded
from tests.transcripts import DONE, STOP, text
from tests.virtual import virtual
from tokenweir import Pipeline
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    Revise,
    ToolDelta,
    Usage,
)
from tokenweir.stages import append_only, throttle
from tokenweir.stages.text_cuts import may_cut
from tokenweir.stages.throttle import HELD
from tokenweir.testing import ScriptedSource

PERIOD = 1 / 60
OTHERS: list[Event] = [
    Finish("stop"),
    Usage(1, 2),
    ToolDelta(0, "a", "find", "{}"),
    Revise(0, "x"),
    Extra("logprobs", Raw(b"1")),
    Done(),
]
TEXTS = st.text("ab \n漢e\u0301🇩🇪👩\u200d🚀", min_size=1, max_size=40)
DELTAS = st.builds(Delta, TEXTS, st.sampled_from(["text", "reasoning"]), st.integers(0, 1))
EVENTS = st.lists(DELTAS | DELTAS | DELTAS | st.sampled_from(OTHERS), max_size=8)
PAUSES = st.sampled_from([0.0, 0.0, 0.001, 0.02, 0.1, 0.4, 3.0])


@st.composite
def arrivals(draw: st.DrawFn) -> list[Arrival]:
    """Reads of events, some of them at the same time."""
    now, out = 0.0, list[Arrival]()
    for pause, events in draw(st.lists(st.tuples(PAUSES, EVENTS), max_size=12)):
        now += pause
        out.append((now, events))
    return out


def in_order(played: list[Arrival]) -> list[object]:
    """Everything in order: text by the character, whatever it came in."""
    flat: list[object] = []
    for _, events in played:
        for event in events:
            if isinstance(event, Delta):
                flat += [(event.channel, event.index, sign) for sign in event.text]
            else:
                flat.append(event)
    return flat


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize(("rate", "lag"), [(60, 0.5), (30, 0.25), (10, 1.0), (1, 1.0)])
def test_the_lag_bound_holds(name: str, rate: float, lag: float) -> None:
    """T07: no character is held longer than the bound, nothing is reordered, and nothing comes later than
    the bound after the last arrival."""
    before = PATTERNS[name]
    after = play(throttle(rate=rate, lag=lag), before)

    assert lags(before, after)[-1] <= lag + 1e-6
    assert after[-1][0] - before[-1][0] <= lag + 1e-6
    assert all(late - early >= 1 / rate - 1e-5 for (early, _), (late, _) in pairwise(after))


@pytest.mark.parametrize("name", ["lumps behind a proxy", "200 tokens each 3 s", "5,000 tokens at once"])
def test_lumps_become_a_flow(name: str) -> None:
    """T07: what came in a few large lumps goes on in many small pieces, a turn or two apart."""
    before = PATTERNS[name]
    after = play(throttle(), before)
    came, went = flow(before), flow(after)
    lump = max(sum(len(event.text) for event in ev if isinstance(event, Delta)) for _, ev in before)

    assert went.largest <= max(24, lump / 29 + 13)
    assert went.gap_p50 <= 2 * PERIOD + 1e-6
    assert went.gap_p99 <= max(came.gap_p99, 2 * PERIOD)
    assert went.gap_max <= max(came.gap_max, 2 * PERIOD)


def test_a_lump_is_spread_evenly() -> None:
    """T07: 5,000 tokens at once go on in equal pieces, one each turn, over the whole bound."""
    (_, events), *_ = before = PATTERNS["5,000 tokens at once"]
    total = sum(len(event.text) for event in events if isinstance(event, Delta))
    after = play(throttle(), before)
    sizes = [sum(len(e.text) for e in ev if isinstance(e, Delta)) for _, ev in after]

    assert len(after) == 31
    assert all(abs(late - early - PERIOD) < 1e-6 for (early, _), (late, _) in pairwise(after))
    assert max(sizes[1:-1]) - min(sizes[1:-1]) <= 2 * 12
    assert sum(sizes) == total


def test_small_lumps_fill_the_pauses() -> None:
    """T07: words of a few letters a turn or more apart, until more is likely to come."""
    before = lumps(12, 12, 0.4)
    after = play(throttle(), before)

    assert flow(after).gap_p99 < 0.2
    assert after[-1][0] - before[-1][0] > 0.2


def test_a_slow_stream_is_not_delayed() -> None:
    """T07: where text comes more slowly than pieces may go, each comes through at once, as it is."""
    before = PATTERNS["20 tokens a second"]

    assert play(throttle(), before) == list(before)


def test_a_steady_fast_stream_is_hardly_delayed() -> None:
    """T07: once the backend is known to be steady, text waits for the next turn and no longer."""
    before = PATTERNS["300 tokens a second"]
    after = play(throttle(), before)
    one, other = characters(before), characters(after)
    late = [out[0] - come[0] for come, out in zip(one, other, strict=True) if come[0] > 2]

    assert max(late) <= 2 * PERIOD


def test_the_first_text_goes_on_at_once() -> None:
    """T07: also where it is the beginning of a lump."""
    core = throttle().core()
    core.tick(5.0)
    out = core.feed([Delta("One ")])

    assert out == [Delta("One ")]
    assert core.deadline() is None


@pytest.mark.parametrize("event", [*OTHERS, Done(Failure("upstream", "gone"))])
def test_everything_goes_on_before_anything_else(event: Event) -> None:
    """T07: a tool call, a revision, the finish, an error: what was held comes before it."""
    core = throttle().core()
    core.tick(0.0)
    core.feed([Delta("One "), Delta("two ")])
    core.feed([Delta("three"), Delta("why", "reasoning"), Delta("two", "text", 1)])

    assert core.feed([event, Delta("four")]) == [
        Delta("two three"),
        Delta("why", "reasoning"),
        Delta("two", "text", 1),
        event,
    ]
    assert core.finish() == [Delta("four")]


def test_text_behind_something_else_keeps_the_pace() -> None:
    """T07: what goes on before another event is a piece like any other."""
    out = play(
        throttle(rate=10), [(0.0, [Delta("a"), Delta("b")]), (0.05, [Usage(1, 2)]), (0.11, [Delta("c")])]
    )

    assert [round(when, 3) for when, _ in out] == [0.0, 0.05, 0.15]


def test_a_timer_may_be_early_by_a_rounding_error() -> None:
    """T07, clock jitter: else a driver in virtual time would wait for a moment that never comes."""
    core = throttle().core()
    core.tick(0.0)
    core.feed([Delta("a"), Delta("b")])
    due = core.deadline()

    assert due is not None
    assert core.tick(due - 1e-9) == [Delta("b")]


def test_nothing_is_held_where_nobody_tells_the_time() -> None:
    """A chain that is fed by hand gets its text at once."""
    core = throttle().core()
    events: list[Event] = [Delta("a"), Delta("b"), Finish("stop")]

    assert core.feed(events) == events
    assert core.deadline() is None
    assert core.finish() == []


def test_nothing_is_made_of_nothing() -> None:
    """An empty delta is no first text."""
    core = throttle().core()
    core.tick(0.0)

    assert core.feed([Delta(""), Delta("a")]) == [Delta("a")]


def test_what_is_held_is_bounded() -> None:
    """P8: a backend that floods is passed on, but for HELD characters."""
    core = throttle(lag=10).core()
    core.tick(0.0)
    out = core.feed([Delta("x" * 1000)] * 1000)
    given = sum(len(event.text) for event in out if isinstance(event, Delta))

    assert given >= 1_000_000 - HELD
    assert sum(len(event.text) for event in core.finish() if isinstance(event, Delta)) == 1_000_000 - given


def test_late_ticks_catch_up() -> None:
    """T07, clock jitter: a driver that was away for longer than the bound gives all that is due at once."""
    core = throttle().core()
    core.tick(0.0)
    core.feed([Delta("word " * 100)])

    assert sum(len(event.text) for event in core.tick(0.4) if isinstance(event, Delta)) >= 500 * 0.1
    assert core.tick(0.6)
    assert core.deadline() is None


@given(arrivals(), st.sampled_from([1.0, 7.0, 60.0, 1000.0]), st.sampled_from([1.0, 2.5]))
def test_nothing_but_time_changes(before: list[Arrival], rate: float, lag: float) -> None:
    """T07: for whatever comes: same text, same order, no character later than the bound, no new cut
    inside a visible character."""
    after = play(throttle(rate=rate, lag=lag), before, ends=True)

    assert in_order(after) == in_order(before)
    assert all(held <= lag + 1e-5 for held in lags(before, after))
    inside = _inside(before)
    ends = accumulate(len(event.text) for _, events in after for event in events if isinstance(event, Delta))
    assert all(may_cut(*inside[end]) for end in ends if end in inside)


def _inside(before: list[Arrival]) -> dict[int, tuple[str, int]]:
    """Place in all the text -> the delta it is inside of, and where; not where two deltas meet."""
    inside: dict[int, tuple[str, int]] = {}
    begin = 0
    for _, events in before:
        for event in events:
            if isinstance(event, Delta):
                inside |= {begin + at: (event.text, at) for at in range(1, len(event.text))}
                begin += len(event.text)
    return inside


@given(arrivals(), st.integers(1, 3))
@example([(0.0, [Delta("a b c"), Delta("d e f"), Finish("stop")])], 1)
def test_batching_is_invisible(before: list[Arrival], size: int) -> None:
    """Law of cores: the events of one moment may come in one read or in several."""
    cut = [(now, ev[at : at + size]) for now, ev in before for at in range(0, max(1, len(ev)), size)]
    whole, parts = (play(throttle(), read) for read in (before, cut))

    assert [(when, event) for when, events in whole for event in events] == [
        (when, event) for when, events in parts for event in events
    ]


@pytest.mark.parametrize("rate", [0, -1, 1001, inf, nan])
def test_a_wrong_rate(rate: float) -> None:
    """T07: the message says what a rate is."""
    with pytest.raises(MisuseError, match="pieces a second"):
        throttle(rate=rate)


@pytest.mark.parametrize(("rate", "lag"), [(60, 0), (60, 0.01), (1, 0.5), (60, 11), (60, nan)])
def test_a_wrong_lag(rate: float, lag: float) -> None:
    """T07: a lag below the time of one piece cannot be kept."""
    with pytest.raises(MisuseError, match="the lag is in seconds"):
        throttle(rate=rate, lag=lag)


class TestInAPipeline:
    """The driver sleeps until the deadline, and reads on meanwhile; in virtual time."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> object:
        """Virtual time on both loops."""
        return virtual(request.param)

    async def heard(self, source: ScriptedSource) -> list[Arrival]:
        """What a consumer gets, and when."""
        began = anyio.current_time()
        async with Pipeline(source, append_only(), throttle()).stream("hi", check=False) as stream:
            return [(anyio.current_time() - began, batch) async for batch in stream.batches()]

    async def test_a_lump_flows_while_the_backend_is_silent(self) -> None:
        """T07: pieces come at their time though nothing arrives, and the end comes when it comes."""
        words = b"".join(text(f"word{number} ") for number in range(100))
        out = await self.heard(ScriptedSource([words, 3.0, STOP + DONE], mode="delta"))
        pieces = [when for when, events in out if any(isinstance(event, Delta) for event in events)]

        assert pieces[0] == 0
        assert len(pieces) > 25
        assert pieces[-1] <= 0.5 + 1e-3
        assert "".join(sign for *_, sign in characters(out)).split() == [f"word{n}" for n in range(100)]
        end = out[-1][1][-1]
        assert isinstance(end, End)
        assert end.outcome == "complete"
        assert abs(out[-1][0] - 3.0) < 0.01

    @pytest.mark.parametrize("ending", [STOP + DONE, b"", Failure("upstream", "gone")])
    async def test_everything_is_flushed_at_the_end(self, ending: bytes | Failure) -> None:
        """T07: at the finish, where the body ends, and where the connection breaks: no tick later."""
        words = b"".join(text(f"word{number} ") for number in range(100))
        out = await self.heard(ScriptedSource([text("a "), words, 0.1, ending], mode="delta"))

        assert "".join(sign for *_, sign in characters(out)).split()[-1] == "word99"
        assert abs(out[-1][0] - 0.1) < 0.01
        assert isinstance(out[-1][1][-1], End)

    async def test_a_cancelled_consumer_is_gone_at_once(self) -> None:
        """D01, T07: cancelling during the wait for a piece closes the upstream then and there."""
        words = b"".join(text(f"word{number} ") for number in range(100))
        source = ScriptedSource([words, 60.0, STOP + DONE], mode="delta")
        began = anyio.current_time()
        with anyio.move_on_after(0.105):
            await self.heard(source)

        assert anyio.current_time() - began < 0.11
        assert [connection.closed for connection in source.connections] == [1]

    async def test_a_lump_of_a_real_pattern(self) -> None:
        """T07: the driver keeps the bound that the core promises."""
        arrivals: list[Arrival] = [(0.0, list(deltas(5000, seeded())))]
        body = b"".join(text(event.text) for _, ev in arrivals for event in ev if isinstance(event, Delta))
        out = await self.heard(ScriptedSource([body, 2.0, STOP + DONE], mode="delta"))

        assert lags(arrivals, [(when, events) for when, events in out if when < 1])[-1] <= 0.5 + 1e-3
