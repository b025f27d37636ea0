"""Messages of LM Studio's websocket; what is true of every protocol stands in tests/contract."""

import json
from typing import Any

import pytest

from tests.feeding import run_bytes
from tests.wire.lmstudio_native import (
    COLD,
    ERROR,
    LOADED,
    LOGIN,
    closed,
    fragment,
    line,
    prefill,
    sent,
    success,
)
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Finish, Phase, Start, Usage
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

CHAIN = decode_frames("lmstudio-native") | decode_protocol("lmstudio-native", provider="p")


def read(*wire: bytes) -> list[Event]:
    """The events, Extras apart."""
    return [event for event in run_bytes(CHAIN, b"".join(wire)) if not isinstance(event, Extra)]


def extras(*wire: bytes) -> dict[str, Any]:
    """What is kept, by its kind."""
    events = run_bytes(CHAIN, b"".join(wire))
    return {event.kind: json.loads(bytes(event.data)) for event in events if isinstance(event, Extra)}


def failed(*wire: bytes) -> tuple[str, str]:
    """The kind and the message of the failure at the end."""
    done = read(*wire)[-1]
    assert isinstance(done, Done)
    assert done.failure is not None
    return done.failure.kind, done.failure.message


def test_a_cold_start() -> None:
    """Another model goes, this one comes, and then the prompt; progress never goes back."""
    assert read(COLD, prefill(0.5), prefill(0.25), prefill(7)) == [
        Phase("loading", None, "unloading old"),
        Phase("loading", 0.0),
        Phase("loading", 0.5),
        Phase("loading", 1.0),
        Start(None, "p", "m:2"),
        Phase("prefill", 0.5),
        Phase("prefill", 1.0),
    ]


def test_a_load_by_hand() -> None:
    """`loadModel` has other words; its success is not the answer's."""
    wire = (
        sent("resolved", 1, info={}),
        sent("progress", 1, progress=0.5),
        sent("success", 1, info={}),
        closed(1),
    )

    assert read(*wire) == [Phase("loading", 0.5), Phase("loading", 1.0)]


def test_reasoning_without_its_tags() -> None:
    """And an unknown kind of fragment is text."""
    wire = fragment("<think>", "reasoningStartTag"), fragment("a", "reasoning"), fragment("b", "news")

    assert read(*wire) == [Start(None, "p"), Delta("a", "reasoning"), Delta("b")]


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("eosFound", "stop"),
        ("contextLengthReached", "length"),
        ("toolCalls", "tool_calls"),
        ("news", "other"),
    ],
)
def test_why_it_ended(native: str, reason: str) -> None:
    """The rest of the figures is kept."""
    events = read(LOADED, success(native, numGpuLayers=3))

    finish, *rest = events[-3:]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.native) == (reason, native)
    assert rest == [Usage(5, 7, 12), Done()]
    assert extras(LOADED, success(native, numGpuLayers=3))["stats"] == {"numGpuLayers": 3}


@pytest.mark.parametrize(
    ("native", "kind"),
    [("userStopped", "cancelled"), ("modelUnloaded", "model_crashed"), ("failed", "model_crashed")],
)
def test_what_is_no_end(native: str, kind: str) -> None:
    """A success that is a failure; its figures are told."""
    assert failed(LOADED, fragment("a"), success(native))[0] == kind
    assert Usage(5, 7, 12) in read(LOADED, fragment("a"), success(native))


def test_cached_tokens() -> None:
    """The prompt's progress tells them; the usage has them."""
    assert Usage(5, 7, 12, None, 3) in read(prefill(1.0, details={"cachedTokenCount": 3}), success())


@pytest.mark.parametrize(
    ("wire", "kind", "words"),
    [
        (line(type="channelError", channelId=1, error=ERROR), "model_not_found", "No model. Load one"),
        (line(type="rpcError", callId=1, error={"title": "no"}), "upstream", "no"),
        (sent("error", error={"title": "Channel Error"}), "model_crashed", "Channel Error"),
        (closed(), "truncated", "LM Studio closed the channel before its answer was whole"),
        (b'{"success":false}\n', "auth", "LM Studio refuses the credentials"),
        (b'{"error":"overloaded"}\n', "overloaded", "overloaded"),
    ],
)
def test_how_it_fails(wire: bytes, kind: str, words: str) -> None:
    """Each is the last word."""
    assert failed(LOGIN, wire, fragment("late")) == (kind, words)


def test_the_only_loaded_one() -> None:
    """The list of the loaded tells who answers; of several, nobody knows."""
    one, two = [{"identifier": "m"}], [{"identifier": "m"}, {"identifier": "n"}]

    assert read(line(type="rpcResult", callId=1, result=one), fragment("a"))[0] == Start(None, "p", "m")
    assert read(line(type="rpcResult", callId=1, result=two), fragment("a"))[0] == Start(None, "p")


def test_what_is_not_known_is_kept() -> None:
    """A kind of message, of either kind, and a failed call."""
    told = extras(
        line(type="communicationWarning", warning="w"),
        sent("news", a=1),
        sent("toolCallGenerationFailed", error={"title": "t"}, rawContent="x"),
    )

    assert told == {
        "communicationWarning": {"warning": "w"},
        "news": {"a": 1},
        "toolCallGenerationFailed": {"error": {"title": "t"}, "rawContent": "x"},
    }
