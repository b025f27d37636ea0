"""Messages of LM Studio's websocket; what is true of every protocol stands in tests/contract."""

import json
from typing import Any

import pytest

from tests.feeding import run_bytes
from tests.wire.lmstudio_native import (
    CALL,
    COLD,
    ERROR,
    INFO,
    LOADED,
    WHOLE_CALL,
    closed,
    fragment,
    line,
    prefill,
    sent,
    success,
)
from tokenweir.pipeline.events import (
    Delta,
    Done,
    Event,
    Extra,
    Finish,
    Phase,
    SSEEvent,
    Start,
    ToolDelta,
    Usage,
)
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
        (line(type="rpcError", callId=1, error=ERROR), "model_not_found", "No model. Load one"),
        (line(type="channelClose"), "truncated", "LM Studio closed the channel before its answer was whole"),
        (sent("error", error={"title": "Channel Error"}), "model_crashed", "Channel Error"),
        (closed(), "truncated", "LM Studio closed the channel before its answer was whole"),
        (b'{"success":false}\n', "auth", "LM Studio refuses the credentials"),
        (b'{"success":false,"error":"Wrong key"}\n', "auth", "Wrong key"),
        (b'{"error":"overloaded"}\n', "overloaded", "overloaded"),
    ],
)
def test_how_it_fails(wire: bytes, kind: str, words: str) -> None:
    """Each is the last word; a model that was loaded on another channel changes nothing."""
    assert failed(LOADED, wire, fragment("late")) == (kind, words)


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


def test_a_refusal_is_kept_whole() -> None:
    """DESIGN 3: what stands beside the words of it too."""
    done = read(b'{"success":false,"error":"no","hint":1}\n')[-1]

    assert isinstance(done, Done)
    assert done.failure is not None
    assert json.loads(bytes(done.failure.native or b"null")) == {"success": False, "error": "no", "hint": 1}


def test_calls() -> None:
    """V14: in pieces, and whole at their end; the model is known by then."""
    assert read(LOADED, CALL, WHOLE_CALL) == [
        Start(None, "p", "m:2"),
        ToolDelta(0, "c1", "find"),
        ToolDelta(0, None, None, '{"q":'),
        ToolDelta(0, None, None, '"é"}'),
        ToolDelta(1, None, "now", '{"a":1}'),
    ]
    assert extras(LOADED, CALL, WHOLE_CALL) == {}


@pytest.mark.parametrize("said", [fragment("a"), CALL])
def test_no_phase_after_content(said: bytes) -> None:
    """DESIGN 3: what is told of the prompt behind the first content is only counted."""
    assert not [event for event in read(said, prefill(0.5), sent("loadProgress")) if isinstance(event, Phase)]


def test_nothing_read_yet() -> None:
    """A share of 0 is a share."""
    assert read(prefill(0)) == [Start(None, "p"), Phase("prefill", 0.0)]


def test_a_loaded_model_is_no_phase() -> None:
    """Nothing is waited for."""
    assert read(LOADED, fragment("a")) == [Start(None, "p", "m:2"), Delta("a")]


@pytest.mark.parametrize(
    ("wire", "model"),
    [
        (sent("startLoading", 1, identifier="a", info=INFO), "m:2"),
        (sent("startLoading", 1, identifier="a"), "a"),
        (sent("alreadyLoaded", 1, info={"identifier": "b"}), "b"),
        (LOADED + sent("loadProgress", 1, progress=0.5), "m:2"),
    ],
)
@pytest.mark.parametrize(
    "first", [fragment("a"), CALL, prefill(1.0), sent("news"), sent("success", stats={})]
)
def test_who_answers(wire: bytes, model: str, first: bytes) -> None:
    """DESIGN 5: the model that was loaded, by the name of its instance, whatever comes first of it."""
    assert [event for event in read(wire, first) if isinstance(event, Start)] == [Start(None, "p", model)]


def test_the_end_may_say_who_answered() -> None:
    """Where nobody said it before."""
    assert read(success())[0] == Start(None, "p", "m:2")


def test_half_a_pair_before_the_end() -> None:
    """V09: it is told before the finish."""
    half = fragment("HALF").replace(b"HALF", b"\\ud83d")

    assert [type(event) for event in read(half, success())] == [Start, Delta, Finish, Usage, Done]
    assert Delta("\ufffd") in read(half, success())


def test_acknowledgements_are_signs_of_life() -> None:
    """They are counted, and no events."""
    core = decode_protocol("lmstudio-native").core()
    acks = [SSEEvent(b'{"type":"channelAck"}'), SSEEvent(b'{"type":"keepAliveAck"}')]

    assert core.feed(acks) == []
    assert core.figures()["keep_alives"] == 2


@pytest.mark.parametrize(
    "wire",
    [
        line(type="channelSend", channelId=2, new=1, message={"type": "resolved"}),
        line(type="rpcResult", callId=1, result=[], new=1),
        line(success=True, new=1),
        sent("error", error=ERROR, new=1),
        sent("startLoading", new=1),
        prefill(0.5, new=1),
        sent("fragment", fragment={"content": "a"}, new=1),
        fragment("a", new=1),
        sent("toolCallGenerationEnd", toolCallRequest={"name": "f"}, rawContent="{}", new=1),
        sent("success", stats={"stopReason": "eosFound"}, new=1),
    ],
)
def test_fields_that_nobody_models(wire: bytes) -> None:
    """DESIGN 3: of every kind of message; and nothing of it is kept that is read."""
    assert extras(wire) == {"new": 1}


def test_a_failed_call_is_kept_once() -> None:
    """DESIGN 3: all of it in one piece."""
    failed_call = sent("toolCallGenerationFailed", error="e", new=1)

    assert extras(failed_call) == {"toolCallGenerationFailed": {"error": "e", "new": 1}}


def test_what_has_no_name_is_kept() -> None:
    """A message of either kind without a type."""
    assert extras(line(a=1)) == {"message": {"a": 1}}
    assert extras(line(type="channelSend", message={"a": 1})) == {"message": {"a": 1}}


@pytest.mark.parametrize("wire", [sent("toolCallGenerationFailed", error="e"), fragment("a", new=1)])
def test_what_is_kept_of_the_answer_has_its_index(wire: bytes) -> None:
    """V13: there is one choice, and what came with its text and its calls is its own."""
    (kept,) = [event for event in run_bytes(CHAIN, wire) if isinstance(event, Extra)]

    assert kept.index == 0
