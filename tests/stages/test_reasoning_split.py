"""Reasoning between tags becomes reasoning, as events say it."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.feeding import CUTS, run_items
from tests.transcripts import DONE, STOP, text
from tests.virtual import virtual
from tokenweir import Pipeline
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Failure, Finish, Revise, ToolDelta, Usage
from tokenweir.stages import append_only, reasoning_split, throttle, token_count
from tokenweir.testing import ScriptedSource, Step

FRAGMENTS = st.lists(
    st.sampled_from(["<think>", "</think>", "<thi", "</", "<", "a", "b c", " ", "\n", "`", "```\n"]),
    max_size=5,
).map("".join)


def shown(events: Sequence[Event], index: int = 0) -> tuple[str, str]:
    """Reasoning and text of a choice, revisions applied."""
    answer = Assembly()
    answer.feed(events)
    return answer.text(index=index, channel="reasoning"), answer.text(index=index)


def run(*events: Event, start: bool = False) -> list[Event]:
    """All at once, to the end of the input."""
    return run_items(reasoning_split(start_in_reasoning=start), events)


def test_a_block() -> None:
    """USERS 14: tags split over deltas."""
    assert run(Delta("<thi"), Delta("nk>Hm"), Delta(".</"), Delta("think>Yes"), Finish("stop")) == [
        Delta("Hm", "reasoning"),
        Delta(".", "reasoning"),
        Delta("Yes"),
        Finish("stop"),
    ]


def test_an_answer_without_tags_passes_unchanged() -> None:
    """The same objects, nothing held."""
    events: list[Event] = [Delta("Yes"), Delta(", 1 > 0."), Usage(1, 2), Finish("stop"), Done()]
    core = reasoning_split().core()

    assert [out is event for event in events for out in core.feed([event])] == [True] * 5


def test_what_waits_is_flushed() -> None:
    """A cut, an error, a finish, a tool call: what could have been a tag was text."""
    for last in (Done(Failure("upstream", "gone")), Finish("length"), ToolDelta(0, "i", "f", "{}")):
        assert run(Delta("a</thi"), last) == [Delta("a"), Delta("</thi"), last]
    assert run(Delta("<think>a</thi")) == [Delta("a", "reasoning"), Delta("</thi", "reasoning")]


def test_a_missing_opening_tag_is_repaired() -> None:
    """USERS 14: text that was shown is taken back, and says so."""
    out = run(Delta("I see"), Delta(".</think>"), Delta("Yes"), Finish("stop"))

    assert out == [
        Delta("I see"),
        Revise(0, ""),
        Delta("I see.", "reasoning"),
        Delta("Yes"),
        Finish("stop"),
    ]
    assert shown(out) == ("I see.", "Yes")


def test_nothing_is_taken_back_that_was_not_shown() -> None:
    """An answer that came in one piece needs no revision."""
    assert run(Delta("I see.</think>Yes")) == [Delta("I see.", "reasoning"), Delta("Yes")]


def test_start_in_reasoning() -> None:
    """USERS 14: a model whose template opens the block; nothing has to be taken back."""
    out = run(Delta("I see"), Delta(".</think>"), Delta("Yes"), Finish("stop"), start=True)

    assert out == [Delta("I see", "reasoning"), Delta(".", "reasoning"), Delta("Yes"), Finish("stop")]


@pytest.mark.parametrize(
    ("reason", "expected"), [("stop", ("", "Yes.")), ("length", ("Yes.", "")), ("other", ("Yes.", ""))]
)
def test_an_answer_that_did_not_reason_after_all(reason: str, expected: tuple[str, str]) -> None:
    """It stopped without a closing tag, and nothing had opened one: nobody wants an empty answer. One
    that was cut may have been cut in its reasoning."""
    finish = Finish(reason)  # type: ignore[arg-type]
    out = run(Delta("Yes"), Delta("."), finish, start=True)

    assert shown(out) == expected
    assert out[-1] == finish


def test_reasoning_that_was_opened_stays_reasoning() -> None:
    """Only what was assumed is taken back."""
    assert shown(run(Delta("<think>Hm."), Finish("stop"), start=True)) == ("Hm.", "")


def test_a_backend_that_takes_reasoning_apart_is_left_alone() -> None:
    """With start_in_reasoning too: its text is text."""
    events: list[Event] = [Delta("Hm.", "reasoning"), Delta("Yes"), Delta(" </think>"), Finish("stop")]

    assert shown(run(*events, start=True)) == ("Hm.", "Yes </think>")


def test_blocks_after_a_tool_call() -> None:
    """Models that reason between calls."""
    call = ToolDelta(0, "i", "find", "{}")
    out = run(Delta("<think>a</think>I look."), call, Delta("<think>b</think>Yes <think>"), Finish("stop"))

    assert out == [
        Delta("a", "reasoning"),
        Delta("I look."),
        call,
        Delta("b", "reasoning"),
        Delta("Yes <think>"),
        Finish("stop"),
    ]


def test_choices_are_apart() -> None:
    """Each has its own state; other channels are not touched."""
    out = run(
        Delta("<think>a", "text", 0),
        Delta("b</th", "text", 1),
        Delta("<think>no", "refusal", 0),
        Delta("</think>A", "text", 0),
        Delta("ink>B", "text", 1),
    )

    assert shown(out) == ("a", "A")
    assert shown(out, 1) == ("b", "B")
    assert Delta("<think>no", "refusal") in out


@given(FRAGMENTS, CUTS, st.booleans())
def test_batching_is_invisible(whole: str, cuts: list[int], start: bool) -> None:  # noqa: FBT001 - a hypothesis argument
    """Law of cores."""
    events: list[Event] = [*map(Delta, whole), Usage(1, 2), Finish("stop"), Done()]
    stage = reasoning_split(start_in_reasoning=start)

    assert run_items(stage, events, cuts) == run_items(stage, events)


REVISIONS = st.lists(FRAGMENTS.map(Delta) | st.builds(Revise, st.integers(0, 20), FRAGMENTS), max_size=5)


@given(REVISIONS, st.booleans())
@example(events=[Delta("<think>a</think>b"), Revise(8, "")], start=False)
@example(events=[Delta("a"), Revise(1, "</think>b"), Revise(0, "a")], start=False)
@example(events=[Delta("<think>abc"), Revise(9, "x</think>y")], start=False)
def test_revisions(events: list[Delta | Revise], start: bool) -> None:  # noqa: FBT001 - as above
    """V18: whatever the backend revised, what is shown is what the text as it is now would give."""
    raw = ""
    for event in events:
        raw = raw[: event.keep if isinstance(event, Revise) else None] + event.text
    out = run(*events, Finish("length"), start=start)

    assert shown(out) == shown(run(Delta(raw), Finish("length"), start=start))


def test_a_revision_keeps_what_interrupted_the_text() -> None:
    """The block after a tool call is still one when the text behind it is revised."""
    call = ToolDelta(0, "i", "find", "{}")
    out = run(Delta("I look."), call, Delta("<think>b</think>Yes"), Revise(23, "No"))

    assert shown(out) == ("b", "I look.No")
    assert out[-1] == Revise(7, "No")


def test_a_revision_before_reasoning_of_the_backend() -> None:
    """Reasoning that came both ways is not mixed up: what was moved before stays."""
    out = run(
        Delta("<think>a</think>"), Delta("native", "reasoning"), Delta("Yes"), Revise(0, "<think>x</think>No")
    )

    assert shown(out) == ("anative", "No")


def test_a_revision_right_behind_a_tool_call() -> None:
    """The text still begins anew there."""
    call = ToolDelta(0, "i", "find", "{}")
    out = run(Delta("I look."), call, Delta("x"), Revise(7, "<think>b</think>No"))

    assert shown(out) == ("b", "I look.No")


def test_trust_survives_a_revision() -> None:
    """A backend that takes reasoning apart itself does so to its end."""
    out = run(Delta("ab"), Delta("native", "reasoning"), Revise(0, "x"), Delta("y</think>z"))

    assert shown(out) == ("native", "xy</think>z")


def test_reasoning_of_the_backend_is_not_taken_back() -> None:
    """Though the text before it was only assumed to be reasoning."""
    out = run(Delta("Hm."), Delta("native", "reasoning"), Finish("stop"), start=True)

    assert shown(out) == ("Hm.native", "")


@pytest.mark.parametrize(
    "tags", [[], [("", "</a>")], [("<a>", "<a>")], [("<a>", "</a>"), ("<b>", "</a>")], [(" <a>", "</a>")]]
)
def test_wrong_tags(tags: list[tuple[str, str]]) -> None:
    """The message says what is wrong."""
    with pytest.raises(MisuseError, match="pairs of different tags"):
        reasoning_split(tags=tags)


def test_own_tags() -> None:
    """A model that nobody has heard of."""
    out = run_items(reasoning_split(tags=[("[[", "]]")]), [Delta("[[Hm.]"), Delta("]Yes<think>")])

    assert shown(out) == ("Hm.", "Yes<think>")


class TestInAPipeline:
    """In virtual time."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> object:
        """Virtual time on both loops."""
        return virtual(request.param)

    async def test_the_usual_chain(self) -> None:
        """USERS 14: a missing opening tag, through all that stands behind it; each text counts once."""
        script: list[Step] = [text("I see"), 0.5, text(".</thi"), text("nk>"), text("Yes"), STOP + DONE]
        stages = (reasoning_split(), token_count(), throttle())
        report = await Pipeline(ScriptedSource(script, mode="delta"), *stages).run("hi")

        assert (report.reasoning, report.text) == ("I see.", "Yes")
        assert report.usage is not None
        assert report.usage.output == 3

    async def test_receivers_that_cannot_take_back(self) -> None:
        """What was shown stays, and the answer follows it: nothing is lost."""
        script: list[Step] = [text("I see"), 0.5, text(".</think>"), text("Yes"), STOP + DONE]
        pipeline = Pipeline(ScriptedSource(script, mode="delta"), reasoning_split(), append_only())

        assert (await pipeline.text("hi")).endswith("Yes")
