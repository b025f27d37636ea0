"""Two streams that mean the same give the same list; two that do not, do not."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tokenweir.cli.meaning import meaning
from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    Phase,
    Revise,
    Start,
    Stats,
    ToolDelta,
    Usage,
)

ANSWER: Sequence[Event] = (
    Start("a-1", "lmstudio", "m", 5),
    Delta("Hm.", "reasoning"),
    Delta("I am"),
    ToolDelta(0, "call_1", "look", '{"a":1}'),
    Finish("stop", "stop"),
    Usage(1, 2, 3),
    End("complete", None, Stats(duration=5.0)),
)


def test_what_is_left() -> None:
    """The answer itself, in the order in which it was said."""
    assert meaning(ANSWER) == [
        Start(None, None, "m", None),
        Delta("Hm.", "reasoning"),
        Delta("I am"),
        ToolDelta(0, None, "look", '{"a":1}'),
        Finish("stop", "stop"),
        Usage(1, 2, 3),
        End("complete"),
    ]


def test_form_is_no_meaning() -> None:
    """Other ids, times, phases, cuts, revisions, an earlier usage: the same answer."""
    other: list[Event] = [
        Phase("connecting"),
        Phase("loading", 0.5, elapsed=1.0),
        Start("b-2", "openai", "m", 6),
        Delta("H", "reasoning"),
        Delta("m.", "reasoning"),
        Delta("I"),
        Delta(" was"),
        Revise(2, "am"),
        ToolDelta(0, "call_9", "look", '{"a"'),
        ToolDelta(0, arguments=":2}"),
        Revise(5, "1}", "tool", 0, 0),
        Finish("stop", "stop"),
        Usage(1, 1),
        Usage(1, 2, 3),
        Done(),
        End("complete", None, Stats(duration=9.0, revisions=2)),
    ]

    assert meaning(other) == meaning(ANSWER)


@pytest.mark.parametrize(
    ("at", "other"),
    [
        (0, Start("a-1", "lmstudio", "another", 5)),
        (1, Delta("Hm.")),
        (2, Delta("I am ")),
        (3, ToolDelta(0, "call_1", "see", '{"a":1}')),
        (3, ToolDelta(0, "call_1", "look", '{"a":2}')),
        (4, Finish("length", "length")),
        (5, Usage(1, 3, 4)),
        (6, End("truncated", Failure("truncated", "cut"))),
    ],
)
def test_a_difference_is_found(at: int, other: Event) -> None:
    """In every part of an answer."""
    changed = [*ANSWER[:at], other, *ANSWER[at + 1 :]]

    assert meaning(changed) != meaning(ANSWER)


@pytest.mark.parametrize("at", range(len(ANSWER)))
def test_a_loss_is_found(at: int) -> None:
    """Whatever is missing."""
    assert meaning([*ANSWER[:at], *ANSWER[at + 1 :]]) != meaning(ANSWER)


def test_what_nobody_models_is_kept() -> None:
    """Every one, and every choice's finish."""
    events: list[Event] = [
        Extra("a", Raw(b"1")),
        Extra("a", Raw(b"1")),
        Finish("stop", None, 0),
        Finish("stop", None, 1),
    ]

    assert meaning(events) == events


@given(st.lists(st.text(max_size=5)), st.lists(st.text(max_size=5)))
def test_only_the_text_counts(one: list[str], other: list[str]) -> None:
    """Two cuts mean the same just if they are cuts of one text."""
    alike = meaning(Delta(text) for text in one) == meaning(Delta(text) for text in other)

    assert alike is ("".join(one) == "".join(other) and bool(one) == bool(other))
