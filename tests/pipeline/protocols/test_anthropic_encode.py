"""The named events of the Messages API as they are written."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.feeding import run_bytes
from tests.wire.anthropic import BODIES
from tests.wire.body import Body
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    FinishReason,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.anthropic_encode import AnthropicEncode
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

STOP = Finish("stop", "end_turn")
RECORDED = sorted((Path(__file__).parents[4] / "shared" / "traces" / "wire").glob("anthropic--*.wire"))
"""Answers that lie beside the checkout and are no part of the project; none where there is no such folder."""
STAGE = decode_frames("anthropic") | decode_protocol("anthropic")


def frames(*events: Event) -> list[dict[str, Any]]:
    """What a fresh encoder makes of the events, read again; the name of each is the type of its data."""
    core = AnthropicEncode("msg_1", "m")
    made: list[dict[str, Any]] = []
    for data in [*core.feed(events), *core.finish()]:
        name, line = data.decode().removesuffix("\n\n").split("\n")
        fields = json.loads(line.removeprefix("data: "))
        assert name == f"event: {fields['type']}"
        made.append(fields)
    return made


def message(usage: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The first event."""
    told: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
    }
    figures = {"input_tokens": 0, "output_tokens": 0, **(usage or {})}
    return {
        "type": "message_start",
        "message": {**told, "stop_reason": None, "stop_sequence": None, "usage": figures, **fields},
    }


def opened(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    """A block's start."""
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    """A block's piece."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stopped(index: int) -> dict[str, Any]:
    """A block's stop."""
    return {"type": "content_block_stop", "index": index}


def ending(
    reason: str = "end_turn", usage: dict[str, Any] | None = None, **fields: Any
) -> list[dict[str, Any]]:
    """The last two events."""
    told = {"stop_reason": reason, "stop_sequence": None, **fields}
    return [
        {"type": "message_delta", "delta": told, "usage": {"output_tokens": 0, **(usage or {})}},
        {"type": "message_stop"},
    ]


def raw(value: object) -> msgspec.Raw:
    """A value as raw JSON."""
    return msgspec.Raw(msgspec.json.encode(value))


def test_an_answer() -> None:
    """PROTOCOLS 6: thinking and text in blocks of their own; the figures at both ends."""
    found = frames(
        Start("other", "p", "other"),
        Usage(9, partial=True),
        Delta("Hm", "reasoning"),
        Extra("signature", raw("c2ln"), 0),
        Delta("Hi"),
        Delta(" no", "refusal"),
        STOP,
        Usage(9, 5, cached=2),
        Done(),
    )

    assert found == [
        message({"input_tokens": 9}),
        opened(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "signature_delta", signature="c2ln"),
        stopped(0),
        opened(1, "text", text=""),
        delta(1, "text_delta", text="Hi"),
        delta(1, "text_delta", text=" no"),
        stopped(1),
        *ending(usage={"input_tokens": 9, "output_tokens": 5, "cache_read_input_tokens": 2}),
    ]


def test_start_names_the_answer_where_nobody_else_does() -> None:
    """The encoder's own arguments win; without either there is still a string."""
    given = AnthropicEncode().feed([Start("i", "p", "given"), Done()])[0]
    nobody = AnthropicEncode().feed([Done()])[0]

    assert json.loads(given.split(b"data: ")[1])["message"]["id"] == "i"
    assert json.loads(given.split(b"data: ")[1])["message"]["model"] == "given"
    assert json.loads(nobody.split(b"data: ")[1])["message"]["model"] == "unknown"


def test_calls_stop_with_the_message() -> None:
    """Fragments of two calls may alternate; a call without an id gets one."""
    found = frames(
        Delta("Let me."),
        ToolDelta(0, "a", "f", '{"x":'),
        ToolDelta(1, None, "g"),
        ToolDelta(0, None, None, "1}"),
        ToolDelta(1, None, None, "{}"),
        Finish("tool_calls", "tool_calls"),
        Done(),
    )

    assert found[3:] == [
        stopped(0),
        opened(1, "tool_use", id="a", name="f", input={}),
        delta(1, "input_json_delta", partial_json='{"x":'),
        opened(2, "tool_use", id="toolu_1", name="g", input={}),
        delta(1, "input_json_delta", partial_json="1}"),
        delta(2, "input_json_delta", partial_json="{}"),
        stopped(1),
        stopped(2),
        *ending("tool_use"),
    ]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish("stop", "stop"), "end_turn"),
        (Finish("stop", "stop_sequence"), "stop_sequence"),
        (Finish("length"), "max_tokens"),
        (Finish("length", "model_context_window_exceeded"), "model_context_window_exceeded"),
        (Finish("tool_calls"), "tool_use"),
        (Finish("content_filter"), "refusal"),
        (Finish("pause"), "pause_turn"),
        (Finish("other", "unload"), "end_turn"),
        (None, "end_turn"),
    ],
)
def test_why_it_stops(finish: Finish | None, reason: str) -> None:
    """The API's own word where the backend used it, else the one that means the same."""
    events = [] if finish is None else [finish]

    assert frames(Delta("a"), *events, Done())[-2:] == ending(reason)


def test_a_backend_without_finish_reasons_stopped_for_its_calls() -> None:
    """Clients run what `tool_use` stops for."""
    assert frames(ToolDelta(0, "a", "f", "{}"), Done())[-2:] == ending("tool_use")


def test_an_answer_without_a_word() -> None:
    """A finish alone is a whole answer."""
    assert frames(STOP, Done()) == [message(), *ending()]
    assert frames(STOP) == []


@pytest.mark.parametrize(
    "broken", [Done(Failure("overloaded", "Busy.")), End("error", Failure("overloaded", "Busy."))]
)
def test_errors(broken: Event) -> None:
    """V15: the last word, under its own name; before it a finish that came all the same."""
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}}

    assert frames(broken) == [told]
    assert frames(Delta("a"), broken, Delta("b"), Done())[3:] == [told]
    assert frames(Delta("a"), STOP, Usage(1, 2), broken)[3:] == [
        stopped(0),
        ending(usage={"input_tokens": 1, "output_tokens": 2})[0],
        told,
    ]


def test_blocks_of_this_wire_go_back_as_they_came() -> None:
    """Server tools, their results, redacted thinking, citations, and what the end says besides; what has no
    form here is left out."""
    redacted = {"type": "redacted_thinking", "data": "b3Bh"}
    found = frames(
        Extra("redacted_thinking", raw(redacted), 0),
        Extra("citation", raw({"cited_text": "a"}), 0),
        Delta("a"),
        Extra("logprobs", raw([1]), 0),
        Extra("stop_details", raw({"type": "refusal"}), 0),
        Extra("container", raw({"id": "c"})),
        Extra("usage", raw({"server_tool_use": {"web_search_requests": 1}})),
        Extra("usage", raw(7)),
        Finish("content_filter", "refusal"),
        Done(),
    )

    assert found == [
        message(),
        {"type": "content_block_start", "index": 0, "content_block": redacted},
        stopped(0),
        opened(1, "text", text=""),
        delta(1, "citations_delta", citation={"cited_text": "a"}),
        delta(1, "text_delta", text="a"),
        stopped(1),
        *ending(
            "refusal",
            {"server_tool_use": {"web_search_requests": 1}},
            stop_details={"type": "refusal"},
            container={"id": "c"},
        ),
    ]


def test_a_signature_of_thinking_that_is_not_shown() -> None:
    """Where the API omits its thinking, the signature alone comes; the next thought is a new block."""
    found = frames(Extra("signature", raw("a"), 0), Delta("Hm", "reasoning"))

    assert found[1:4] == [
        opened(0, "thinking", thinking="", signature=""),
        delta(0, "signature_delta", signature="a"),
        stopped(0),
    ]
    assert found[4] == opened(1, "thinking", thinking="", signature="")


def test_phases_are_comments() -> None:
    """PROTOCOLS 10.1: no client sees them, and the message has not started."""
    assert AnthropicEncode().feed([Phase("loading", 0.42), Phase("prefill")]) == [
        b": loading 0.42\n\n",
        b": prefill\n\n",
    ]


def test_snapshots_are_written_as_they_are() -> None:
    """V18: that is what a cumulative backend sends."""
    found = frames(Snapshot("a"), Snapshot("ab"), ToolDelta(0, "a", "f"), Snapshot("{}", "tool", 0, 0))

    assert [each["delta"] for each in found if "delta" in each] == [
        {"type": "text_delta", "text": "a"},
        {"type": "text_delta", "text": "ab"},
        {"type": "input_json_delta", "partial_json": "{}"},
    ]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Revise(1, "b"), r"put append_only\(\) before"),
        (Delta("a", index=1), "has one choice"),
        (ToolDelta(0, "a", "f", index=1), "has one choice"),
        (Finish("stop", index=1), "has one choice"),
    ],
)
def test_what_has_no_form(event: Event, message: str) -> None:
    """Said where it happens, with what helps."""
    with pytest.raises(StageError, match=message):
        frames(event)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_there_and_back(body: Body) -> None:
    """P1: written again and read again, every answer says the same, what nobody models too."""
    events = run_bytes(STAGE, body.wire)
    again = run_bytes(STAGE, b"".join(AnthropicEncode().feed(events)))

    assert said(again) == said(events)
    assert extras(again) == extras(events)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_recorded_answers_there_and_back(path: Path) -> None:
    """P1: the same for what a real server sent."""
    events = run_bytes(STAGE, path.read_bytes())
    again = run_bytes(STAGE, b"".join(AnthropicEncode().feed(events)))

    assert said(again) == said(events)


def said(events: list[Event]) -> tuple[Any, ...]:
    """What the events say."""
    answer = Assembly()
    answer.feed(events)
    kind = answer.failure.kind if answer.failure else None
    reasons: dict[int, FinishReason] = {index: finish.reason for index, finish in answer.finish.items()}
    texts = (answer.text(), answer.text(channel="reasoning"), answer.tool_calls())
    return (*texts, reasons, answer.usage, kind, answer.model, isinstance(events[-1], Done))


def extras(events: list[Event]) -> set[tuple[str, bytes]]:
    """The Extras, but for figures, which are told at both ends."""
    return {
        (event.kind, bytes(event.data))
        for event in events
        if isinstance(event, Extra) and event.kind != "usage"
    }
