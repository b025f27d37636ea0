"""One candidate's parts as events."""

import json
from typing import Any
from unittest.mock import ANY

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


def piece(*values: Any, **fields: Any) -> dict[str, Any]:
    """A part with a piece of a call: values of `$.a`, each a string, and other fields of the call."""
    entries = [{"jsonPath": "$.a", "stringValue": value} for value in values]
    return {"functionCall": {**fields, **({"partialArgs": entries} if entries else {})}}


def extras(events: list[Event]) -> list[tuple[str, Any, int | None]]:
    """(kind, value, index) of each field that nobody models."""
    return [(e.kind, json.loads(bytes(e.data)), e.index) for e in events if isinstance(e, Extra)]


MORE = {"willContinue": True}


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([piece(id="x", name="f", args={"a": 1})], [(0, "x", "f", '{"a":1}')]),
        ([piece(args={"a": 1})], [(0, None, None, '{"a":1}')]),
        ([piece("x")], [(0, None, None, '{"a":"x"}')]),
        ([piece(id="x")], [(0, "x", None, "{}")]),
        (
            [piece("x", "y", name="f", **MORE), piece("z", **MORE), piece()],
            [(0, None, "f", '{"a":"xy'), (0, None, None, "z"), (0, None, None, '"}')],
        ),
        (
            [piece("x", id="x", name="f", **MORE), piece("y", id="x", name="f")],
            [(0, "x", "f", '{"a":"x'), (0, None, None, 'y"}')],
        ),
        (
            [piece("x", name="f", **MORE), piece("y", id="x")],
            [(0, None, "f", '{"a":"x'), (0, "x", None, 'y"}')],
        ),
        (
            [piece("x", name="f", **MORE), piece(name="f")],
            [(0, None, "f", '{"a":"x'), (0, None, None, '"}'), (1, None, "f", "{}")],
        ),
        (
            [piece("x", id="x", name="f", **MORE), piece(id="y", name="g")],
            [(0, "x", "f", '{"a":"x'), (0, None, None, '"}'), (1, "y", "g", "{}")],
        ),
        (
            [piece(name="f", args={"a": 1}, **MORE), piece(), piece(name="g", args={"b": 2})],
            [(0, None, "f", '{"a":1}'), (0, None, None, ""), (1, None, "g", '{"b":2}')],
        ),
    ],
    ids=[
        "whole",
        "arguments alone",
        "a piece alone",
        "an id alone",
        "goes on until it is not said to",
        "goes on under its id and name",
        "gets its id later",
        "a name without an id begins another call",
        "another id begins another call",
        "whole arguments are not ended twice",
    ],
)
def test_calls(parts: list[dict[str, Any]], told: list[tuple[int, str | None, str | None, str]]) -> None:
    """V13, V14: which call a part belongs to, and that the arguments of each end as whole JSON."""
    assert fed(Candidate(3, Extras()), *parts) == [ToolDelta(*fields, 3) for fields in told]


def test_what_is_no_part_of_a_call_is_kept() -> None:
    """DESIGN 3: a call that says nothing begins none; what stands beside it and in it is not lost."""
    beside = {"thoughtSignature": "s", "functionCall": {"partialArgs": 5, "willContinue": True}}

    found = fed(Candidate(3, Extras()), beside, piece(name="f"))

    assert extras(found[:2]) == [("thoughtSignature", "s", 3), ("partialArgs", 5, 3)]
    assert found[2:] == [ToolDelta(0, None, "f", "{}", 3)]


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"args": {"a": 1}}, {}),
        ({"new": 5, "empty": None, "none": {}, "no": []}, {"new": 5}),
        ({"new": 5, "id": 7}, {"new": 5, "id": 7}),
        ({"args": {"a": 1}, "partialArgs": [{"jsonPath": "$.b", "boolValue": True}]}, {"partialArgs": [ANY]}),
    ],
)
def test_what_nobody_models_of_a_call(fields: dict[str, Any], kept: dict[str, Any]) -> None:
    """DESIGN 3: it is kept with the number of its call, and with the signature beside it."""
    part = {**piece(name="f", **fields), "thoughtSignature": "s"}

    found = fed(Candidate(3, Extras()), piece(name="e"), part)

    assert extras(found) == [("tool_call", {"call": 1, **kept, "thoughtSignature": "s"}, 3)]


def test_a_second_object_of_arguments_is_kept() -> None:
    """V14: arguments that are whole stay what they were."""
    found = fed(Candidate(0, Extras()), piece(name="f", args={"a": 1}, **MORE), piece(args={"b": 2}))

    assert "".join(one.arguments for one in found if isinstance(one, ToolDelta)) == '{"a":1}'
    assert extras(found) == [("tool_call", {"call": 0, "args": {"b": 2}}, 0)]


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        ({"content": {"parts": ["x", 5, "", None]}}, [("parts", ["x", 5])]),
        ({"content": {"parts": 5}}, [("parts", 5)]),
        ({"content": 5}, [("content", 5)]),
        (
            {"content": {"role": "model", "new": 1}, "other": 2, "index": 3, "finishReason": "STOP"},
            [("new", 1), ("other", 2)],
        ),
    ],
)
def test_what_nobody_models_of_a_candidate(entry: dict[str, Any], kept: list[tuple[str, Any]]) -> None:
    """DESIGN 3: unknown fields, and known ones of another type, are kept in their candidate."""
    out: list[Event] = []
    Candidate(3, Extras()).feed(entry, out)

    assert extras(out) == [(kind, value, 3) for kind, value in kept]


@pytest.mark.parametrize(
    ("native", "parts", "finish"),
    [
        ("STOP", [], Finish("stop", "STOP")),
        ("STOP", [piece(name="f")], Finish("tool_calls", "STOP")),
        ("MAX_TOKENS", [piece(name="f")], Finish("length", "MAX_TOKENS")),
        ("LANGUAGE", [], Finish("other", "LANGUAGE")),
    ],
)
def test_how_it_ended(native: str, parts: list[dict[str, Any]], finish: Finish) -> None:
    """PROTOCOLS 7.2: calls are the reason only of an answer that stopped by itself."""
    candidate = Candidate(0, Extras())
    fed(candidate, *parts, finishReason=native)

    assert candidate.finish() == finish


def test_an_unspecified_reason_is_no_end() -> None:
    """P2: what is not said does not complete an answer."""
    candidate = Candidate(0, Extras())
    fed(candidate, {"text": "a"}, finishReason="FINISH_REASON_UNSPECIFIED")

    assert candidate.ended is None
