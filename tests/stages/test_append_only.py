"""Revisions for receivers that cannot take text back."""

from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.feeding import CUTS, run_items
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Finish, Revise, Snapshot, ToolDelta
from tokenweir.simulator.text import FOUNDING
from tokenweir.stages import append_only, cumulative_detect, delta_extract
from tokenweir.stages.cumulative_evidence import common_prefix

END: list[Event] = [Finish("stop"), Done()]


def truth(events: list[Event]) -> str:
    """The text that the events mean."""
    made = Assembly()
    made.feed(events)
    return made.text()


def shown(out: list[Event]) -> str:
    """What a receiver has seen of choice 0's text."""
    assert not any(isinstance(event, Revise) for event in out)
    return "".join(
        event.text
        for event in out
        if isinstance(event, Delta) and event.channel == "text" and not event.index
    )


def told(*events: Event) -> str:
    """What a receiver has seen in the end."""
    return shown(run_items(append_only(), [*events, *END]))


# --- exactly --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "cumulative"])
def test_the_founding_text(mode: Any) -> None:
    """The one changed word and its return leave no trace: the receiver has the sentence, once."""
    chunks = [Delta(FOUNDING.snapshot(at)) for at in range(len(FOUNDING.tokens))]
    out = run_items(cumulative_detect(mode) | delta_extract() | append_only(), [*chunks, *END])

    assert shown(out) == FOUNDING.text


EXAMPLES: dict[str, tuple[list[Event], str]] = {
    "grows": ([Delta("a"), Delta("b")], "ab"),
    "revised behind the end": ([Delta("Hello"), Revise(5, " you"), Revise(9, "!")], "Hello you!"),
    "goes on behind the end of what was shown": (
        [Delta("It is [1] as we know,"), Revise(6, "(Smith) as we know, so")],
        "It is [1] as we know, so",
    ),
    "waits, and the text comes back": (
        [Delta("and listing"), Revise(8, "ening"), Revise(8, "ing them"), Delta(" all")],
        "and listing them all",
    ),
    "waits, and the place comes later": (
        [Delta("one two three four"), Revise(4, "TWO"), Delta(" three"), Delta(" four"), Delta(" five")],
        "one two three four five",
    ),
    "waits to the end, and the tail was changed": (
        [Delta("a [1] and then listing"), Revise(2, "(x) and then listening to it")],
        "a [1] and then listingening to it",
    ),
    "waits to the end, nothing in common": ([Delta("Yes"), Revise(0, "No way")], "YesNo way"),
    "was shortened": ([Delta("Hello world"), Revise(5, "")], "Hello world"),
    "was shortened, and grows again": (
        [Delta("Hello world"), Revise(5, ""), Delta(" world"), Delta("!")],
        "Hello world!",
    ),
    "was shortened, and grows another way": (
        [Delta("Hello world"), Revise(5, ""), Delta(" you")],
        "Hello worldyou",
    ),
    "taken back altogether": ([Delta("Hello"), Revise(0, "")], "Hello"),
    "taken back and said again, short": ([Delta("Hi"), Revise(0, ""), Delta("H"), Delta("i!")], "Hi!"),
    "the end stands twice in the new text": (
        [Delta("ab12345678cd12345678"), Revise(12, "X12345678Y")],
        "ab12345678cd12345678Y",
    ),
    "the end stands only in what both begin with": (
        [Delta("ab12345678cd12345678"), Revise(12, "X")],
        "ab12345678cd12345678X",
    ),
    "keeps more than there is": ([Delta("ab"), Revise(99, "c")], "abc"),
}


@pytest.mark.parametrize(("events", "text"), EXAMPLES.values(), ids=EXAMPLES)
def test_examples(events: list[Event], text: str) -> None:
    """DESIGN 4: on a revision it goes on behind the end of what was shown, or waits; at the end it gives
    what is missing; never twice, never a lost ending."""
    assert told(*events) == text


def test_it_goes_on_as_soon_as_it_can() -> None:
    """DESIGN 4: waiting ends with the event that brings the place, not later."""
    core = append_only().core()
    core.feed([Delta("one two three four"), Revise(4, "TWO")])

    assert core.feed([Delta(" three")]) == []
    assert core.feed([Delta(" four ")]) == [Delta(" ")]
    assert core.feed([Delta("five")]) == [Delta("five")]


def test_the_missing_end_comes_before_the_finish() -> None:
    """DESIGN 4: what is missing is given before the choice's finish, or where the stream was cut."""
    events: list[Event] = [Delta("Yes"), Delta("x", index=1), Revise(0, "No")]

    assert run_items(append_only(), [*events, Finish("stop"), Done()])[2:] == [
        Delta("No"),
        Finish("stop"),
        Done(),
    ]
    assert run_items(append_only(), [*events, Finish("stop", None, 1), Done()])[3:] == [Delta("No"), Done()]
    assert run_items(append_only(), events)[2:] == [Delta("No")]


def test_channels_stand_apart() -> None:
    """DESIGN 4: each channel of each choice, and each call, is followed by itself."""
    out = run_items(
        append_only(),
        [
            Delta("thinking hard", "reasoning"),
            Delta("text"),
            ToolDelta(0, "c", "f", '{"a": 1'),
            Revise(9, "soft", "reasoning"),
            Revise(6, "2", "tool", 0, 0),
            ToolDelta(1, "d", "g", "{}"),
            ToolDelta(0, None, None, "}"),
            Delta("!"),
            *END,
        ],
    )

    assert out[3:] == [
        ToolDelta(1, "d", "g", "{}"),
        Delta("!"),
        Delta("soft", "reasoning"),
        ToolDelta(0, None, None, "2}"),
        *END,
    ]


def test_names_of_a_call_are_not_held() -> None:
    """P1: an id that comes while the arguments wait is told at once."""
    core = append_only().core()
    core.feed([ToolDelta(0, None, "f", "[1]"), Revise(0, "{", "tool", 0, 0)])

    assert core.feed([ToolDelta(0, "late", None, "}")]) == [ToolDelta(0, "late", None, "")]


# --- laws -----------------------------------------------------------------------------------------

EDITS = st.lists(
    st.text(alphabet="ab cdé", max_size=8).map(Delta)
    | st.builds(Revise, st.integers(0, 40), st.text(alphabet="ab cdé", max_size=30)),
    max_size=14,
)


@given(EDITS, CUTS)
def test_the_ending_is_there(edits: list[Event], cuts: list[int]) -> None:
    """DESIGN 4: said precisely: there is a place in the text, not before the two part, such that the
    characters before it were shown and everything behind it was shown last."""
    text, seen = truth(edits), shown(run_items(append_only(), [*edits, *END], cuts))
    same = common_prefix(text, seen)

    assert any(
        text[max(0, place - 8) : place] in seen and seen.endswith(text[place:])
        for place in range(same, len(text) + 1)
    )


@given(EDITS)
def test_without_revisions_nothing_changes(edits: list[Event]) -> None:
    """P4: deltas, and whatever else comes, pass unchanged and in order."""
    events = [event for edit in edits if isinstance(edit, Delta) for event in (edit, Extra("x", Raw(b"1")))]

    assert run_items(append_only(), [*events, Snapshot("s"), *END]) == [*events, Snapshot("s"), *END]


@given(EDITS)
def test_what_is_shown_was_said(edits: list[Event]) -> None:
    """P4: each piece shown is the end of the text as it stands then; nothing is invented."""
    core, made = append_only().core(), Assembly()
    for edit in edits:
        made.feed([edit])
        for event in core.feed([edit]):
            assert isinstance(event, Delta)
            assert made.text().endswith(event.text)
    for event in core.finish():
        assert isinstance(event, Delta)
        assert made.text().endswith(event.text)


@given(st.data())
def test_nothing_is_shown_twice(data: st.DataObject) -> None:
    """DESIGN 4: said precisely: in a text of words that have nothing in common (and are long enough to be
    found again), whatever words are put in, taken out or replaced, no word is ever shown twice, and the
    last one is shown."""
    fresh = map(chr, range(0x4E00, 0x9FFF))
    words: list[str] = []
    events: list[Event] = []
    for _ in range(data.draw(st.integers(1, 10))):
        new = [next(fresh) * 9 + " " for _ in range(data.draw(st.integers(0, 4)))]
        if not words or data.draw(st.booleans()):
            words += new
            events.append(Delta("".join(new)))
            continue
        begin = data.draw(st.integers(0, len(words)))
        end = data.draw(st.integers(begin, min(len(words), begin + 5)))
        kept = "".join(words[:begin])
        words[begin:end] = new
        events.append(Revise(len(kept), "".join(words[begin:])))
    seen = told(*events).split()

    assert truth(events) == "".join(words)
    assert len(seen) == len(set(seen))
    assert not words or words[-1].strip() in seen


def test_linear_while_waiting() -> None:
    """P9: waiting for the place costs each new piece its own size, not that of the whole text."""

    def cost(count: int) -> float:
        core = append_only().core()
        core.feed([Delta("x" * 1000 + "the end of what was shown"), Revise(1000, "something else ")])
        pieces = [Delta("word ")] * count
        began = process_time()
        assert core.feed(pieces) == []
        return process_time() - began

    few = min(cost(4_000) for _ in range(3))
    many = min(cost(32_000) for _ in range(3))

    assert many < 3 * 8 * few
