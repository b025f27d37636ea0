"""Every deadline, to the moment, in virtual time on both event loops."""

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from tests.reader import Heard, hear
from tests.transcripts import HELLO, PING, text
from tests.virtual import virtual
from tokenweir import Deadlines, Delta, Event, Pipeline, Stage
from tokenweir.pipeline.errors import DeadlineError
from tokenweir.pipeline.events import Phase
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio

EPSILON = 0.001
YEAR = 365 * 86400.0
NONE = Deadlines(None, None, None, None, None)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def play(*script: Step, deadlines: Deadlines = NONE, rescue: bytes = b"") -> Heard:
    """What a consumer hears that is always there."""
    source = ScriptedSource(script, deadlines=deadlines, rescue=rescue)
    heard = await hear(Pipeline(source).stream("hi"))
    assert [connection.closed for connection in source.connections] == [1]
    return heard


DEADLINES = {
    "first_token": ((), 20.0),
    "silence": ((text("a"),), 20.0),
    "between_tokens": ((text("a"), 7.0, PING, 7.0, PING), 6.0),
    "total": ((3.0, text("a"), 7.0, text("b")), 10.0),
}
"""Name -> what comes before, and how long the rest of the allowed 20 seconds is."""


@pytest.mark.parametrize("name", DEADLINES)
@pytest.mark.parametrize("late", [False, True])
async def test_boundary(name: str, late: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """P15, T06: a deadline lets pass what comes a moment before it, ends what comes a moment after, and
    is named in the failure, with the way to allow more."""
    before, rest = DEADLINES[name]
    moment = rest + (EPSILON if late else -EPSILON)
    limits = {**dict.fromkeys(("first_token", "silence", "between_tokens", "total")), name: 20.0}
    heard = await play(*before, moment, HELLO, deadlines=Deadlines(None, **limits))

    if not late:
        assert (heard.end.outcome, heard.text[-5:]) == ("complete", "Hello")
        return
    failure = heard.end.failure
    assert failure is not None
    assert (heard.end.outcome, failure.kind, failure.phase) == ("timeout", "timeout", name)
    assert "waited 20 s for " in failure.message
    assert f"Deadlines({name}=" in failure.message
    assert isinstance(heard.error, DeadlineError)
    assert (
        heard.text == "".join(e.text for e in heard.events if isinstance(e, Delta)) == "ab"[: len(heard.text)]
    )
    assert heard.end.stats.duration == pytest.approx(20.0, abs=0.01)


@pytest.mark.parametrize("name", ["silence", "between_tokens"])
async def test_data_at_the_very_moment_wins(name: str) -> None:
    """T04: what comes exactly at the deadline has come in time."""
    limits = {**dict.fromkeys(("first_token", "silence", "between_tokens", "total")), name: 20.0}
    heard = await play(text("a"), 20.0, HELLO, deadlines=Deadlines(None, **limits))

    assert (heard.text, heard.end.outcome) == ("aHello", "complete")


@pytest.mark.parametrize("name", ["first_token", "total"])
async def test_data_at_the_very_first_moment(name: str) -> None:
    """T04: either the data or the deadline, and nothing between."""
    limits = {**dict.fromkeys(("first_token", "silence", "between_tokens", "total")), name: 20.0}
    heard = await play(20.0, HELLO, deadlines=Deadlines(None, **limits))

    assert (heard.text, heard.end.outcome) in {("Hello", "complete"), ("", "timeout")}


@pytest.mark.parametrize("limits", [NONE, Deadlines(None, 10 * YEAR, 10 * YEAR, 10 * YEAR, 10 * YEAR)])
async def test_no_deadline_or_a_very_far_one(limits: Deadlines) -> None:
    """T06, P15: a day of silence is fine where it is allowed."""
    heard = await play(60.0, text("a"), 86400.0, HELLO, deadlines=limits)

    assert (heard.text, heard.end.outcome) == ("aHello", "complete")


async def test_keep_alives_hold_off_silence_alone() -> None:
    """P15, U25: pings reset the silence clock, and not the one between tokens."""
    limits = Deadlines(silence=30.0, between_tokens=100.0)
    pings: list[Step] = [25.0, PING] * 3
    alive = await play(text("a"), *pings, HELLO, deadlines=limits)
    dead = await play(text("a"), *pings, *pings, deadlines=limits)

    assert (alive.text, alive.end.outcome, alive.end.stats.keep_alives) == ("aHello", "complete", 3)
    assert dead.end.failure is not None
    assert (dead.text, dead.end.failure.phase) == ("a", "between_tokens")


async def test_pings_do_not_stand_for_a_first_token() -> None:
    """P15, U05: a backend that only pings is given up when the first token is due."""
    pings: list[Step] = [10.0, PING] * 20
    heard = await play(*pings, deadlines=Deadlines(first_token=100.0))

    assert heard.end.failure is not None
    assert heard.end.failure.phase == "first_token"
    assert heard.end.stats.duration == pytest.approx(100.0)


async def test_half_a_frame_is_no_token_but_it_is_no_silence() -> None:
    """P15: bytes that mean nothing yet count for the wire, not for the tokens."""
    pieces: list[Step] = [step for at in range(len(HELLO)) for step in (25.0, HELLO[at : at + 1])]
    heard = await play(text("a"), *pieces, deadlines=Deadlines(silence=30.0, between_tokens=500.0))

    assert heard.end.failure is not None
    assert heard.end.failure.phase == "between_tokens"


async def test_bytes_that_came_with_the_deadline_are_delivered() -> None:
    """P1, T04: what had arrived when a deadline passed is delivered before it is told."""
    heard = await play(text("a"), 100.0, deadlines=Deadlines(silence=10.0), rescue=text("b") + text("c")[:9])

    assert (heard.text, heard.end.outcome) == ("abc"[:2], "timeout")


async def test_a_slow_consumer_is_never_the_backends_fault() -> None:
    """P15, A36: a consumer that takes longer over each event than any deadline sees no timeout."""
    limits = Deadlines(connect=5.0, first_token=5.0, silence=5.0, between_tokens=5.0)
    script: list[Step] = [4.0, text("a"), 4.0, PING, 0.5, text("b"), 4.0, HELLO]
    found = ""
    async with Pipeline(ScriptedSource(script, deadlines=limits)).stream("hi") as stream:
        async for event in stream:
            found += event.text if isinstance(event, Delta) else ""
            await anyio.sleep(60.0)

    assert stream.end is not None
    assert (found, stream.end.outcome) == ("abHello", "complete")


async def test_phases_fill_a_cold_load() -> None:
    """P16, U05: ninety seconds of loading are told second by second, and none of it is text."""
    heard = await play(90.5, HELLO, deadlines=Deadlines())

    assert [phase.elapsed for phase in heard.phases] == [float(second) for second in range(1, 91)]
    assert {phase.name for phase in heard.phases} == {"loading"}
    assert heard.events[: len(heard.phases)] == heard.phases
    assert heard.text == "Hello"
    assert heard.end.stats.first_token == pytest.approx(90.5)


async def test_phases_follow_the_backends_own_word() -> None:
    """P16: what the backend says of its work is the phase that goes on being told."""
    heard = await play(0.5, b": prefill 0.25\n\n", 2.5, HELLO, deadlines=Deadlines())

    assert heard.phases[0] == Phase("prefill", 0.25, "prefill 0.25")
    assert [phase.name for phase in heard.phases] == ["prefill"] * 3
    assert [phase.elapsed for phase in heard.phases[1:]] == [1.5, 2.5]


async def test_no_phase_after_the_first_token() -> None:
    """P16: once text flows, silence and pings are only counted."""
    heard = await play(text("a"), 30.0, PING, 30.0, HELLO, deadlines=Deadlines())

    assert heard.phases == []
    assert heard.end.stats.keep_alives == 1
    assert heard.end.stats.gap_max == pytest.approx(60.0)


async def test_a_consumer_slower_than_the_phases_gets_its_answer() -> None:
    """P16: phases never starve the read that they fill in for."""
    seen: list[Event] = []
    async with Pipeline(ScriptedSource([9.5, HELLO])).stream("hi") as stream:
        async for event in stream:
            seen.append(event)
            await anyio.sleep(3.0 if isinstance(event, Phase) else 0.0)

    assert stream.end is not None
    assert stream.end.outcome == "complete"
    assert 2 <= sum(isinstance(event, Phase) for event in seen) <= 4


class Hold:
    """A core that gives each event two seconds later."""

    def __init__(self) -> None:
        self._held: list[Event] = []
        self._due: float | None = None
        self._now = 0.0

    def feed(self, items: Sequence[Event], /) -> list[Event]:
        """Keep."""
        self._held += items
        self._due = self._now + 2.0
        return []

    def tick(self, now: float) -> list[Event]:
        """Give what is old enough."""
        self._now = now
        if self._due is None or now < self._due:
            return []
        held, self._held, self._due = self._held, [], None
        return held

    def deadline(self) -> float | None:
        """When there is something to give."""
        return self._due

    def finish(self) -> list[Event]:
        """Give everything."""
        return self._held


async def test_a_core_is_told_the_time() -> None:
    """DESIGN 4: what a core holds for a time comes out when its time has come, before the next read."""
    source = ScriptedSource([text("a"), 10.0, HELLO], deadlines=Deadlines())
    arrived: list[tuple[str, float]] = []
    async with Pipeline(source, Stage(Hold, "hold")).stream("hi") as stream:
        start = anyio.current_time()
        async for event in stream:
            if isinstance(event, Delta):
                now = anyio.current_time()
                arrived.append((event.text, round(now - start, 3)))

    assert arrived == [("a", 2.0), ("Hel", 10.0), ("lo", 10.0)]


async def test_a_core_that_is_told_the_time_hides_no_silence() -> None:
    """P15: looking up for a core does not begin the silence anew."""

    class Restless(Hold):
        def tick(self, now: float) -> list[Event]:
            held, self._held = self._held, []
            self._due = now + 3.0
            return held

    source = ScriptedSource([text("a"), 400.0], deadlines=Deadlines(silence=20.0))
    heard = await hear(Pipeline(source, Stage(Restless, "restless")).stream("hi"))

    assert heard.end.failure is not None
    assert heard.end.failure.phase == "silence"
    assert heard.end.stats.duration == pytest.approx(20.0, abs=3.1)


async def test_rounding_misnames_no_deadline() -> None:
    """P15: sums of times are rounded; the deadline is named right all the same, and comes in time."""
    for number in range(1, 40):
        step = number / 70
        pings: list[Step] = [step, PING] * 9
        heard = await play(text("a"), *pings, 60.0, deadlines=Deadlines(None, None, None, step * 10, None))
        early = await play(*pings, 60.0, deadlines=Deadlines(None, step * 10, None, None, None))

        assert heard.end.failure is not None
        assert early.end.failure is not None
        assert (heard.end.failure.phase, early.end.failure.phase) == ("between_tokens", "first_token")
        assert heard.end.stats.duration == pytest.approx(step * 10, abs=1e-4)
        assert early.end.stats.duration == pytest.approx(step * 10, abs=1e-4)
