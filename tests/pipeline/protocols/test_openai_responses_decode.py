"""What the payloads of `/v1/responses` mean."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.feeding import run_bytes, run_items
from tests.wire import openai_responses as wire
from tests.wire.body import Body
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
from tokenweir.pipeline.protocols import openai_responses_items, openai_responses_output
from tokenweir.stages import decode_protocol, sse_decode

START = Start("resp_1", "p", "m", 1_790_000_000)
DELTA = "response.output_text.delta"
DONE = "response.output_text.done"


def payload(kind: str, **fields: Any) -> SSEEvent:
    """One event of the wire."""
    return SSEEvent(json.dumps({"type": kind, **fields}).encode(), kind)


def ends(*output: Any, status: str = "completed", **fields: Any) -> SSEEvent:
    """The last event."""
    return payload(f"response.{status}", response={"status": status, "output": list(output), **fields})


def said(*items: WireItem, finish_required: bool = True) -> list[Event]:
    """What a fresh core makes of the payloads, without who said it."""
    stage = decode_protocol("openai-responses", provider="p", finish_required=finish_required)
    return [event for event in run_items(stage, items) if not isinstance(event, Start)]


def answer(events: Sequence[Event]) -> Assembly:
    """The answer that events are."""
    made = Assembly()
    made.feed(events)
    return made


def extras(events: Sequence[Event]) -> list[tuple[str, Any]]:
    """What is not modelled."""
    return [(event.kind, json.loads(bytes(event.data))) for event in events if isinstance(event, Extra)]


def read(body: Body) -> list[Event]:
    """The events of a body."""
    return run_bytes(sse_decode() | decode_protocol("openai-responses", provider="p"), body.wire)


def test_a_plain_answer() -> None:
    """P1: who, what, how much, and how it ended, once each."""
    assert read(wire.plain()) == [
        START,
        Phase("prefill"),
        Delta("Hello"),
        Delta(","),
        Delta(" you."),
        Usage(9, 5, 14, 2, 4),
        Finish("stop", "completed"),
        Done(),
    ]


def test_calls() -> None:
    """Id and name in the first fragment; a call whose arguments come only whole is given once."""
    events = read(wire.calls())

    assert [event for event in events if isinstance(event, ToolDelta)] == [
        ToolDelta(0, "call_a", "look"),
        ToolDelta(0, None, None, '{"at"'),
        ToolDelta(0, None, None, ":1}"),
        ToolDelta(1, "call_b", "look"),
        ToolDelta(1, None, None, '{"at":2}'),
    ]
    assert answer(events).finish[0] == Finish("tool_calls", "completed")


def test_calls_that_share_an_id() -> None:
    """They are two: an item is an item."""
    one, two = wire.called(0, "call", "f", "{}"), wire.called(1, "call", "f", '{"x":1}')
    items = [
        payload("response.output_item.done", output_index=at, item=item) for at, item in enumerate((one, two))
    ]

    assert [call["arguments"] for call in answer(said(*items, ends(one, two))).tool_calls()] == [
        "{}",
        '{"x":1}',
    ]


@pytest.mark.parametrize("body", [wire.only_whole(), wire.whole()])
def test_only_whole(body: Body) -> None:
    """PROTOCOLS 7.1: no delta came, so the whole is the text; a body without a stream is read alike."""
    made = answer(read(body))

    assert made.text() in ("Yes.", "Hi.")
    assert made.tool_calls()[0]["id"] == "call_a"
    assert made.finish[0].reason == "tool_calls"
    assert made.end is None
    assert made.start is not None


@pytest.mark.parametrize("kind", ["output_text.done", "content_part.done", "output_item.done", "completed"])
def test_a_whole_text_is_given_once(kind: str) -> None:
    """Wherever it comes first, and whatever repeats it."""
    part = wire.part("output_text", "Hi.")
    item = wire.message(0, part)
    where = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    events = {
        "output_text.done": payload(DONE, **where, text="Hi."),
        "content_part.done": payload("response.content_part.done", **where, part=part),
        "output_item.done": payload("response.output_item.done", output_index=0, item=item),
        "completed": ends(item),
    }
    listed = list(events)

    assert answer(said(*[events[name] for name in listed[listed.index(kind) :]])).text() == "Hi."


@pytest.mark.parametrize("whole", ["Hello, you.", "Goodbye."])
def test_a_whole_text_that_is_another(whole: str) -> None:
    """The text is what the deltas said; what the whole says is kept, once, and nothing is doubled."""
    item = wire.message(0, wire.part("output_text", whole))
    where = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    events = said(payload(DELTA, **where, delta="Hello"), payload(DONE, **where, text=whole), ends(item))

    assert answer(events).text() == "Hello"
    assert extras(events) == [("mismatch", {"output_index": 0, "kind": "text", "index": 0, "text": whole})]


def test_arguments_that_mean_the_same_are_the_same() -> None:
    """A server may write its JSON twice in two ways."""
    item = wire.called(0, "a", "f", '{"x": 1}')
    begun = payload("response.output_item.added", output_index=0, item={**item, "arguments": ""})
    delta = payload("response.function_call_arguments.delta", output_index=0, delta='{"x":1}')

    assert extras(said(begun, delta, ends(item))) == []
    assert extras(said(begun, delta, ends({**item, "arguments": '{"x":2}'})))[0][0] == "mismatch"


def test_a_cumulative_backend_is_not_contradicted() -> None:
    """P4: the last delta is the whole; what to make of the others is the detector's."""
    where = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    deltas = [payload(DELTA, **where, delta=text) for text in ("I", "I am", "I am.")]

    assert extras(said(*deltas, payload(DONE, **where, text="I am."), ends())) == []


def test_text_numbered_otherwise_at_the_end() -> None:
    """Seen: deltas of part 1, and a whole item that has only one part."""
    item = wire.message(0, wire.part("output_text", "Hi."))
    delta = payload(DELTA, item_id="msg_0", output_index=0, content_index=1, delta="Hi.")

    assert answer(said(delta, ends(item))).text() == "Hi."


@pytest.mark.parametrize("wholes", [("", "Hi."), ("Hi.",)])
def test_a_text_in_which_nothing_was_said(wholes: Sequence[str]) -> None:
    """P1: whether the whole item has it or not, the text after it is given once."""
    deltas = [
        payload(DELTA, item_id="msg_0", output_index=0, content_index=at, delta=text)
        for at, text in enumerate(("", "Hi."))
    ]
    item = wire.message(0, *(wire.part("output_text", text) for text in wholes))

    assert [event for event in said(*deltas, ends(item)) if isinstance(event, Delta)] == [Delta("Hi.")]


def nameless(kind: str, text: str) -> list[SSEEvent]:
    """A text as emulators send it: no event says of which item it is."""
    return [payload(f"{kind}.delta", delta=text), payload(f"{kind}.done", text=text)]


def unnumbered(kind: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """An item without an id."""
    return {"type": kind, "content": list(parts)}


@pytest.mark.parametrize("items", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_texts_of_no_item_in_particular(*, items: bool, joined: bool) -> None:
    """P1: texts and reasoning one after the other, told again as one item each or as parts of one: each
    is given once, and what nothing was said of is given."""
    hm, hi, yo, more = (
        wire.part("reasoning_text" if text == "Hm." else "output_text", text)
        for text in ("Hm.", "Hi.", "Yo.", "More.")
    )
    listed = (
        [unnumbered("reasoning", hm), unnumbered("message", hi, yo, more)]
        if joined
        else [unnumbered("reasoning", hm), *(unnumbered("message", part) for part in (hi, yo, more))]
    )
    told = [
        nameless("response.reasoning_text", "Hm."),
        nameless("response.output_text", "Hi."),
        nameless("response.output_text", "Yo."),
    ]
    if items and not joined:
        told = [
            [*events, payload("response.output_item.done", item=item)]
            for events, item in zip(told, listed, strict=False)
        ]
    found = said(*(event for events in told for event in events), ends(*listed))

    assert [event for event in found if isinstance(event, Delta)] == [
        Delta("Hm.", "reasoning"),
        Delta("Hi."),
        Delta("Yo."),
        Delta("More."),
    ]
    assert extras(found) == []


NAMELESS = payload(DELTA, delta="Hi.")
HI = wire.message(0, wire.part("output_text", "Hi."))
ONE_INDEX = [
    payload(DELTA, item_id="msg_0", output_index=0, content_index=0, delta=text) for text in ("One. ", "Two.")
]
THOUGHT: dict[str, Any] = {"type": "reasoning", "id": "rs_0", "summary": []}
DOUBTFUL: dict[str, tuple[list[SSEEvent], list[str]]] = {
    "a name that comes with the end": (
        [
            NAMELESS,
            payload("response.output_item.done", item=wire.message(0, wire.part("output_text", "Hi."))),
        ],
        ["Hi."],
    ),
    "an index that comes with the end": (
        [
            NAMELESS,
            payload(
                "response.output_item.done",
                output_index=0,
                item=HI,
            ),
        ],
        ["Hi."],
    ),
    "one index for all deltas": (
        [*ONE_INDEX, ends(wire.message(0, *(wire.part("output_text", text) for text in ("One. ", "Two."))))],
        ["One. ", "Two."],
    ),
    "wholes without an index": (
        [payload(DONE, item_id="msg_0", output_index=0, text=text) for text in ("One.", "One.", "Two.")],
        ["One.", "Two."],
    ),
    "text without a name while a thought is open": (
        [
            payload("response.output_item.added", item=THOUGHT),
            NAMELESS,
            ends(THOUGHT, HI),
        ],
        ["Hi."],
    ),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_texts_that_are_hard_to_place_come_once(name: str) -> None:
    """P1: each once, and nothing contradicts it."""
    items, texts = DOUBTFUL[name]
    found = said(*items, ends())

    assert [event.text for event in found if isinstance(event, Delta)] == texts
    assert [kind for kind, _ in extras(found) if kind == "mismatch"] == []


def test_reasoning_that_comes_back_as_a_summary() -> None:
    """It counts once."""
    delta = payload(
        "response.reasoning_text.delta", item_id="rs_0", output_index=0, content_index=0, delta="Hm."
    )
    item = wire.thought(0, wire.part("summary_text", "Hm."))

    assert answer(said(delta, ends(item))).text(channel="reasoning") == "Hm."


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("max_output_tokens", "length"),
        ("content_filter", "content_filter"),
        ("boredom", "other"),
        (None, "other"),
    ],
)
def test_incomplete(reason: str | None, told: FinishReason) -> None:
    """It is whole as far as it goes; why it ends is kept."""
    details = {"reason": reason} if reason else None
    events = said(payload(DELTA, delta="One"), ends(status="incomplete", incomplete_details=details))

    assert events[-2:] == [Finish(told, "incomplete"), Done()]
    assert extras(events) == ([("incomplete_details", details)] if details else [])


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_response_that_failed(status: str) -> None:
    """V15, P2: what it says of its output is given, then the failure."""
    error = {"code": "rate_limit_exceeded", "message": "Too fast."} if status == "failed" else None
    item = wire.message(0, wire.part("output_text", "One"))
    events = said(ends(item, status=status, error=error))
    last = events[-1]

    assert events[:-1] == [Delta("One"), Finish("other", status)]
    assert isinstance(last, Done)
    assert last.failure is not None
    assert last.failure.kind == ("rate_limited" if error else "upstream")
    assert ("Too fast." in last.failure.message) == bool(error)


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "context_length_exceeded", "message": "Too long.", "sequence_number": 3},
        {"type": "error", "error": {"type": "x", "code": "context_length_exceeded", "message": "Too long."}},
        {"error": {"code": "context_length_exceeded", "message": "Too long."}},
        {"error": "Too long: exceeds the context length"},
    ],
)
def test_errors_in_every_form(error: dict[str, Any]) -> None:
    """V15: flat, nested, without a type, a string; text before it stays, text behind it is none."""
    events = said(
        payload(DELTA, delta="One"), SSEEvent(json.dumps(error).encode()), payload(DELTA, delta="Two")
    )
    last = events[-1]

    assert events[:-1] == [Delta("One")]
    assert isinstance(last, Done)
    assert last.failure is not None
    assert last.failure.kind == "context_length"
    assert "Too long" in last.failure.message


def test_an_error_of_a_tool_is_not_one_of_the_answer() -> None:
    """It travels as it is."""
    failed = payload("response.mcp_call.failed", item_id="mcp_0", error={"message": "no"})

    assert extras(said(failed, ends())) == [
        ("mcp_call.failed", {"item_id": "mcp_0", "error": {"message": "no"}})
    ]


@pytest.mark.parametrize("data", [b"[1]", b"7", b"nonsense", b'{"type":', b"[" * 100_000])
def test_what_cannot_be_read(data: bytes) -> None:
    """V10, V11: told as a fault of the peer, after what came before."""
    events = said(payload(DELTA, delta="One"), SSEEvent(data))

    assert events[0] == Delta("One")
    assert isinstance(events[-1], Done)
    assert events[-1].failure is not None
    assert events[-1].failure.kind == "protocol"


def test_done_is_no_end() -> None:
    """P2: `[DONE]` alone is a cut, unless the backend is known to send nothing else; behind the end it
    says nothing."""
    marker, text = SSEEvent(b"[DONE]"), payload(DELTA, delta="One")
    cut = said(text, marker)[-1]

    assert isinstance(cut, Done)
    assert cut.failure is not None
    assert cut.failure.kind == "truncated"
    assert said(text, marker, finish_required=False) == [Delta("One"), Done()]
    assert said(text, ends(), marker)[-1] == Done()
    assert said(text) == [Delta("One")]


def test_waiting() -> None:
    """P16: queued, then in progress; keep-alives and comments are signs of life, and no phase once
    there is text."""
    queued = payload("response.queued", response={"id": "r", "status": "queued"})
    going = payload("response.in_progress", response={"id": "r", "status": "in_progress"})
    alive = payload("keepalive", sequence_number=3)
    core = decode_protocol("openai-responses").core()

    assert said(queued, going, alive) == [Phase("queued"), Phase("prefill")]
    assert core.feed([payload(DELTA, delta="a"), alive, Comment("ping"), SSEEvent(b"")])[1:] == [Delta("a")]
    assert core.figures() == {"chunks": 1, "keep_alives": 3}


def test_a_body_that_is_not_ready() -> None:
    """A whole response that is queued in the background is no answer yet."""
    body = json.dumps({"object": "response", "id": "r", "status": "queued"}).encode()

    assert said(SSEEvent(body)) == [Phase("queued")]


def test_server_tools_and_what_stands_beside_the_text() -> None:
    """Searches, log probabilities, citations and custom calls: kept, each once."""
    kinds = [kind for kind, _ in extras(read(wire.server_tools()))]

    assert kinds == [
        "web_search_call",
        "web_search_call.searching",
        "web_search_call",
        "logprobs",
        "output_text.annotation.added",
        "custom_tool_call",
    ]
    assert answer(read(wire.server_tools())).tool_calls() == [
        {"id": "call_c", "name": "sql", "arguments": "SELECT 1"}
    ]


def test_reasoning_that_must_be_sent_back() -> None:
    """Encrypted: whole, at its end, though its text was told before."""
    made = [data for kind, data in extras(read(wire.summary())) if kind == "reasoning"]

    assert [entry["encrypted_content"] for entry in made] == ["c2VjcmV0"]
    assert made[0]["summary"][1]["text"] == "Then."


def test_text_in_the_short_form_of_the_sdk() -> None:
    """Where a response has no output at all."""
    assert said(ends(output_text="Hi."))[0] == Delta("Hi.")
    assert answer(said(payload(DELTA, delta="Hi."), ends(output_text="Hi."))).text() == "Hi."


def test_a_status_wins_over_the_name_of_the_event() -> None:
    """Some send `completed` for an answer that is not."""
    event = payload("response.completed", response={"status": "incomplete"})

    assert said(event) == [Finish("other", "incomplete"), Done()]
    assert said(payload("response.completed")) == [Finish("stop", "completed"), Done()]


def test_the_fast_way_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not know goes the long way, and one after the other is the same text."""
    plain = [payload(DELTA, item_id="msg_0", output_index=0, delta=str(at)) for at in range(9)]
    odd = [payload(DELTA, item_id="msg_0", output_index=0, delta=str(at), odd=at) for at in range(20)]
    items = [*plain, *odd, *plain, ends()]
    fast = said(*items)
    monkeypatch.setattr("tokenweir.pipeline.protocols.openai_responses_decode._MISSES", 0)

    assert fast == said(*items)
    assert len(extras(fast)) == 20


def test_items_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """V14: what is remembered has a bound."""
    monkeypatch.setattr(openai_responses_items, "ITEM_LIMIT", 3)
    monkeypatch.setattr(openai_responses_output, "TEXT_LIMIT", 3)
    items = said(*[payload(DELTA, output_index=at, delta="a") for at in range(9)])
    texts = said(*[payload(DELTA, output_index=0, content_index=at, delta="a") for at in range(9)])

    for events in (items, texts):
        assert [event.text for event in events if isinstance(event, Delta)] == ["a"] * 3
        assert isinstance(events[-1], Done)
        assert events[-1].failure is not None
        assert events[-1].failure.kind == "limit"


def test_what_is_not_ours_passes() -> None:
    """Events between the payloads, and a fault of the frames."""
    lost = Failure("limit", "too large")
    note: Any = Extra("note", msgspec.Raw(b"1"))

    assert said(note, Done(lost), payload(DELTA, delta="a")) == [note, Done(lost)]
