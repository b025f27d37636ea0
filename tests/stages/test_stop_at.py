"""An answer ends before a stop sequence, wherever that was cut."""

from collections.abc import Sequence

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from tests.feeding import CUTS, pieces, run_items
from tests.transcripts import DONE, STOP, USAGE, text
from tests.virtual import virtual
from tokenweir import Pipeline
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Failure, Finish, Revise, ToolDelta, Usage
from tokenweir.stages import stop_at, throttle, token_count
from tokenweir.testing import ScriptedSource, Step

SEQUENCES = st.lists(st.text("ab\n", min_size=1, max_size=4), min_size=1, max_size=3)
TEXTS = st.text("ab\nc", max_size=20)


def expected(whole: str, sequences: Sequence[str]) -> tuple[str, str | None]:
    """By the letter: look after each character."""
    for end in range(len(whole) + 1):
        ending = [sequence for sequence in sequences if whole[:end].endswith(sequence)]
        if ending:
            longest = max(ending, key=len)
            return whole[: end - len(longest)], longest
    return whole, None


def shown(events: Sequence[Event]) -> str:
    """The text of choice 0, revisions applied."""
    answer = Assembly()
    answer.feed(events)
    return answer.text()


@given(TEXTS, SEQUENCES, CUTS)
@example("abcd", ["abcd", "bc"], [2])
@example("aab", ["ab"], [1, 2])
def test_any_cut(whole: str, sequences: list[str], cuts: list[int]) -> None:
    """P3: the same text and the same sequence, however the text comes."""
    texts = ["".join(piece) for piece in pieces(list(whole), cuts)]
    out = run_items(stop_at(*sequences), [*map(Delta, texts), Finish("length"), Done()])
    before, found = expected(whole, sequences)

    assert shown(out) == before
    assert out[-2:] == [Finish("length") if found is None else Finish("stop", found), Done()]


@given(TEXTS, SEQUENCES, CUTS)
def test_batching_is_invisible(whole: str, sequences: list[str], cuts: list[int]) -> None:
    """Law of cores."""
    events: list[Event] = [*map(Delta, whole), Usage(1, 2), Finish("stop"), Done()]

    assert run_items(stop_at(*sequences), events, cuts) == run_items(stop_at(*sequences), events)


@given(TEXTS, SEQUENCES)
def test_only_what_could_begin_a_sequence_waits(whole: str, sequences: list[str]) -> None:
    """Every character that can go on has gone on."""
    core = stop_at(*sequences).core()
    so_far: list[Event] = []
    for at, sign in enumerate(whole, 1):
        so_far += core.feed([Delta(sign)])
        if any(isinstance(event, Done) for event in so_far):
            break
        waiting = whole[len(shown(so_far)) : at]
        assert waiting == "" or any(sequence.startswith(waiting) for sequence in sequences)


REVISIONS = st.lists(TEXTS.map(Delta) | st.builds(Revise, st.integers(0, 8), TEXTS), max_size=6)


@given(REVISIONS, SEQUENCES)
@example([Delta("ab"), Revise(1, "\nc")], ["a\nc"])
@example([Delta("abb"), Revise(2, "ab")], ["ba"])
def test_revisions(events: list[Delta | Revise], sequences: list[str]) -> None:
    """V18: after a revision the text is looked at as it is then; what was shown is revised exactly."""
    whole, found = "", None
    for event in events:
        keep = event.keep if isinstance(event, Revise) else len(whole)
        whole, found = expected(whole[:keep] + event.text, sequences)
        if found is not None:
            break
    out = run_items(stop_at(*sequences), [*events, Finish("length"), Done()])

    assert shown(out) == whole
    assert out[-2:] == [Finish("length") if found is None else Finish("stop", found), Done()]


def test_what_waits_comes_before_what_interrupts_the_text() -> None:
    """A tool call, reasoning or the finish: what waited was text, and no sequence reaches across."""
    for other in (ToolDelta(0, "i", "f", "{}"), Delta("why", "reasoning"), Finish("stop")):
        events: list[Event] = [Delta("so\n"), other, Delta("User:")]

        assert run_items(stop_at("\nUser:"), events) == [Delta("so"), Delta("\n"), other, Delta("User:")]


def test_no_sequence_reaches_across_what_interrupted_the_text() -> None:
    """After a revision behind it neither; a revision before it makes one text of both sides."""
    call = ToolDelta(0, "i", "f", "{}")
    before: list[Event] = [Delta("xa"), call, Delta("b")]

    assert shown(run_items(stop_at("ab"), [*before, Revise(3, "c")])) == "xabc"
    assert shown(run_items(stop_at("ab"), [*before, Revise(1, "ab")])) == "x"


@pytest.mark.parametrize("index", [0, 1])
def test_a_revision_is_told_exactly(index: int) -> None:
    """V18: what stays is not revised, what was not shown yet is told as new, and nothing as nothing;
    what could begin a sequence waits behind a revision too. Whatever the choice."""

    def told(*events: Event) -> list[Event]:
        return run_items(stop_at("User:", choices=2), [replace(event, index=index) for event in events])

    def of_choice(*events: Event) -> list[Event]:
        return [replace(event, index=index) for event in events]

    begun, call = Delta("Yes. Us"), ToolDelta(0, "i", "f", "{}")

    assert told(begun, Revise(5, "no")) == of_choice(Delta("Yes. "), Delta("no"))
    assert told(begun, Revise(5, "")) == of_choice(Delta("Yes. "))
    assert told(begun, Revise(2, "p")) == of_choice(Delta("Yes. "), Revise(2, "p"))
    assert told(begun, Revise(0, "No. Us"), Delta("er: x")) == of_choice(
        Delta("Yes. "), Revise(0, "No. "), Finish("stop", "User:")
    )
    assert told(Delta("abc"), call, Revise(0, "User: x")) == of_choice(
        Delta("abc"), call, Revise(0, ""), Finish("stop", "User:")
    )
    assert told(Delta("Us"), call, Revise(2, "er: x")) == of_choice(Delta("Us"), call, Delta("er: x"))
    assert told(Delta("a Us"), call, Revise(4, "")) == of_choice(Delta("a "), Delta("Us"), call)


def test_what_flows() -> None:
    """The stage's name is that of its function; it stands among events."""
    stage = stop_at("x")

    assert (stage.name, stage.takes, stage.gives) == ("stop_at", "events", "events")


def test_wrong_choices() -> None:
    """The message says where."""
    with pytest.raises(MisuseError, match=r"^stop_at\(choices=0\)"):
        stop_at("x", choices=0)


def test_what_has_no_place_in_the_text_does_not_wait() -> None:
    """Figures with every chunk hide no sequence."""
    extra = Extra("logprobs", Raw(b"[]"), 0)
    out = run_items(stop_at("\nUser:"), [Delta("so\nUs"), Usage(1, 2), extra, Delta("er: x"), Done()])

    assert out == [Delta("so"), Usage(1, 2), extra, Finish("stop", "\nUser:"), Done()]


def test_other_channels_are_not_looked_at() -> None:
    """Reasoning may say what it likes."""
    events: list[Event] = [
        Delta("a; b", "reasoning"),
        Delta("no;", "refusal"),
        Delta("c"),
        Finish("stop"),
        Done(),
    ]

    assert run_items(stop_at(";"), events) == events


def test_the_end_gives_what_waits() -> None:
    """A cut answer loses nothing."""
    gone = Done(Failure("upstream", "gone"))

    assert run_items(stop_at("User:"), [Delta("so Us")]) == [Delta("so "), Delta("Us")]
    assert run_items(stop_at("User:"), [Delta("so Us"), gone]) == [Delta("so "), Delta("Us"), gone]


@pytest.mark.parametrize("sequences", [(), ("",), ("a", "")])
def test_wrong_sequences(sequences: tuple[str, ...]) -> None:
    """The message says what is wrong."""
    with pytest.raises(MisuseError, match="at least one sequence"):
        stop_at(*sequences)


class TestInAPipeline:
    """In virtual time."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> object:
        """Virtual time on both loops."""
        return virtual(request.param)

    async def test_the_upstream_is_closed_at_the_sequence(self) -> None:
        """P10: nobody waits for text that is not wanted, and the outcome is complete."""
        script: list[Step] = [
            text("Yes."),
            text("\nUs"),
            text("er: more"),
            5.0,
            text("never"),
            STOP,
            USAGE,
            DONE,
        ]
        source = ScriptedSource(script, mode="delta")
        began = anyio.current_time()
        report = await Pipeline(source, stop_at("\nUser:"), token_count(), throttle()).run("hi")

        assert (report.text, report.end.outcome) == ("Yes.", "complete")
        assert report.usage == Usage(output=1, source="estimated")
        assert anyio.current_time() - began < 0.1
        assert [connection.closed for connection in source.connections] == [1]
        assert len(source.connections[0].left) == 5
