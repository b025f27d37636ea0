"""What waits for a branch is bounded, and each policy makes room in its own way."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Delta,
    End,
    Event,
    Extra,
    Finish,
    Gap,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.sinks.backlog import BATCHES, GULP, NBYTES, Backlog, Policy, weigh

EVENTS = st.one_of(
    st.builds(Delta, st.text("abc", max_size=400), st.sampled_from(["text", "reasoning"])),
    st.builds(ToolDelta, st.integers(0, 1), arguments=st.text("xyz", max_size=9)),
    st.sampled_from(
        [Start("s"), Phase("loading"), Usage(1), Usage(2), Finish("stop"), Finish("stop", index=1)]
    ),
)
OFFERS = st.lists(st.one_of(st.lists(EVENTS, min_size=1, max_size=5), st.none()), max_size=60)
"""Batches that are offered; None takes what waits."""


def offer(backlog: Backlog, batch: Sequence[Event]) -> bool:
    """Offer a batch with its own weight."""
    return backlog.offer(batch, weigh(batch))


def drained(backlog: Backlog) -> list[Event]:
    """All that waits."""
    taken: list[Event] = []
    while batch := backlog.take():
        taken.extend(batch)
    return taken


def text(events: list[Event]) -> str:
    """All text and arguments, in order."""
    return "".join(
        e.text if isinstance(e, Delta) else e.arguments for e in events if isinstance(e, Delta | ToolDelta)
    )


@pytest.mark.parametrize("policy", ["wait", "disconnect", "merge", "drop_oldest"])
@given(OFFERS)
def test_order_bounds_and_counts(policy: Policy, offers: list[list[Event] | None]) -> None:
    """P1, P8, P12: order is kept, the bounds hold (a batch alone may be larger), losses are counted."""
    backlog = Backlog(policy, 4, 1500)
    offered, got, refused = list[Event](), list[Event](), False
    for batch in offers:
        if batch is None:
            got.extend(backlog.take())
        elif not refused:
            refused = not offer(backlog, batch)
            offered.extend([] if refused else batch)
        assert len(backlog) <= 4
        front = 6 * 600  # of drop_oldest: what it keeps, and the Gap
        assert backlog.nbytes <= 1500 + front or len(backlog) <= 2
    got.extend(drained(backlog))

    gaps = sum(event.dropped for event in got if isinstance(event, Gap))
    real = [event for event in got if not isinstance(event, Gap)]
    assert (backlog.nbytes, len(backlog)) == (0, 0)
    if policy in ("wait", "disconnect"):
        assert got == offered
    elif policy == "merge":
        assert text(got) == text(offered)
        assert len(got) + backlog.merged == len(offered)
    else:
        assert not refused
        assert gaps == backlog.dropped == len(offered) - len(real)
        kept = [event for event in offered if isinstance(event, Start | Finish)]
        assert {*kept} == {event for event in real if isinstance(event, Start | Finish)}
        usages = [event for event in offered if isinstance(event, Usage)]
        assert [event for event in real if isinstance(event, Usage)][-1:] == usages[-1:]


@pytest.mark.parametrize("policy", ["wait", "disconnect"])
def test_full_by_number(policy: Policy) -> None:
    """P8: so many batches wait, and not one more."""
    backlog = Backlog(policy)

    assert [offer(backlog, [Delta("x")]) for _ in range(BATCHES + 1)] == [True] * BATCHES + [False]


@pytest.mark.parametrize("policy", ["wait", "disconnect", "merge"])
def test_full_by_size(policy: Policy) -> None:
    """P8: so many bytes wait, and not one more; joining makes no room where all of it is text."""
    backlog = Backlog(policy)
    half: list[Event] = [Delta("x" * (NBYTES // 2 - 200))]

    assert [offer(backlog, half) for _ in range(3)] == [True, True, False]


def test_a_batch_alone_is_taken_whatever_its_size() -> None:
    """P8: an event may be larger than the bound; waiting for room would wait for ever."""
    backlog = Backlog("disconnect")
    huge: list[Event] = [Delta("x" * 2 * NBYTES)]

    assert offer(backlog, huge)
    assert not offer(backlog, [Delta("y")])
    assert backlog.take() == huge


def test_wide_characters_weigh_what_they_are() -> None:
    """P8: the bound is memory: an emoji is four bytes of it."""
    assert weigh([Delta("😀" * 1000)]) > 3.5 * weigh([Delta("x" * 1000)])
    assert weigh([Revise(0, "x" * 5000)]) > 5000
    assert weigh([ToolDelta(0, arguments="x" * 5000)]) > 5000
    assert weigh([Extra("odd", msgspec.Raw(b"x" * 5000))]) > 5000


def test_merge_keeps_what_is_no_delta() -> None:
    """P12: only neighbours are joined, and only when there is no more room."""
    backlog = Backlog("merge", 3)
    batches: list[list[Event]] = [
        [Start("s"), Delta("a")],
        [Delta("b")],
        [Usage(1)],
        [Delta("c"), End("complete")],
    ]
    assert all(offer(backlog, batch) for batch in batches)

    assert drained(backlog) == [Start("s"), Delta("ab"), Usage(1), Delta("c"), End("complete")]
    assert backlog.merged == 1


def test_gaps_add_up() -> None:
    """P12: one Gap stands for all that was dropped, however often room was made."""
    backlog = Backlog("drop_oldest", 2)
    for number in range(10):
        offer(backlog, [Delta(str(number))])

    assert drained(backlog) == [Gap(9), Delta("9")]
    assert backlog.dropped == 9


def test_catching_up_in_gulps() -> None:
    """A branch that is behind takes several batches at once, up to a bound; a large one comes alone."""
    backlog = Backlog("wait")
    large: list[Event] = [Delta("x" * GULP)]
    for batch in ([Delta("a")], [Delta("b")], large, [Delta("c")]):
        offer(backlog, batch)

    assert [backlog.take() for _ in range(4)] == [[Delta("a"), Delta("b")], large, [Delta("c")], []]


def test_dropping_all() -> None:
    """What a disconnected branch loses is counted, earlier gaps with it."""
    backlog = Backlog("drop_oldest", 2)
    for number in range(4):
        offer(backlog, [Delta(str(number)), Phase("loading")])

    assert backlog.clear() == 8
    assert (len(backlog), backlog.nbytes, backlog.take()) == (0, 0, [])


def test_a_snapshot_is_refused() -> None:
    """A Snapshot names the missing stage."""
    with pytest.raises(StageError, match="fanout got a Snapshot"):
        weigh([Snapshot("ab")])
