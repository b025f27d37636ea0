"""The vocabulary: values, their wire form, and nothing else."""

import gc
from typing import Any, get_args

import msgspec
import pytest
from msgspec import Raw

from tokenweir.pipeline import events
from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    Gap,
    Phase,
    Revise,
    Snapshot,
    SSEEvent,
    Start,
    Stats,
    ToolDelta,
    Usage,
)

TAGS: dict[type[Any], str] = {
    Start: "start",
    Phase: "phase",
    Delta: "delta",
    Snapshot: "snapshot",
    Revise: "revise",
    ToolDelta: "tool_delta",
    Usage: "usage",
    Finish: "finish",
    Extra: "extra",
    Done: "done",
    Gap: "gap",
    End: "end",
}

ONE_OF_EACH: list[Event] = [
    Start("a", "mlx", "m", 1),
    Phase("loading", 0.5, "weights", 2.0),
    Delta("é", "reasoning", 1),
    Snapshot("ab", "tool", 0, 2),
    Revise(1, "b", "tool", 0, 2),
    ToolDelta(0, "c", "f", "{}", 1),
    Usage(1, 2, 3, 4, 5, "counted", partial=True),
    Finish("stop", "eos", 1),
    Extra("logprobs", Raw(b'{"x":[1]}'), 0),
    Done(Failure("upstream", "x", native=Raw(b'{"message":"x"}'))),
    Gap(3),
    End(
        "timeout",
        Failure("timeout", "x", "silence", 200, retryable=True, code="c", retry_after=1.5),
        Stats(1.0),
    ),
]


def test_the_union_is_the_table() -> None:
    """DESIGN 3: a new type needs a decision; the tag is the snake_case name."""
    assert set(get_args(Event)) == set(TAGS)
    assert {kind: kind.__struct_config__.tag for kind in TAGS} == TAGS
    assert [type(event) for event in ONE_OF_EACH] == list(TAGS)


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_there_and_back(event: Event) -> None:
    """DESIGN 8: one JSON object per event, with a `type`, that reads back as it was."""
    written = msgspec.json.encode(event)
    back = msgspec.json.decode(written, type=Event)

    assert msgspec.json.decode(written)["type"] == TAGS[type(event)]
    assert msgspec.json.encode(back) == written
    assert type(back) is type(event)


def test_no_native_error_stays_none() -> None:
    """A failure without the backend's own error reads back as one without."""
    back = msgspec.json.decode(msgspec.json.encode(Failure("upstream", "x")), type=Failure)

    assert back.native is None


@pytest.mark.parametrize("kind", [*TAGS, Failure, Stats, SSEEvent, Comment])
def test_values(kind: type[Any]) -> None:
    """DESIGN 3, 9: frozen, without a dictionary, unseen by the collector of cycles, and documented."""
    config = kind.__struct_config__

    assert (config.frozen, config.gc) == (True, False)
    assert kind.__doc__
    assert not hasattr(kind, "__dict__") or "__dict__" not in vars(kind)


def test_unseen_by_the_collector() -> None:
    """DESIGN 9: a hundred thousand events in a list are no work for the collector."""
    assert not gc.is_tracked(Delta("a"))


def test_frozen() -> None:
    """DESIGN 3: an event that one consumer got cannot be changed under another."""
    with pytest.raises(AttributeError):
        Delta("a").text = "b"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - what is tested


def test_nothing_of_ours_is_imported() -> None:
    """DESIGN 2: the vocabulary stands below everything."""
    assert not any(
        getattr(value, "__name__", "").startswith("tokenweir")
        for value in vars(events).values()
        if hasattr(value, "__path__")
    )
    assert all(
        value.__module__ == "tokenweir.pipeline.events"
        for value in vars(events).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct
    )
