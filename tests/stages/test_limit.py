"""What one answer may cost; more is a failure that names the bound."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import CUTS, run_items
from tests.pacing import play
from tests.reader import hear
from tests.transcripts import DONE, STOP, text
from tests.virtual import virtual
from tokenweir import Pipeline
from tokenweir.pipeline.errors import LimitError, MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Failure, Finish, Phase, Revise, ToolDelta, Usage
from tokenweir.stages import limit
from tokenweir.testing import ScriptedSource

TEXTS = st.lists(st.text("ab é漢", max_size=6), max_size=6)


def failed(named: str) -> Done:
    """The end that names a bound."""
    return Done(Failure("limit", f"the answer is longer than limit({named}) allows"))


@given(TEXTS, st.integers(1, 20))
def test_characters(texts: list[str], size: int) -> None:
    """P8: so many are allowed, one more is not; what was allowed has gone on."""
    whole = "".join(texts)
    out = run_items(limit(characters=size), [*map(Delta, texts), Finish("stop"), Done()])

    assert "".join(event.text for event in out if isinstance(event, Delta)) == whole[:size]
    assert out[-1] == (Done() if len(whole) <= size else failed(f"characters={size}"))
    assert sum(isinstance(event, Done) for event in out) == 1


@given(TEXTS, st.integers(1, 5))
def test_tokens(texts: list[str], size: int) -> None:
    """P8: four bytes each."""
    whole = "".join(texts)
    out = run_items(limit(tokens=size), [*map(Delta, texts), Finish("stop"), Done()])

    assert out[-1] == (Done() if len(whole.encode()) <= 4 * size else failed(f"tokens={size}"))


@given(TEXTS, st.integers(1, 20), CUTS)
def test_batching_is_invisible(texts: list[str], size: int, cuts: list[int]) -> None:
    """Law of cores."""
    events: list[Event] = [*map(Delta, texts), Finish("stop"), Done()]

    assert run_items(limit(characters=size), events, cuts) == run_items(limit(characters=size), events)


def test_everything_counts() -> None:
    """P8, V14: every channel, every choice, tool arguments and revised text, together."""
    events: list[Event] = [
        Delta("ab", "reasoning"),
        Delta("cd", "refusal", 1),
        ToolDelta(0, "i", "find", '{"a'),
        Revise(0, "xy"),
        ToolDelta(0, None, None, '":1}'),
        Delta("never"),
    ]

    assert run_items(limit(characters=11), events) == [
        *events[:4],
        ToolDelta(0, None, None, '":'),
        failed("characters=11"),
    ]
    assert run_items(limit(characters=9, tokens=2), events) == [
        *events[:3],
        Revise(0, "x"),
        failed("tokens=2"),
    ]


def test_nothing_is_made_of_nothing() -> None:
    """Where the bound falls between two deltas, no empty one comes before the failure."""
    assert run_items(limit(characters=2), [Delta("ab"), Delta("c")]) == [Delta("ab"), failed("characters=2")]


def test_what_is_no_text_costs_nothing() -> None:
    """Phases and figures pass."""
    events: list[Event] = [Phase("loading"), Usage(1, 2), Delta("a"), Finish("stop"), Done()]

    assert run_items(limit(characters=1), events) == events


def test_seconds_run_from_the_first_text() -> None:
    """P15: loading has its own deadlines."""
    late = Done(Failure("limit", "the answer took longer than limit(seconds=2) allows"))
    silent: Event = Phase("loading")
    out = play(limit(seconds=2), [(0.0, [silent]), (9.0, [Delta("a")]), (10.0, [Delta("b")])])

    assert out == [(0.0, [silent]), (9.0, [Delta("a")]), (10.0, [Delta("b")]), (11.0, [late])]


def test_seconds_end_with_the_last_finish() -> None:
    """An answer that is whole is not late; one of two choices is not the whole."""
    begin: list[Event] = [Delta("a"), Delta("b", "text", 1), Finish("stop")]
    whole = play(limit(seconds=2), [(0.0, begin), (1.0, [Finish("stop", None, 1)]), (9.0, [Done()])])
    half = play(limit(seconds=2), [(0.0, begin)])

    assert whole[-1] == (9.0, [Done()])
    assert [when for when, _ in half] == [0.0, 2.0]


def test_nothing_comes_behind_the_failure() -> None:
    """A late tick comes first: what arrives with it is not wanted any more."""
    core = limit(seconds=1).core()
    core.tick(0.0)
    core.feed([Delta("a")])

    assert [type(event) for event in core.tick(5.0)] == [Done]
    assert core.feed([Delta("b"), Done()]) == []
    assert core.tick(6.0) == []
    assert core.deadline() is None


def test_a_bound_in_seconds_leaves_the_others() -> None:
    """P8: all bounds hold at once, with a clock too; each failure names its own."""
    events: list[Event] = [Delta("abc"), Delta("def")]

    assert run_items(limit(characters=4, seconds=9), events) == [
        Delta("abc"),
        Delta("d"),
        failed("characters=4"),
    ]
    assert run_items(limit(tokens=1, seconds=9), events) == [Delta("abc"), Delta("d"), failed("tokens=1")]


def test_nothing_comes_behind_the_end() -> None:
    """P2: the backend's own last word is the last."""
    assert run_items(limit(characters=9), [Delta("a"), Done(), Delta("b"), Done()]) == [Delta("a"), Done()]


def test_no_time_no_deadline() -> None:
    """A driver that never told the time is not asked to wake anybody."""
    core = limit(seconds=1).core()

    assert core.feed([Delta("a")]) == [Delta("a")]
    assert core.deadline() is None


def test_what_flows() -> None:
    """The stage's name is that of its function, with a clock and without; it stands among events."""
    stages = [limit(characters=1), limit(seconds=1)]

    assert [(stage.name, stage.takes, stage.gives) for stage in stages] == [("limit", "events", "events")] * 2


def test_only_seconds_need_a_clock() -> None:
    """A pipeline without timed stages costs no timer."""
    assert not limit(characters=1, tokens=1).core().timed
    assert limit(seconds=1).core().timed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, ""),
        ({"characters": 0}, "characters=0"),
        ({"tokens": -1}, "tokens=-1"),
        ({"seconds": 0}, "seconds=0"),
        ({"characters": 1, "seconds": -1}, "characters=1, seconds=-1"),
    ],
)
def test_wrong_bounds(options: dict[str, int], named: str) -> None:
    """The message says what is wrong, and shows the call."""
    with pytest.raises(MisuseError) as wrong:
        limit(**options)

    assert str(wrong.value) == f"limit({named}): give characters, tokens or seconds, each above 0"


class TestInAPipeline:
    """In virtual time."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> object:
        """Virtual time on both loops."""
        return virtual(request.param)

    async def test_a_backend_that_takes_too_long(self) -> None:
        """P8, P10: the failure is told at its time, though nothing arrives, and the upstream is closed."""
        source = ScriptedSource([4.0, text("a"), 60.0, text("never"), STOP, DONE], mode="delta")
        began = anyio.current_time()
        heard = await hear(Pipeline(source, limit(seconds=2)).stream("hi"))

        assert (heard.text, heard.end.outcome, heard.kind) == ("a", "error", "limit")
        assert isinstance(heard.error, LimitError)
        assert abs(anyio.current_time() - began - 6.0) < 0.01
        assert [connection.closed for connection in source.connections] == [1]
