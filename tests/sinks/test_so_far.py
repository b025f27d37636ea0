"""What was so far, and what comes after it, make the whole answer."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import (
    Delta,
    Event,
    Extra,
    Finish,
    Phase,
    Revise,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.sinks.so_far import SoFar

CHANNELS = st.sampled_from(["text", "reasoning"])
EVENTS = st.one_of(
    st.builds(Delta, st.text(max_size=3), CHANNELS, st.integers(0, 1)),
    st.builds(
        ToolDelta, st.integers(0, 2), st.none() | st.just("id"), st.none() | st.just("f"), st.text(max_size=3)
    ),
    st.builds(Revise, st.integers(0, 5), st.text(max_size=3), CHANNELS, st.integers(0, 1)),
    st.builds(Revise, st.integers(0, 5), st.just("r"), st.just("tool"), st.just(0), st.integers(0, 2)),
    st.sampled_from(
        [Start("s", "p", "m"), Usage(1, 2), Usage(3, 4), Finish("stop"), Finish("length", index=1)]
    ),
)


def told(events: list[Event]) -> object:
    """All that an answer is."""
    answer = Assembly()
    answer.feed(events)
    texts = [answer.text(index, channel) for index in (0, 1) for channel in ("text", "reasoning")]
    return texts, [answer.tool_calls(index) for index in (0, 1)], answer.finish, answer.usage, answer.start


@given(st.lists(EVENTS, max_size=25), st.integers(0, 25))
def test_joining_at_any_moment(events: list[Event], at: int) -> None:
    """D14: whenever one joins, the replay and then the rest make the answer of those who were there."""
    so_far = SoFar()
    so_far.feed(events[:at])
    replay = list(so_far.replay())

    assert told([*replay, *events[at:]]) == told(events)
    again = SoFar()
    again.feed(replay)
    assert list(again.replay()) == replay


def test_few_events_in_the_order_in_which_things_began() -> None:
    """D14: one delta per channel and one per tool call; what nobody models is kept."""
    so_far = SoFar()
    extras = [Extra("logprobs", msgspec.Raw(b"1")), Extra("logprobs", msgspec.Raw(b"2"))]
    so_far.feed([Phase("loading"), Start("s"), Delta("hm", "reasoning"), Delta("a"), extras[0], Delta("b")])
    so_far.feed(
        [Delta("m", "reasoning"), ToolDelta(2, "c", "f", "{"), ToolDelta(2, arguments="}"), extras[1]]
    )
    so_far.feed([Usage(1), Finish("stop"), Usage(2)])

    assert list(so_far.replay()) == [
        Start("s"),
        Delta("hmm", "reasoning"),
        Delta("ab"),
        ToolDelta(2, "c", "f", "{}"),
        *extras,
        Finish("stop"),
        Usage(2),
    ]


def test_what_is_waited_for() -> None:
    """D14: who joins while a model loads is told so; nothing has come where nothing has come."""
    so_far = SoFar()
    assert list(so_far.replay()) == []
    so_far.feed([Phase("connecting"), Phase("loading", 0.5)])
    waiting = list(so_far.replay())
    so_far.feed([Delta("a")])

    assert waiting == [Phase("loading", 0.5)]
    assert list(so_far.replay()) == [Delta("a")]
