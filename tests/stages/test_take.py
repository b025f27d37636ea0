"""So much of an answer and no more."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import CUTS, run_items
from tests.transcripts import DONE, STOP, text
from tests.virtual import virtual
from tokenweir import Pipeline
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Finish, Revise, ToolDelta
from tokenweir.stages import take
from tokenweir.testing import ScriptedSource

TEXTS = st.lists(st.text("ab é漢", max_size=6), max_size=6)


def shown(events: Sequence[Event]) -> str:
    """The text of choice 0, revisions applied."""
    answer = Assembly()
    answer.feed(events)
    return answer.text()


@given(TEXTS, st.integers(1, 20))
def test_characters(texts: list[str], size: int) -> None:
    """Exactly so many, then the finish; a shorter answer stays as it is."""
    whole = "".join(texts)
    events: list[Event] = [*map(Delta, texts), Finish("stop"), Done()]
    out = run_items(take(characters=size), events)

    assert shown(out) == whole[:size]
    assert out[-2:] == [Finish("stop" if len(whole) < size else "length"), Done()]


@given(TEXTS, st.integers(1, 5))
def test_tokens(texts: list[str], size: int) -> None:
    """At most so many times four bytes."""
    whole = "".join(texts)
    out = run_items(take(tokens=size), [*map(Delta, texts), Finish("stop"), Done()])

    assert whole.startswith(shown(out))
    assert len(shown(out).encode()) <= 4 * size
    assert (out[-2] == Finish("stop")) == (len(whole.encode()) < 4 * size)


@given(TEXTS, st.integers(1, 20), CUTS)
def test_batching_is_invisible(texts: list[str], size: int, cuts: list[int]) -> None:
    """Law of cores."""
    events: list[Event] = [*map(Delta, texts), Finish("stop"), Done()]

    assert run_items(take(characters=size), events, cuts) == run_items(take(characters=size), events)


REVISIONS = st.lists(
    st.text("abc", max_size=5).map(Delta) | st.builds(Revise, st.integers(0, 8), st.text("abc", max_size=5)),
    max_size=6,
)


@given(REVISIONS, st.integers(1, 12), st.sampled_from(["characters", "tokens"]))
def test_revisions(events: list[Delta | Revise], size: int, unit: str) -> None:
    """V18: what counts is the text as it is, not all that was sent."""
    most = size if unit == "characters" else 4 * size
    whole = ""
    for event in events:
        keep = event.keep if isinstance(event, Revise) else len(whole)
        whole = (whole[:keep] + event.text)[:most]
        if len(whole) == most:
            break
    out = run_items(take(**{unit: size}), [*events, Finish("stop"), Done()])

    assert shown(out) == whole
    assert out[-2:] == [Finish("length" if len(whole) == most else "stop"), Done()]


def test_only_the_text_counts() -> None:
    """Reasoning and tool calls are no answer yet."""
    events: list[Event] = [Delta("because", "reasoning"), ToolDelta(0, "i", "find", '{"q":1}'), Delta("ab")]

    assert run_items(take(characters=3), events) == events


def test_each_choice_has_its_own_bound() -> None:
    """And the answer is over when all have reached it."""
    events: list[Event] = [
        Delta("ab"),
        Delta("cd", "text", 1),
        Delta("ef"),
        Delta("gh", "text", 1),
        Delta("i"),
    ]

    assert run_items(take(characters=3), events) == [
        Delta("ab"),
        Delta("cd", "text", 1),
        Delta("e"),
        Finish("length"),
        Delta("g", "text", 1),
        Finish("length", None, 1),
        Done(),
    ]


def test_a_revision_ends_its_own_choice() -> None:
    """V18: whichever choice it revises."""
    events: list[Event] = [Delta("ab", "text", 1), Revise(1, "cde", "text", 1), Delta("f", "text", 1)]

    assert run_items(take(characters=3, choices=2), events) == [
        Delta("ab", "text", 1),
        Revise(1, "cd", "text", 1),
        Finish("length", None, 1),
    ]


def test_what_flows() -> None:
    """The stage's name is that of its function; it stands among events."""
    stage = take(characters=1)

    assert (stage.name, stage.takes, stage.gives) == ("take", "events", "events")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "only one of them"),
        ({"characters": 1, "tokens": 1}, "only one of them"),
        ({"tokens": 0}, r"^take\(tokens=0\): the bound is at least 1"),
        ({"characters": -1}, r"^take\(characters=-1\): the bound is at least 1"),
        ({"characters": 1, "choices": 0}, r"^take\(choices=0\)"),
    ],
)
def test_wrong_bounds(options: dict[str, int], message: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(MisuseError, match=message):
        take(**options)


class TestInAPipeline:
    """In virtual time."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> object:
        """Virtual time on both loops."""
        return virtual(request.param)

    async def test_the_upstream_is_closed(self) -> None:
        """P10: nobody waits for text that is not wanted, and the outcome is complete."""
        source = ScriptedSource(
            [text("One two"), text(" three"), 5.0, text("never"), STOP, DONE], mode="delta"
        )
        report = await Pipeline(source, take(characters=9)).run("hi")

        assert (report.text, report.end.outcome) == ("One two t", "complete")
        assert report.end.stats.duration < 1
        assert [connection.closed for connection in source.connections] == [1]
