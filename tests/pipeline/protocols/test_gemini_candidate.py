"""One candidate's parts as events."""

from typing import Any

import pytest
from msgspec import Raw

from tokenweir.pipeline.events import Delta, Event, Extra, Finish, ToolDelta
from tokenweir.pipeline.protocols.extras import Extras
from tokenweir.pipeline.protocols.gemini_candidate import FINISH, Candidate
from tokenweir.pipeline.protocols.tool_calls import CALL_LIMIT


def fed(candidate: Candidate, *parts: dict[str, Any], **fields: Any) -> list[Event]:
    """The events of one entry."""
    out: list[Event] = []
    candidate.feed({"content": {"parts": list(parts)}, **fields}, out)
    return out


def test_every_event_has_the_index() -> None:
    """V13: what belongs to a candidate says so."""
    candidate = Candidate(3, Extras())
    found = fed(candidate, {"text": "a"}, {"functionCall": {"name": "f"}}, {"inlineData": {"a": 1}})
    candidate.end("STOP", "stop")

    assert [event.index for event in found if not isinstance(event, str)] == [3, 3, 3]  # type: ignore[union-attr]
    assert candidate.finish() == Finish("tool_calls", "STOP", 3)


def test_only_true_marks_a_thought() -> None:
    """V12: other values are not taken for it, and are kept."""
    found = fed(Candidate(0, Extras()), {"text": "a", "thought": True}, {"text": "b", "thought": "yes"})

    assert found == [Delta("a", "reasoning"), Delta("b"), Extra("thought", Raw(b'"yes"'), 0)]


def test_the_last_finish_reason_counts() -> None:
    """And none is none."""
    candidate = Candidate(0, Extras())
    fed(candidate, {"text": "a"})
    assert candidate.ended is None

    fed(candidate, finishReason="STOP")
    fed(candidate, finishReason="SAFETY")

    assert candidate.finish() == Finish("content_filter", "SAFETY")
    assert FINISH["RECITATION"] == "content_filter"


def test_what_came_before_a_fault_is_there() -> None:
    """V14: too many calls, and arguments out of place, are raised after the events before them."""
    out: list[Event] = []
    calls = [{"functionCall": {"name": "f"}}] * (CALL_LIMIT + 1)
    with pytest.raises(OverflowError, match="more than 1024 tool calls in one candidate"):
        Candidate(0, Extras()).feed({"content": {"parts": calls}}, out)
    assert len(out) == CALL_LIMIT

    out.clear()
    entries = [{"jsonPath": "$.a", "numberValue": 1}, {"jsonPath": "$.a", "numberValue": 2}]
    with pytest.raises(ValueError, match="is no next place"):
        Candidate(0, Extras()).feed(
            {"content": {"parts": [{"functionCall": {"name": "f", "partialArgs": entries}}]}}, out
        )
    assert out == [ToolDelta(0, None, "f", '{"a":1')]
