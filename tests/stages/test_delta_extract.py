"""Snapshots become what is new in them."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.feeding import CUTS, run_items
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Finish, Revise, Snapshot, ToolDelta, Usage
from tokenweir.stages import delta_extract

CHANNELS = st.sampled_from(["text", "reasoning", "refusal"])
SNAPSHOTS = st.lists(
    st.builds(Snapshot, st.text(alphabet="ab 好😀", max_size=6), CHANNELS, st.integers(0, 1))
    | st.builds(
        Snapshot, st.text(alphabet='{"a', max_size=5), st.just("tool"), st.integers(0, 1), st.integers(0, 1)
    ),
    max_size=20,
)


def apply(shown: dict[Any, str], event: Event) -> None:
    """What a receiver does with an event: append, or keep the beginning and append."""
    key: tuple[int, str, int | None]
    keep: int | None
    if isinstance(event, Delta):
        key, keep, text = (event.index, event.channel, None), None, event.text
    elif isinstance(event, ToolDelta):
        key, keep, text = (event.index, "tool", event.call), None, event.arguments
    else:
        assert isinstance(event, Revise)
        key, keep, text = (event.index, event.channel, event.call), event.keep, event.text
    shown[key] = shown.get(key, "")[:keep] + text


@given(SNAPSHOTS)
def test_each_snapshot_is_what_stands_then(snapshots: list[Snapshot]) -> None:
    """P4, V18: after every snapshot, what was given says exactly its text; after no growth or a rewind it
    says the longer text from before. Each snapshot gives one event at most."""
    core, wanted, shown = delta_extract().core(), dict[Any, str](), dict[Any, str]()
    for event in snapshots:
        key = event.index, event.channel, event.call
        if not wanted.get(key, "").startswith(event.text):
            wanted[key] = event.text
        out = core.feed([event])
        for made in out:
            apply(shown, made)

        assert len(out) <= 1
        assert shown == wanted


@given(SNAPSHOTS)
def test_no_event_says_more_than_it_must(snapshots: list[Snapshot]) -> None:
    """DESIGN 3: growth is a delta, never a revision; a revision keeps as much as both texts share."""
    core, last = delta_extract().core(), dict[Any, str]()
    for event in snapshots:
        key = event.index, event.channel, event.call
        before = last.get(key, "")
        for made in core.feed([event]):
            if isinstance(made, Revise):
                assert not event.text.startswith(before)
                assert before[: made.keep] + made.text == event.text
                assert (
                    made.keep == min(len(before), len(event.text))
                    or before[made.keep] != event.text[made.keep]
                )
            else:
                assert event.text.startswith(before)
        if not before.startswith(event.text):
            last[key] = event.text


@given(SNAPSHOTS, CUTS)
def test_batches(snapshots: list[Snapshot], cuts: list[int]) -> None:
    """P3: batching is invisible, in the events and in the figures."""
    whole, cut = delta_extract().core(), delta_extract().core()
    out = whole.feed(snapshots)
    edges = [0, *sorted(cuts), len(snapshots)]
    parts = [made for begin, end in pairwise(edges) for made in cut.feed(snapshots[begin:end])]

    assert parts == out
    assert cut.figures() == whole.figures()


def test_a_rewind_followed_by_growth() -> None:
    """PROTOCOLS 8.2.6: growth from a rewind gives the exact text."""
    out = run_items(delta_extract(), [Snapshot("Hello world"), Snapshot("Hello"), Snapshot("Hello you")])

    assert out == [Delta("Hello world"), Revise(6, "you")]


def test_everything_else_passes() -> None:
    """DESIGN 4: other events pass unchanged and in order, deltas too."""
    events: list[Event] = [
        Delta("a"),
        ToolDelta(0, "c", "f"),
        Usage(1),
        Extra("x", Raw(b"1")),
        Finish("stop"),
        Done(),
    ]

    assert run_items(delta_extract(), events) == events
    assert run_items(delta_extract(), [Snapshot("s", "reasoning"), *events]) == [
        Delta("s", "reasoning"),
        *events,
    ]


@pytest.mark.parametrize(
    ("first", "then", "later"),
    [
        (Snapshot("ab"), Delta("c"), Snapshot("abcd")),
        (Snapshot("{", "tool", 0, 1), ToolDelta(1, None, None, "}"), Snapshot("{}", "tool", 0, 1)),
    ],
)
def test_a_snapshot_after_deltas(first: Snapshot, then: Event, later: Snapshot) -> None:
    """V18: after deltas of the same channel a snapshot replaces everything, since that is what it says."""
    out = run_items(delta_extract(), [first, then, later])

    assert out[1:] == [then, Revise(0, later.text, later.channel, 0, later.call)]


def test_an_empty_delta_changes_nothing() -> None:
    """V12: a delta that says nothing leaves the snapshots to be compared."""
    out = run_items(delta_extract(), [Snapshot("ab"), Delta(""), ToolDelta(0, "c", "f"), Snapshot("abc")])

    assert out == [Delta("ab"), Delta(""), ToolDelta(0, "c", "f"), Delta("c")]


def test_figures_of_deltas_and_snapshots() -> None:
    """DESIGN 3: deltas are new, every byte; of n snapshots only the growth is; text is counted in UTF-8."""
    deltas, snapshots = delta_extract().core(), delta_extract().core()
    deltas.feed([Delta("aé"), ToolDelta(0, None, None, "好")])
    snapshots.feed([Snapshot("a"), Snapshot("aé"), Snapshot("aé"), Snapshot("aé好"), Delta("😀", index=1)])

    assert deltas.figures() == {"sent_bytes": 6, "new_bytes": 6}
    assert snapshots.figures() == {"sent_bytes": 1 + 3 + 3 + 6 + 4, "new_bytes": 6 + 4}
