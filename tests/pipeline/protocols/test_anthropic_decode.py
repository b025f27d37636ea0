"""The Messages API's payloads as events."""

import json
from typing import Any

import msgspec
import pytest

from tests.feeding import run_bytes, run_items
from tests.wire.anthropic import (
    BROKEN,
    CALLS,
    IMITATED,
    PING,
    REFUSED,
    TEXT,
    UNICODE,
    WHOLE,
    block,
    event,
    finish,
    start,
    stop,
    text,
)
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Event,
    Extra,
    Failure,
    Finish,
    FinishReason,
    Phase,
    SSEEvent,
    Start,
    ToolDelta,
    Usage,
    WireItem,
)
from tokenweir.pipeline.protocols.anthropic_decode import AnthropicDecode
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

STAGE = decode_frames("anthropic") | decode_protocol("anthropic", provider="p")


def read(body: bytes) -> list[Event]:
    """What a body says."""
    return run_bytes(STAGE, body)


def told(events: list[Event]) -> list[Event]:
    """The events but for Extras and phases."""
    return [event for event in events if not isinstance(event, (Extra, Phase))]


def extras(events: list[Event]) -> list[tuple[str, Any, int | None]]:
    """The Extras, read."""
    return [
        (event.kind, msgspec.json.decode(event.data), event.index)
        for event in events
        if isinstance(event, Extra)
    ]


def failure(events: list[Event]) -> Failure:
    """The failure that the backend's last word is."""
    last = events[-1]
    assert isinstance(last, Done)
    assert last.failure is not None
    return last.failure


def test_text() -> None:
    """PROTOCOLS 6: the name, the input's figures before the text, the text, why it stopped, all figures."""
    assert read(TEXT) == [
        Start("msg_1", "p", "m"),
        Usage(9, partial=True),
        Phase("prefill"),
        Delta("Hel"),
        Delta("lo"),
        Delta(", there."),
        Finish("stop", "end_turn"),
        Usage(9, 5),
        Done(),
    ]


def test_thinking_text_and_parallel_calls() -> None:
    """V10: each in its channel, the signature kept, a call without arguments an empty object, and input
    figures that the end revises."""
    events = read(CALLS)

    assert told(events)[2:] == [
        Delta("I should ", "reasoning"),
        Delta("look.", "reasoning"),
        Delta("Let me look."),
        ToolDelta(0, "toolu_1", "look"),
        ToolDelta(0, None, None, '{"at": "the '),
        ToolDelta(0, None, None, 'sky", "n": [1, 2]}'),
        ToolDelta(1, "toolu_2", "now"),
        ToolDelta(1, None, None, "{}"),
        Finish("tool_calls", "tool_use"),
        Usage(30, 40, cached=20),
        Done(),
    ]
    assert extras(events) == [("signature", "c2lnbmVk", 0)]


def test_a_whole_answer() -> None:
    """V16, U21: one object, the same events."""
    events = read(WHOLE)

    assert told(events) == [
        Start("msg_2", "p", "m"),
        Delta("Hm.", "reasoning"),
        Delta("All at once."),
        ToolDelta(0, "toolu_3", "look", '{"at":"the sea"}'),
        ToolDelta(1, "toolu_4", "now"),
        ToolDelta(1, None, None, "{}"),
        Finish("tool_calls", "tool_use"),
        Usage(9, 12, reasoning=3),
        Done(),
    ]
    assert extras(events) == [("signature", "c2lnbmVk", 0)]


def test_any_script() -> None:
    """V08, V09: text in the start of a block, beyond the BMP, U+2028, and a pair in two payloads."""
    answer = Assembly()
    answer.feed(read(UNICODE))

    assert answer.text() == "«Grüße 你好 👩‍🚀\u2028😀!"
    assert ("stop_sequence", "»", 0) in extras(read(UNICODE))
    assert answer.finish[0] == Finish("stop", "stop_sequence")


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("refusal", "content_filter"),
        ("compaction", "other"),
    ],
)
def test_why_it_stops(native: str, reason: FinishReason) -> None:
    """PROTOCOLS 6: the API's word is kept."""
    assert Finish(reason, native) in read(start() + text(0, "a") + finish(native))


def test_a_refusal_has_its_details() -> None:
    """What nobody models of the message and its figures is kept, in its place."""
    assert extras(read(REFUSED)) == [
        ("usage", {"cache_creation_input_tokens": 2}, None),
        ("stop_details", {"type": "refusal", "category": "cyber"}, 0),
    ]


def test_an_error_after_the_beginning() -> None:
    """V15: what came before it is delivered; nothing comes after it."""
    events = read(BROKEN + text(1, "more") + finish("end_turn"))

    assert [event.text for event in events if isinstance(event, Delta)] == ["Half of it", " is"]
    assert (failure(events).kind, failure(events).message) == ("overloaded", "Overloaded")
    assert (failure(events).code, failure(events).retryable) == ("overloaded_error", True)


@pytest.mark.parametrize(
    ("kind", "message", "found"),
    [
        ("invalid_request_error", "max_tokens: Field required", "bad_request"),
        ("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "context_length"),
        ("authentication_error", "invalid x-api-key", "auth"),
        ("billing_error", "Your credit balance is too low", "auth"),
        ("permission_error", "No.", "auth"),
        ("not_found_error", "model: m", "model_not_found"),
        ("request_too_large", "Request exceeds the maximum size", "bad_request"),
        ("rate_limit_error", "Slower.", "rate_limited"),
        ("api_error", "Internal server error", "upstream"),
        ("timeout_error", "Too late.", "upstream"),
        ("overloaded_error", "Overloaded", "overloaded"),
    ],
)
@pytest.mark.parametrize("name", ["error", "message"])
def test_errors_by_their_types(kind: str, message: str, found: str, name: str) -> None:
    """PROTOCOLS 6 and 9: as a named event, or under no name."""
    data = json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"})
    events = run_items(decode_protocol("anthropic"), [SSEEvent(data.encode(), name)])

    assert (failure(events).kind, failure(events).message) == (found, message)


def test_an_error_that_is_no_json() -> None:
    """V15: a named error says what it says, in any form."""
    events = run_items(decode_protocol("anthropic"), [SSEEvent(b"upstream is gone", "error")])

    assert failure(events) == Failure("upstream", "upstream is gone", native=failure(events).native)


def test_only_message_stop_completes() -> None:
    """P2: not the finish, and not a proxy's [DONE]."""
    whole = start() + text(0, "a") + finish("end_turn")
    cut = whole.removesuffix(event("message_stop"))

    assert read(whole)[-1] == Done()
    assert not any(isinstance(event, Done) for event in read(cut))
    assert failure(read(cut + b"data: [DONE]\n\n")).kind == "truncated"
    assert read(whole + b"data: [DONE]\n\n") == read(whole)
    assert read(event("message_stop")) == [Done()]


def test_nothing_is_made_up_at_a_cut() -> None:
    """P1: half a call stays half; what was held of a server's tool is given as far as it came."""
    call: dict[str, Any] = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    server: dict[str, Any] = {"type": "server_tool_use", "id": "s", "name": "search", "input": {}}
    half = {"type": "input_json_delta", "partial_json": '{"q'}
    body = (start() + block(0, call) + block(1, server, half)).removesuffix(stop(1))
    events = read(body.replace(stop(0), b""))

    assert told(events)[2:] == [ToolDelta(0, "a", "f")]
    assert extras(events) == [("server_tool_use", {**server, "input": '{"q'}, 0)]


def test_blocks_that_stop_at_the_end() -> None:
    """PROTOCOLS 6: llama-server's way: open blocks, an empty signature, fragments of two calls."""
    answer = Assembly()
    events = read(IMITATED)
    answer.feed(events)

    assert answer.text(channel="reasoning") == "Hm"
    assert [call["arguments"] for call in answer.tool_calls()] == ['{"x":1}', '{"y":2}']
    assert extras(events) == []


def test_a_server_that_leaves_things_out() -> None:
    """PROTOCOLS 6: imitations have no ping, no start, no index, no usage, no stop of their blocks."""
    delta = SSEEvent(b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}')
    named = SSEEvent(b'{"delta":{"stop_reason":"end_turn"}}', "message_delta")
    events = run_items(decode_protocol("anthropic"), [delta, named, SSEEvent(b'{"type":"message_stop"}')])

    assert events == [Start(), Delta("Hi"), Finish("stop", "end_turn"), Done()]


def test_a_call_that_never_stops_is_whole_at_the_end() -> None:
    """A block ends with its message, also where no stop reason comes."""
    call = block(0, {"type": "tool_use", "id": "a", "name": "f", "input": {}}).removesuffix(stop(0))

    for end in (finish("tool_use"), event("message_stop")):
        assert ToolDelta(0, None, None, "{}") in read(start() + call + end)


def test_signs_of_life() -> None:
    """P15, P16, V07: a phase before the first content, once; counted after it."""
    core = AnthropicDecode()
    alive: list[WireItem] = [
        Comment("keep-alive"),
        Comment("keep-alive"),
        SSEEvent(b'{"type":"ping"}'),
        SSEEvent(b""),
    ]
    said = SSEEvent(b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}')

    assert core.feed(alive) == [Phase("prefill", None, "keep-alive"), Phase("prefill")]
    assert core.feed([said, *alive]) == [Start(), Delta("a")]
    assert core.figures()["keep_alives"] == 8
    assert run_bytes(STAGE, PING * 2) == [Phase("prefill")]


def test_usage_is_merged_and_never_added() -> None:
    """PROTOCOLS 6: later figures win; what they leave out stays; nothing is told twice."""
    first = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3})
    body = start() + text(0, "a") + first + first + finish("end_turn", {"output_tokens": 5})
    found = [event for event in read(body) if isinstance(event, Usage)]

    assert found == [Usage(9, partial=True), Usage(9, 3), Usage(9, 5)]
    assert [event for event in read(body) if isinstance(event, Finish)] == [Finish("stop", "end_turn")]


def test_what_nobody_models_is_kept() -> None:
    """V17: events, blocks, deltas and fields of a later version."""
    body = (
        start(container={"id": "c1"})
        + event("vendor_note", level=3)
        + block(
            0, {"type": "text", "text": "", "lang": "en"}, {"type": "text_delta", "text": "a", "logprob": 0.5}
        )
        + block(1, {"type": "hologram", "rays": 9}, {"type": "ray_delta", "ray": 1})
        + event("content_block_pause", index=0)
        + event(
            "message_delta", delta={"stop_reason": "end_turn"}, usage={}, context_management={"edits": [1]}
        )
        + event("message_stop", **{"amazon-bedrock-invocationMetrics": {"latency": 7}})
    )

    assert extras(read(body)) == [
        ("container", {"id": "c1"}, None),
        ("vendor_note", {"type": "vendor_note", "level": 3}, None),
        ("content_block", {"type": "text", "lang": "en"}, 0),
        ("text_delta", {"logprob": 0.5}, 0),
        ("hologram", {"type": "hologram", "rays": 9}, 0),
        ("ray_delta", {"index": 1, "type": "ray_delta", "ray": 1}, 0),
        ("content_block_pause", {"type": "content_block_pause", "index": 0}, None),
        ("context_management", {"edits": [1]}, None),
        ("amazon-bedrock-invocationMetrics", {"latency": 7}, None),
    ]


def test_figures_that_nobody_models_are_kept() -> None:
    """V17: beside ours, also inside their details, and only where they change."""
    usage = {
        "output_tokens": 5,
        "speed": "fast",
        "output_tokens_details": {"thinking_tokens": 3, "tool_tokens": 1},
    }
    told = (
        "usage",
        {"speed": "fast", "output_tokens_details": {"thinking_tokens": 3, "tool_tokens": 1}},
        None,
    )
    events = read(start() + event("message_delta", delta={}, usage=usage) + finish("end_turn", usage))

    assert extras(events) == [told]
    assert Usage(9, 5, reasoning=3) in events


def test_content_in_the_start() -> None:
    """A message that starts with content says it."""
    events = read(start(content=[{"type": "text", "text": "Already"}]) + finish("end_turn"))

    assert Delta("Already") in events


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>", "a payload is not JSON"),
        (b"[1]", "a payload is not a JSON object"),
        (b"7", "a payload is not a JSON object"),
    ],
)
def test_what_cannot_be_read(data: bytes, message: str) -> None:
    """V10, V11: told, not raised."""
    events = run_items(decode_protocol("anthropic"), [SSEEvent(data), SSEEvent(data)])

    assert len(events) == 1
    assert failure(events).kind == "protocol"
    assert failure(events).message.startswith(message)


def test_what_the_bytes_could_not_say() -> None:
    """A failure of the framing passes, after what was held."""
    broken = Failure("limit", "an event is larger than the limit")
    high = SSEEvent(rb'{"type":"content_block_delta","delta":{"type":"text_delta","text":"a\ud83d"}}')

    assert run_items(decode_protocol("anthropic"), [high, Done(broken)]) == [
        Start(),
        Delta("a"),
        Delta("\ufffd"),
        Done(broken),
    ]


def test_a_body_without_a_message_is_nothing() -> None:
    """An object of no type is kept, and completes nothing."""
    assert extras(read(b'{"foo": 1}')) == [("event", {"foo": 1}, None)]
    assert not any(isinstance(event, Done) for event in read(b'{"foo": 1}'))
    assert extras(read(b'{"type": "message"}')) == [("message", {"type": "message"}, None)]


def test_too_many_calls() -> None:
    """V14: a bound, told as one; what came before it is delivered."""
    call = block(0, {"type": "tool_use", "id": "a", "name": "f", "input": {}})
    events = read(start() + text(0, "a") + call * 1025)

    assert Delta("a") in events
    assert failure(events) == Failure("limit", "more than 1024 tool calls in one answer")
    assert sum(isinstance(event, ToolDelta) and event.id == "a" for event in events) == 1024


def test_the_quick_way_says_the_same() -> None:
    """P3: deltas of text after the first go the quick way, and every other form the long one."""
    pieces = [" b", "", " c", "\U0001f600"]
    quick = read(start() + text(0, "a", *pieces) + finish("end_turn"))
    slow = read(
        (start() + text(0, "a", *pieces) + finish("end_turn")).replace(b'"index":', b'"more": null, "index":')
    )

    assert [event for event in quick if isinstance(event, Delta)] == [
        Delta(piece) for piece in ("a", *pieces) if piece
    ]
    assert told(quick) == told(slow)


@pytest.mark.parametrize(
    "first",
    [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1}),
    ],
)
def test_an_answer_without_its_beginning(first: bytes) -> None:
    """DESIGN 3: whatever comes first, the answer starts before it."""
    assert read(first)[0] == Start(None, "p")
    assert len(read(first)) > 1


def test_an_event_that_is_named_an_error() -> None:
    """V15: by its name alone."""
    found = failure(read(b'event: error\ndata: {"message":"boom"}\n\n'))

    assert (found.kind, found.message) == ("upstream", "boom")


def test_calls_in_the_start_have_their_places() -> None:
    """P1: what comes of each belongs to it."""
    calls: list[dict[str, Any]] = [
        {"type": "tool_use", "id": name, "name": name, "input": {}} for name in "fg"
    ]
    more = [
        event("content_block_delta", index=at, delta={"type": "input_json_delta", "partial_json": piece})
        for at, piece in ((0, '{"x"'), (1, "{}"), (0, ":1}"))
    ]
    answer = Assembly()
    answer.feed(read(start(content=calls) + b"".join(more) + finish("tool_use")))

    assert [(call["name"], call["arguments"]) for call in answer.tool_calls()] == [
        ("f", '{"x":1}'),
        ("g", "{}"),
    ]


def test_a_stop_is_that_of_its_block() -> None:
    """P1: a call without arguments is whole where it stops, and no other is."""
    opened = [
        event(
            "content_block_start",
            index=at,
            content_block={"type": "tool_use", "id": name, "name": name, "input": {}},
        )
        for at, name in enumerate("fg")
    ]
    found = read(start() + b"".join(opened) + stop(0))

    assert [event for event in found if isinstance(event, ToolDelta)] == [
        ToolDelta(0, "f", "f"),
        ToolDelta(1, "g", "g"),
        ToolDelta(0, None, None, "{}"),
    ]


def test_all_details_of_the_output_are_known() -> None:
    """DESIGN 3: what is modelled is not told twice."""
    details = {"thinking_tokens": 2, "reasoning_tokens": 2}
    found = read(start() + event("message_delta", delta={}, usage={"output_tokens_details": details}))

    assert extras(found) == []


def test_every_payload_is_counted() -> None:
    """Those of the quick way too."""
    core = AnthropicDecode()
    pieces = [
        SSEEvent(json.dumps({"type": "content_block_delta", "index": 0, "delta": said}).encode())
        for said in [{"type": "text_delta", "text": "a"}] * 4
    ]
    for piece in pieces:
        core.feed([piece])

    assert core.figures()["chunks"] == len(pieces)
