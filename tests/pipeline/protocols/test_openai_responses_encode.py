"""The events of `/v1/responses` as they are written."""

import json
from typing import Any

import msgspec
import pytest

from tests.feeding import run_bytes
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    End,
    Event,
    Extra,
    Failure,
    FailureKind,
    Finish,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols import openai_responses_encode
from tokenweir.pipeline.protocols.openai_responses_encode import OpenAIResponsesEncode
from tokenweir.stages import decode_protocol, sse_decode

STOP = Finish("stop", "stop")


def written(*events: Event) -> list[dict[str, Any]]:
    """What a fresh encoder makes of the events, read again; comments are left out."""
    frames = OpenAIResponsesEncode("resp_1", "m", 5).feed(events)
    return [json.loads(frame.partition(b"data: ")[2]) for frame in frames if not frame.startswith(b":")]


def kinds(*events: Event) -> list[str]:
    """The types of the events, without what all have in common."""
    return [made["type"].removeprefix("response.") for made in written(*events)]


def again(*events: Event) -> Assembly:
    """The answer that a client of ours reads."""
    made = Assembly()
    frames = b"".join(OpenAIResponsesEncode().feed(events))
    made.feed(run_bytes(sse_decode() | decode_protocol("openai-responses"), frames))
    return made


def test_a_plain_answer() -> None:
    """PROTOCOLS 7.1: everything begins before it is said, and ends after it, in this order."""
    found = written(Start("chatcmpl-9"), Delta("Hi"), Delta("!"), STOP, Usage(1, 2), Done())

    assert [made["type"].removeprefix("response.") for made in found] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [made["sequence_number"] for made in found] == list(range(10))
    assert found[0]["response"]["output"] == []
    assert found[-1]["response"]["output"] == [found[-2]["item"]]
    assert found[-1]["response"]["usage"]["total_tokens"] == 3
    assert {made["response"]["id"] for made in found if "response" in made} == {"resp_1"}


def test_frames_are_named_events() -> None:
    """V23: no text can forge a line; the name is the type."""
    frames = OpenAIResponsesEncode().feed([Delta('a\n\ndata: {"x":1}\r\u2028'), Done()])

    assert all(frame.count(b"\n") == 3 and frame.endswith(b"\n\n") for frame in frames)
    assert frames[0].startswith(b'event: response.created\ndata: {"type":"response.created"')
    assert b"\\u2028" in b"".join(frames)


def test_start_names_what_nobody_else_does() -> None:
    """The encoder's own arguments win; without either there is still a string."""
    told = OpenAIResponsesEncode().feed([Start("i", "p", "given", 7)])
    bare = OpenAIResponsesEncode().feed([Done()])
    first, last = (json.loads(frames[0].partition(b"data: ")[2])["response"] for frames in (told, bare))

    assert (first["id"], first["model"], first["created_at"]) == ("i", "given", 7)
    assert (last["id"], last["model"], last["created_at"]) == ("resp_tokenweir", "unknown", 0)


def test_channels_and_calls_in_any_order() -> None:
    """Reasoning is an item, a refusal a part of the message, and calls stay open to the end."""
    found = kinds(
        Delta("Hm", "reasoning"),
        Delta("A"),
        Delta("no", "refusal"),
        ToolDelta(0, "a", "f"),
        ToolDelta(1, "b", "g", "{}"),
        ToolDelta(0, None, None, "{}"),
        Finish("tool_calls"),
        Done(),
    )

    assert found[2:] == [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_a_call_without_an_id_gets_one() -> None:
    """Clients answer by it."""
    found = again(ToolDelta(0, None, "f", "{}"), ToolDelta(1, None, "g"), Done())

    assert [call["id"] for call in found.tool_calls()] == ["call_0", "call_1"]


@pytest.mark.parametrize(
    ("finish", "status", "details"),
    [
        (Finish("length", "length"), "incomplete", {"reason": "max_output_tokens"}),
        (Finish("content_filter"), "incomplete", {"reason": "content_filter"}),
        (Finish("other", "incomplete"), "incomplete", {"reason": "boredom"}),
        (Finish("other", "eos"), "completed", None),
        (Finish("pause"), "completed", None),
        (Finish("tool_calls"), "completed", None),
    ],
)
def test_how_it_ends(finish: Finish, status: str, details: object) -> None:
    """The status, the reason, and the state of what was cut."""
    kept = Extra("incomplete_details", msgspec.Raw(b'{"reason":"boredom"}'), 0)
    last = written(Delta("a"), kept, finish, Done())[-1]

    assert last["type"] == f"response.{status}"
    assert last["response"]["incomplete_details"] == details
    assert [item["status"] for item in last["response"]["output"]] == [status]


@pytest.mark.parametrize("kind", ["upstream", "truncated", "overloaded", "model_crashed"])
@pytest.mark.parametrize("finish", [None, Finish("other", "failed")])
def test_a_failure(kind: FailureKind, finish: Finish | None) -> None:
    """V15: an `error` event that every client raises, or the failed response that it was; the kind
    survives, and nothing comes behind."""
    ends = [finish] if finish else []
    events: list[Event] = [Delta("a"), *ends, Done(Failure(kind, "No.", code="c")), Delta("b")]
    last, found = written(*events)[-1], again(*events)

    assert last["type"] == ("response.failed" if finish else "error")
    assert found.text() == "a"
    assert found.failure is not None
    assert (found.failure.kind, found.failure.message, found.failure.code) == (kind, "No.", "c")
    if finish is None:
        assert (last["code"], last["message"], last["error"]["type"]) == ("c", "No.", kind)


def test_an_end_is_as_good_as_a_done() -> None:
    """After a pipeline as after a decoder; without a word the answer stays open."""
    assert kinds(Delta("a"), End("complete"))[-1] == "completed"
    assert kinds(Delta("a"), End("truncated", Failure("truncated", "cut")))[-1] == "error"
    core = OpenAIResponsesEncode()
    assert core.feed([Delta("a")])
    assert core.finish() == []


def test_phases_are_comments() -> None:
    """P16: no client sees them; other extras have no place here."""
    note = Extra("logprobs", msgspec.Raw(b"[1]"), 0)

    assert OpenAIResponsesEncode().feed([Phase("loading", 0.5), note]) == [b": loading 0.50\n\n"]


def test_no_part_without_text() -> None:
    """P1: a delta that says nothing begins nothing; the text after it is read once."""
    events = (Delta(""), Delta("", "refusal"), Delta("A"), Delta("", "refusal"), Delta("B"), STOP, Done())

    assert kinds(*events).count("content_part.added") == 1
    assert again(*events).text() == "AB"
    assert written(Delta(""), STOP, Done())[-1]["response"]["output"] == []


def test_snapshots_are_written_as_they_are() -> None:
    """P4: that is what a cumulative backend sends; its whole text is the last one."""
    found = written(
        Snapshot("I"), Snapshot("I am"), ToolDelta(0, "a", "f"), Snapshot("{}", "tool", 0, 0), STOP, Done()
    )
    said = [made["delta"] for made in found if made["type"].endswith(".delta")]

    assert said == ["I", "I am", "{}"]
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == "I am"


def test_an_answer_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """V14: what is kept has a bound; a resend counts once."""
    monkeypatch.setattr(openai_responses_encode, "TEXT_LIMIT", 10)
    monkeypatch.setattr(openai_responses_encode, "ITEM_SIZE", 0)
    texts = written(*[Delta("1234")] * 5, Done())
    calls = written(ToolDelta(0, "a", "f"), *[ToolDelta(0, None, None, "1234")] * 5, Done())

    assert [found[-1]["error"]["type"] for found in (texts, calls)] == ["limit", "limit"]
    assert kinds(*[Snapshot("1234")] * 5, Done())[-1] == "completed"


def test_an_item_without_text_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """P8: no number of short parts, calls or whole texts goes beyond the bound."""
    monkeypatch.setattr(openai_responses_encode, "TEXT_LIMIT", 10_000)
    parts = written(*[Delta("a"), Delta("b", "refusal")] * 9, Done())
    items = written(*[Delta("a"), Delta("b", "reasoning")] * 9, Done())
    calls = written(*[ToolDelta(at, arguments="x") for at in range(19)], Done())
    texts = written(*[Snapshot("x" * 999), Snapshot("y" * 999, "reasoning")] * 4, Done())

    assert [found[-1]["error"]["type"] for found in (parts, items, calls, texts)] == ["limit"] * 4


@pytest.mark.parametrize("event", [Revise(0, "a"), Delta("a", "text", 1), Finish("stop", "stop", 1)])
def test_what_has_no_form(event: Event) -> None:
    """It is told which stage is missing, or what not to ask."""
    with pytest.raises(StageError, match=r"append_only|n=1"):
        OpenAIResponsesEncode().feed([event])
