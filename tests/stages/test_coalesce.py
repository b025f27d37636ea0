"""Neighbouring text is joined: nothing is lost, reordered or late."""

from itertools import pairwise
from math import nan

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pacing import PATTERNS, Arrival, characters, lags, play
from tests.stages.test_throttle import arrivals, in_order
from tests.transcripts import DONE, STOP, text
from tests.virtual import virtual
from tokenweir import Pipeline
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Event, Finish, ToolDelta
from tokenweir.stages import coalesce
from tokenweir.testing import ScriptedSource, Step


def test_text_after_a_pause_goes_on_at_once_and_what_follows_is_joined() -> None:
    """The first token is never held; the next ones make one event."""
    out = play(
        coalesce(seconds=0.1), [(0.0, [Delta("a"), Delta("b")]), (0.05, [Delta("c")]), (5.0, [Delta("d")])]
    )

    assert out == [(0.0, [Delta("a")]), (0.1, [Delta("bc")]), (5.0, [Delta("d")])]


def test_only_neighbours_are_joined() -> None:
    """Another choice, another channel or another event comes between: the order stays."""
    core = coalesce(seconds=1).core()
    core.tick(0.0)
    events: list[Event] = [
        Delta("a"),
        Delta("b"),
        Delta("c"),
        Delta("why", "reasoning"),
        Delta("d", "text", 1),
        Delta("e", "text", 1),
        ToolDelta(0, "x", "find", "{}"),
        Delta("f"),
    ]

    assert core.feed(events) + core.finish() == [
        Delta("a"),
        Delta("bc"),
        Delta("why", "reasoning"),
        Delta("de", "text", 1),
        events[6],
        Delta("f"),
    ]


def test_what_is_held_is_bounded() -> None:
    """P8: where `characters` are held, they go on."""
    core = coalesce(seconds=10, characters=10).core()
    core.tick(0.0)

    assert core.feed([Delta("first"), Delta("12345")]) == [Delta("first")]
    assert core.feed([Delta("67890"), Delta("1")]) == [Delta("1234567890")]
    assert core.deadline() == 10.0


def test_nothing_is_held_where_nobody_tells_the_time() -> None:
    """A chain that is fed by hand gets its text at once."""
    core = coalesce().core()

    assert core.feed([Delta("a"), Delta("b")]) == [Delta("a"), Delta("b")]
    assert core.finish() == []


def test_nothing_is_made_of_nothing() -> None:
    """An empty delta starts no timer."""
    core = coalesce().core()
    core.tick(0.0)

    assert core.feed([Delta("")]) == []
    assert core.deadline() is None


@given(arrivals(), st.sampled_from([0.01, 0.5]), st.sampled_from([1, 30, 4096]))
def test_nothing_but_time_changes(before: list[Arrival], seconds: float, size: int) -> None:
    """For whatever comes: same text, same order, no character later than it was told."""
    after = play(coalesce(seconds=seconds, characters=size), before, ends=True)

    assert in_order(after) == in_order(before)
    assert all(held <= seconds + 1e-5 for held in lags(before, after))


@given(arrivals(), st.integers(1, 3))
def test_batching_is_invisible(before: list[Arrival], size: int) -> None:
    """Law of cores: the events of one moment may come in one read or in several."""
    cut = [(now, ev[at : at + size]) for now, ev in before for at in range(0, max(1, len(ev)), size)]
    whole, parts = (play(coalesce(), read) for read in (before, cut))

    assert [(when, event) for when, events in whole for event in events] == [
        (when, event) for when, events in parts for event in events
    ]


@pytest.mark.parametrize("name", PATTERNS)
def test_events_become_few(name: str) -> None:
    """At most one event in `seconds`, whatever the pattern (one choice, one channel)."""
    after = play(coalesce(seconds=0.1, characters=100_000), PATTERNS[name])

    assert all(late - early >= 0.1 - 1e-5 for (early, _), (late, _) in pairwise(after))
    assert all(len(events) == 1 for _, events in after[1:])


@pytest.mark.parametrize("seconds", [0, -1, 11, nan])
def test_wrong_seconds(seconds: float) -> None:
    """The message says what the number is."""
    with pytest.raises(MisuseError, match="how long text may be held"):
        coalesce(seconds=seconds)


def test_wrong_characters() -> None:
    """The message says what the number is."""
    with pytest.raises(MisuseError, match="how much text may be held"):
        coalesce(characters=0)


class TestInAPipeline:
    """In virtual time."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> object:
        """Virtual time on both loops."""
        return virtual(request.param)

    async def test_what_is_held_goes_on_in_time(self) -> None:
        """The driver wakes up for it while the backend is silent."""
        script: list[Step] = [text("a"), 0.02, text("b"), 0.01, text("c"), 2.0, STOP + DONE]
        began = anyio.current_time()
        async with Pipeline(ScriptedSource(script, mode="delta"), coalesce(seconds=0.1)).stream(
            "hi"
        ) as stream:
            out = [(round(anyio.current_time() - began, 2), batch) async for batch in stream.batches()]

        assert [(when, sign) for when, _, _, sign in characters(out)] == [(0, "a"), (0.1, "b"), (0.1, "c")]
        assert [event for _, events in out for event in events if isinstance(event, Delta)][1] == Delta("bc")
        assert any(isinstance(event, Finish) for event in out[-1][1])
