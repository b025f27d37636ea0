"""The events of LM Studio's REST v1 as they are written."""

import json
import tracemalloc
from typing import Any

import msgspec
import pytest

from tests.feeding import run_bytes
from tests.wire.body import Body
from tests.wire.lmstudio_v1 import BODIES, CALL, CRASH, LOOKED, MODEL, START, end, event, message
from tokenweir.pipeline.errors import StageError
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
    Snapshot,
    SSEEvent,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols import lmstudio_v1_encode
from tokenweir.pipeline.protocols.lmstudio_v1_encode import LMStudioV1Encode, error_of
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol
from tokenweir.stages.sse_decode import sse_decode

CHAIN = decode_frames("lmstudio-v1") | decode_protocol("lmstudio-v1")
STOP = Finish("stop", "stop")


def raw(value: object) -> msgspec.Raw:
    """A value as raw JSON."""
    return msgspec.Raw(msgspec.json.encode(value))


def written(*events: Event) -> list[dict[str, Any]]:
    """What a fresh encoder makes of the events, read again; each frame is named by its type."""
    core = LMStudioV1Encode("resp_1", "m")
    items = run_bytes(sse_decode(), b"".join([*core.feed(events), *core.finish()]))
    found: list[dict[str, Any]] = []
    for item in items:
        assert isinstance(item, SSEEvent)
        found.append(json.loads(item.data))
        assert found[-1]["type"] == item.type
    return found


def types(*events: Event) -> list[str]:
    """The types of what is written."""
    return [one["type"] for one in written(*events)]


def result(*events: Event) -> dict[str, Any]:
    """What the last frame says."""
    last = written(*events)[-1]
    assert last["type"] == "chat.end"
    found: dict[str, Any] = last["result"]
    return found


def test_an_answer() -> None:
    """Each section has its start and its end, and the end says everything once more."""
    found = written(Delta("Hm", "reasoning"), Delta("H"), Delta("i"), STOP, Usage(3, 4, 7, 1), Done())

    assert found == [
        {"type": "chat.start", **MODEL},
        {"type": "reasoning.start"},
        {"type": "reasoning.delta", "content": "Hm"},
        {"type": "reasoning.end"},
        {"type": "message.start"},
        {"type": "message.delta", "content": "H"},
        {"type": "message.delta", "content": "i"},
        {"type": "message.end"},
        {
            "type": "chat.end",
            "result": {
                **MODEL,
                "output": [{"type": "reasoning", "content": "Hm"}, {"type": "message", "content": "Hi"}],
                "stats": {"input_tokens": 3, "total_output_tokens": 4, "reasoning_output_tokens": 1},
                "response_id": "resp_1",
            },
        },
    ]


def test_a_load_and_a_prefill() -> None:
    """P16: from start to end, with the progress between; the end that nobody told is written."""
    found = written(
        Phase("connecting"),
        Phase("loading", 0.0),
        Phase("loading", 0.5),
        Phase("loading", 1.0, None, 2.5),
        Phase("prefill"),
        Phase("prefill", 0.5),
        Delta("a"),
    )

    assert found[1:-2] == [
        {"type": "model_load.start", **MODEL},
        {"type": "model_load.progress", **MODEL, "progress": 0.5},
        {"type": "model_load.end", **MODEL, "load_time_seconds": 2.5},
        {"type": "prompt_processing.start"},
        {"type": "prompt_processing.progress", "progress": 0.5},
        {"type": "prompt_processing.end"},
    ]
    assert types(Phase("loading", 0.5), Phase("prefill", 1.0)) == [
        "chat.start",
        "model_load.start",
        "model_load.progress",
        "model_load.end",
        "prompt_processing.start",
        "prompt_processing.end",
    ]


def test_a_snapshot_is_written_as_it_is() -> None:
    """V18: that is what a cumulative backend sends; the end says the text once."""
    events = (Snapshot("a"), Snapshot("ab"), Done())

    assert [one["content"] for one in written(*events) if one["type"] == "message.delta"] == ["a", "ab"]
    assert result(*events)["output"] == [{"type": "message", "content": "ab"}]


def test_tools_and_other_extras() -> None:
    """What has a place goes back to it; what has none is left out."""
    success, failed = (
        Extra("tool_call.success", raw(LOOKED)),
        Extra("tool_call.failure", raw({"reason": "r"})),
    )
    beside = Extra("stats", raw({"tokens_per_second": 4})), Extra("logprobs", raw([1]), 0)
    events = Delta("a"), success, failed, Delta("b"), Extra("tool_call", raw({"new": 1})), *beside, Done()
    found = result(*events)

    assert types(*events)[1:-1] == [
        "message.start",
        "message.delta",
        "message.end",
        "tool_call.success",
        "tool_call.failure",
        "message.start",
        "message.delta",
        "message.end",
    ]
    assert [item["type"] for item in found["output"]] == [
        "message",
        "tool_call",
        "invalid_tool_call",
        "message",
        "tool_call",
    ]
    assert found["output"][1] == {"type": "tool_call", **LOOKED}
    assert found["stats"] == {"tokens_per_second": 4}


def test_names_are_taken_where_nobody_gave_any() -> None:
    """The encoder's own win; without either there is still a model, and no id."""
    start, named = Start("i", "p", "given"), Extra("response_id", raw("resp_9"))
    told, bare = LMStudioV1Encode().feed([start, named, Done()]), LMStudioV1Encode().feed([Done()])

    assert b'"model_instance_id":"given"' in told[0]
    assert b'"response_id":"resp_9"' in told[-1]
    assert b'{"model_instance_id":"unknown","output":[],"stats":{}}' in bare[-1]
    assert result(named, Done())["response_id"] == "resp_1"


BUSY = Failure("overloaded", "busy", code="x")


@pytest.mark.parametrize("last", [Done(BUSY), End("error", BUSY)])
def test_an_error_and_the_end_behind_it(last: Event) -> None:
    """V15, PROTOCOLS 3.3: with what was said; nothing after it."""
    found = written(Delta("a"), last, Delta("late"), Done())

    assert [one["type"] for one in found][-3:] == ["message.end", "error", "chat.end"]
    assert found[-2]["error"] == {"type": "overloaded", "message": "busy", "code": "x"}
    assert found[-1]["result"]["output"] == [{"type": "message", "content": "a"}]


def test_errors_keep_their_own_words() -> None:
    """What LM Studio itself said goes back as it was; a message is never empty."""
    assert error_of(Failure("model_crashed", "no", native=raw(CRASH))) == CRASH
    assert error_of(Failure("timeout", "", native=raw("text"))) == {"type": "timeout", "message": "timeout"}


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (Revise(0, "a"), "put append_only"),
        (Delta("a", "text", 1), "ask for n=1"),
        (Finish("stop", None, 1), "ask for n=1"),
        (ToolDelta(0, "c", "f", "{}"), "offer the model no tools"),
        (Snapshot("{}", "tool", 0, 0), "offer the model no tools"),
    ],
)
def test_what_has_no_form(refused: Event, message: str) -> None:
    """The right use stands in the message."""
    with pytest.raises(StageError, match=message):
        LMStudioV1Encode().feed([refused])


def test_what_is_kept_for_the_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """V13: an answer beyond the bound ends with a failure; resends count once."""
    monkeypatch.setattr(lmstudio_v1_encode, "OUTPUT_LIMIT", 8)
    monkeypatch.setattr(lmstudio_v1_encode, "ITEM_SIZE", 0)
    resent = written(*(Snapshot("12345678") for _ in range(9)), Done())
    found = written(Delta("1234"), Delta("5678"), Delta("9"), Delta("late"))

    assert "error" not in resent[-2]
    assert found[-2]["error"]["type"] == "limit"
    assert found[-1]["result"]["output"] == []


@pytest.mark.parametrize(
    "event", [Delta("", "reasoning"), Extra("tool_call.success", raw({})), Extra("tool_call", raw({"a": []}))]
)
def test_an_item_without_text_counts_too(monkeypatch: pytest.MonkeyPatch, event: Event) -> None:
    """P8: no number of empty items goes beyond the bound."""
    monkeypatch.setattr(lmstudio_v1_encode, "OUTPUT_LIMIT", 10_000)
    found = written(*[event, Delta("")] * 10)

    assert found[-2]["error"]["type"] == "limit"


def test_kept_as_characters() -> None:
    """P8: a hundred thousand small deltas are held as their characters, and not each as an object."""
    core = LMStudioV1Encode()
    tracemalloc.start()
    try:
        for number in range(100_000):
            core.feed([Delta(f"{number % 100:02}")])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 3 * 200_000


def said(wire: bytes) -> tuple[list[Event], list[tuple[str, str]]]:
    """The events of a body, and what its failure says."""
    events = [one for one in run_bytes(CHAIN, wire) if not isinstance(one, (Extra, Start))]
    failed = [one.failure for one in events if isinstance(one, Done) and one.failure]
    told = [one for one in events if not (isinstance(one, Done) and one.failure)]
    return told, [(one.kind, one.message) for one in failed]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_there_and_back(body: Body) -> None:
    """P1: decoded, encoded and decoded again, an answer says the same, and so does its failure."""
    again = b"".join(LMStudioV1Encode().feed(run_bytes(CHAIN, body.wire)))

    assert said(again) == said(body.wire)


def test_there_and_back_with_tools() -> None:
    """What the server told of its tools is written and read as it was."""
    events = run_bytes(CHAIN, START + message("a") + CALL + event("tool_call.failure", reason="r") + end())

    assert run_bytes(CHAIN, b"".join(LMStudioV1Encode().feed(events))) == events
