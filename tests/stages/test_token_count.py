"""Every stream ends with token figures, and says who counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import CUTS, run_items
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    Event,
    Failure,
    Finish,
    Revise,
    ToolDelta,
    Usage,
    UsageSource,
)
from tokenweir.stages import token_count
from tokenweir.stages.token_count import BYTES_PER_TOKEN

FINISH = Finish("stop")


def words(text: str) -> int:
    """A counter."""
    return len(text.split())


def counted(*events: Event, counter: bool = True) -> Usage | None:
    """The last figures of a stream."""
    found = [
        event
        for event in run_items(token_count(words if counter else None), events)
        if isinstance(event, Usage)
    ]
    return found[-1] if found else None


@pytest.mark.parametrize(("counter", "output", "source"), [(True, 3, "counted"), (False, 4, "estimated")])
def test_who_counted(counter: bool, output: int, source: UsageSource) -> None:  # noqa: FBT001 - a table, not called
    """DESIGN 4: with a counter the text is counted, without one its size is estimated, and it says which."""
    assert counted(Delta("one two "), Delta("three"), FINISH, Done(), counter=counter) == Usage(
        None, output, source=source
    )


@pytest.mark.parametrize("counter", [True, False])
@pytest.mark.parametrize("told", [Usage(5, 9, 14, 2, 1), Usage(output=0)])
def test_the_backend_is_believed(told: Usage, counter: bool) -> None:  # noqa: FBT001 - a table, not called
    """V21: the backend's own figure of the output is the truth; nothing is added to it."""
    events: list[Event] = [Delta("one two three"), told, FINISH, Done()]

    assert run_items(token_count(words if counter else None), events) == events


def test_what_the_backend_left_out() -> None:
    """V21: figures that the backend gave stay; the output is added, and the total where it can be known."""
    assert counted(Delta("a b"), Usage(5, None, None, 2, 1), Done()) == Usage(5, 2, 7, 2, 1, "counted")
    assert counted(Delta("a b"), Usage(cached=1), Done()) == Usage(None, 2, None, None, 1, "counted")


def test_the_place() -> None:
    """DESIGN 4: the figures come before `Done`, after everything else; or at the end of what was cut."""
    usage = Usage(output=1, source="counted")

    assert run_items(token_count(words), [Delta("a"), FINISH, Done()]) == [Delta("a"), FINISH, usage, Done()]
    assert run_items(token_count(words), [Delta("a")])[1:] == [
        Usage(output=1, source="counted", partial=True)
    ]


def test_partial() -> None:
    """DESIGN 3: figures of an answer that was cut or failed are partial."""
    failed = counted(Delta("a"), Done(Failure("upstream", "boom")))
    cut, whole = counted(Delta("a")), counted(Delta("a"), Done())

    assert (failed and failed.partial, cut and cut.partial, whole and whole.partial) == (True, True, False)


def test_everything_that_was_said_counts() -> None:
    """DESIGN 4: reasoning, refusals, arguments and every choice are output; a chunk is not a token."""
    said: list[Event] = [
        Delta("o"),
        Delta("ne "),
        Delta("two ", "reasoning"),
        Delta("three ", "refusal"),
        Delta("four ", index=1),
        ToolDelta(0, "c", "name", "five "),
        ToolDelta(1, "d", "name", "six"),
    ]

    assert counted(*said, Done()) == Usage(output=6, source="counted")
    assert counted(Done()) == Usage(output=0, source="counted")


def test_revised_text_counts_as_it_stands() -> None:
    """DESIGN 4: with a counter, what was taken back does not count."""
    events: list[Event] = [
        Delta("one two three"),
        Revise(4, "2 3 4"),
        ToolDelta(0, "c", "f", "a b"),
        Revise(1, " B C", "tool", 0, 0),
    ]

    assert counted(*events, Done()) == Usage(output=4 + 3, source="counted")


@given(
    st.lists(
        st.builds(
            Delta,
            st.text(alphabet="ab ", max_size=4),
            st.sampled_from(["text", "reasoning"]),
            st.integers(0, 1),
        )
    ),
    CUTS,
)
def test_batches(said: list[Event], cuts: list[int]) -> None:
    """P3: batches change no figure."""
    events = [*said, Done()]

    assert run_items(token_count(words), events, cuts) == run_items(token_count(words), events)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 3, 0, 1], [0, 2, 1, 3]])
def test_channels_are_not_torn(order: list[int]) -> None:
    """P3: pieces of a word belong together, whatever came between them from another channel."""
    said = [Delta("on"), Delta("e "), Delta("tw", "reasoning"), Delta("o ", "reasoning")]

    assert counted(*(said[at] for at in order), Done()) == Usage(output=2, source="counted")


@given(st.text(), CUTS)
def test_the_estimate_is_of_the_whole(text: str, cuts: list[int]) -> None:
    """DESIGN 4: the estimate is made of all bytes together, however the text was cut."""
    deltas = [Delta(character) for character in text]
    out = run_items(token_count(), [*deltas, Done()], cuts)

    assert out[-2].output == -(-len(text.encode()) // BYTES_PER_TOKEN)


def test_a_counter_that_breaks() -> None:
    """DESIGN 4: a broken counter is the stage's bug; what came before it was delivered."""
    core = token_count(lambda text: 1 // len(text[9:])).core()

    assert core.feed([Delta("short")]) == [Delta("short")]
    core.feed([Done()])
    assert isinstance(core.error, StageError)
    assert "token_count" in str(core.error)
