"""The answer is put together exactly."""

import tracemalloc
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tokenweir.pipeline.assemble import Assembly, Text
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
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
    Start,
    ToolDelta,
    Usage,
)

EDITS = st.lists(st.tuples(st.integers(0, 30), st.text(max_size=6)) | st.text(max_size=6))


def assemble(*events: Event) -> Assembly:
    """An answer made of events."""
    answer = Assembly()
    answer.feed(events)
    return answer


@given(EDITS)
def test_text_is_a_string(edits: list[str | tuple[int, str]]) -> None:
    """P4: pieces and revisions give what slicing one string gives, asked for at any time."""
    text, model, asked = Text(), "", Text()
    for edit in edits:
        if isinstance(edit, str):
            model += edit
            text.add(edit)
            asked.add(edit)
        else:
            keep, new = edit
            model = model[:keep] + new
            text.revise(keep, new)
            asked.revise(keep, new)

        assert str(asked) == model
        assert (text.size, asked.size) == (len(model), len(model))
    assert str(text) == model


@pytest.mark.parametrize("revised", [False, True])
def test_text_is_kept_as_characters(*, revised: bool) -> None:
    """P8: a hundred thousand small pieces are held as their characters, and not each as an object; what
    was revised takes four bytes each."""
    text = Text()
    tracemalloc.start()
    try:
        for number in range(100_000):
            text.add(f"{number % 100:02}")
            if revised and number == 10:
                text.revise(3, "x")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < (6 if revised else 3) * text.size


def test_keep_counts_code_points() -> None:
    """P4: a revision counts characters, not bytes or UTF-16 units."""
    assert assemble(Delta("héllo 🙂🙂"), Revise(7, "!")).text() == "héllo 🙂!"


def test_choices_and_channels_stand_apart() -> None:
    """P1: text of one choice and channel never gets into another."""
    answer = assemble(
        Delta("a"),
        Delta("b", index=2),
        Delta("think", "reasoning"),
        Delta("no", "refusal"),
        Revise(0, "B", index=2),
        Finish("stop", index=1),
    )

    assert (answer.text(), answer.text(2), answer.text(1)) == ("a", "B", "")
    assert answer.text(channel="reasoning") == "think"
    assert answer.text(channel="refusal") == "no"
    assert answer.choices == [0, 1, 2]


def test_tool_calls() -> None:
    """P1: fragments of interleaved calls go to their own call; a revision rewrites its arguments."""
    answer = assemble(
        ToolDelta(1, "id1", "late", '{"b'),
        ToolDelta(0, "id0", "early", "{"),
        ToolDelta(1, arguments='":2}'),
        ToolDelta(0, arguments='"a":1'),
        Revise(1, '"z":9}', "tool", call=0),
        ToolDelta(0, "other", "choice", "[]", index=1),
    )

    assert answer.tool_calls() == [
        {"id": "id0", "name": "early", "arguments": '{"z":9}'},
        {"id": "id1", "name": "late", "arguments": '{"b":2}'},
    ]
    assert answer.tool_calls(1) == [{"id": "other", "name": "choice", "arguments": "[]"}]
    assert (answer.text(), answer.choices) == ("", [0, 1])


def test_what_else_is_known() -> None:
    """P2: start, usage, finish, failure and end are kept as they came; the last usage is the truth."""
    failure = Failure("upstream", "boom")
    end = End("error")
    events: list[Event] = [
        Start("x", model="m"),
        Phase("prefill"),
        Usage(input=1, partial=True),
        Extra("logprobs", Raw(b"[]")),
        Gap(3),
        Usage(input=1, output=2),
        Finish("length", "max_tokens"),
        Done(failure),
        end,
    ]
    answer = assemble(*events)

    assert (answer.model, answer.usage) == ("m", Usage(input=1, output=2))
    assert answer.finish == {0: Finish("length", "max_tokens")}
    assert (answer.failure, answer.end) == (failure, end)
    assert (answer.events, answer.revisions) == (len(events) - 2, 0)


def test_the_end_tells_the_last_failure() -> None:
    """P2: what the pipeline says at the end stands."""
    late = Failure("truncated", "cut")

    assert assemble(End("truncated", late)).failure == late
    assert assemble().failure is None
    assert assemble().model is None


def test_snapshot_is_refused() -> None:
    """A Snapshot means that delta_extract is missing; what came before it is kept."""
    answer = Assembly()

    with pytest.raises(StageError, match="delta_extract"):
        answer.feed([Delta("a"), Snapshot("ab")])
    assert answer.text() == "a"


def test_linear_time() -> None:
    """P9: thirty times the events, each second one a revision, cost about thirty times as much."""

    def cost(count: int) -> float:
        events: list[Event] = []
        for at in range(count):
            events += [Delta("word "), Revise(5 * at + 4, "; ")]
        began = process_time()
        assert len(assemble(*events).text()) > count
        return process_time() - began

    few = min(cost(1_000) for _ in range(3))
    many = min(cost(30_000) for _ in range(3))

    assert many < 5 * 30 * few  # 900 times as much, where each costs what all before it cost
