"""What differs between a completion's chunks and a chat's."""

import json
from typing import Any

from tests.feeding import run_bytes
from tests.wire.openai_completions import BODIES, DONE, ERROR, HEAD, LENGTH, STOP, USAGE, chunk, event
from tokenweir.pipeline.events import (
    Comment,
    Delta,
    Done,
    Event,
    Extra,
    Finish,
    Phase,
    SSEEvent,
    Start,
    Usage,
)
from tokenweir.pipeline.protocols.openai_completions_decode import OpenAICompletionsDecode
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

CHAIN = decode_frames("openai-completions") | decode_protocol("openai-completions", provider="p")
START = Start("c", "p", "m", 7)


def read(wire: bytes) -> list[Event]:
    """The events of one body."""
    return run_bytes(CHAIN, wire)


def named(name: str) -> list[Event]:
    """The events of the body of that name."""
    return read(next(body.wire for body in BODIES if body.name == name))


def extras(events: list[Event]) -> list[tuple[str, Any, int | None]]:
    """(kind, value, index) of each field that nobody models."""
    return [(e.kind, json.loads(bytes(e.data)), e.index) for e in events if isinstance(e, Extra)]


def test_a_completion() -> None:
    """P1: text, the finish, the figures behind it, the marker."""
    assert named("text") == [
        START,
        Delta("Hel"),
        Delta("lo"),
        Finish("stop", "stop"),
        Usage(5, 7, 12),
        Done(),
    ]


def test_text_beside_an_empty_delta_is_told_once() -> None:
    """P1: it is the text, and nothing that nobody models."""
    entry: dict[str, Any] = {"index": 0, "text": "Hi", "delta": {}}
    events = read(event({"id": "c", "choices": [entry]}))

    assert Delta("Hi") in events
    assert extras(events) == []


def test_the_finish_may_bring_text() -> None:
    """vLLM at length: text and finish in one chunk."""
    assert read(chunk("Once") + LENGTH) == [
        START,
        Delta("Once"),
        Delta(" end"),
        Finish("length", "length"),
        Done(),
    ]


def test_two_at_once() -> None:
    """PROTOCOLS 2: each choice has its own finish, and the answer is whole when both have."""
    found = named("two")

    assert [event for event in found if isinstance(event, Finish)] == [
        Finish("stop", "stop", 0),
        Finish("stop", "stop", 1),
    ]
    assert "".join(e.text for e in found if isinstance(e, Delta) and e.index == 1) == "xy"
    assert not [e for e in read(chunk("a") + chunk("x", None, 1) + STOP) if isinstance(e, Done)]


def test_fields_of_a_choice() -> None:
    """DESIGN 3: log probabilities, vLLM's stop_reason and token ids are kept, in their choice."""
    found = read(chunk("a", logprobs={"tokens": ["a"]}, token_ids=[5]) + chunk("b", "stop", stop_reason=9))

    assert extras(found) == [("logprobs", {"tokens": ["a"]}, 0), ("token_ids", [5], 0), ("stop_reason", 9, 0)]


def test_without_a_stream() -> None:
    """One object, the same events."""
    assert named("one object") == [START, Delta("Hé 🙂"), Finish("stop", "stop"), Usage(5, 7, 12), Done()]


def test_an_error_in_the_middle() -> None:
    """V15, PROTOCOLS 5.3: terminal, though a [DONE] follows; and `[DONE]` without a finish is a cut."""
    *before, done = read(chunk("Hel") + event({"error": ERROR}) + DONE)
    cut = read(chunk("Hel") + DONE)[-1]

    assert before == [START, Delta("Hel")]
    assert isinstance(done, Done)
    assert done.failure is not None
    assert (done.failure.kind, done.failure.message) == ("model_crashed", ERROR["message"])
    assert isinstance(cut, Done)
    assert cut.failure is not None
    assert cut.failure.kind == "truncated"


def test_a_chat_where_a_completion_was_asked() -> None:
    """A server that answers with a chat's chunks is read as one."""
    delta = {"index": 0, "delta": {"content": "Hi", "reasoning_content": "Hm"}, "finish_reason": "stop"}

    assert read(event({**HEAD, "choices": [delta]}))[1:3] == [Delta("Hm", "reasoning"), Delta("Hi")]


def test_figures_in_any_place() -> None:
    """Usage on every chunk (vLLM's continuous_usage_stats) is merged; a text that is no text says nothing."""
    whole = {**HEAD, "choices": [{"index": 0, "text": None, "finish_reason": None}], "usage": USAGE}

    assert read(event(whole) + event(whole) + STOP) == [
        START,
        Usage(5, 7, 12),
        Finish("stop", "stop"),
        Done(),
    ]


def test_waiting_and_backends_without_a_finish() -> None:
    """mlx's keep-alives tell the prefill; `finish_required=False` takes the marker alone."""
    core = OpenAICompletionsDecode(finish_required=False)
    found = core.feed(
        [Comment("keepalive 1/4"), SSEEvent(b'{"choices":[{"text":"a"}]}'), SSEEvent(b"[DONE]")]
    )

    assert found == [Phase("prefill", 0.25, "keepalive 1/4"), Start(), Delta("a"), Done()]


def test_the_text_of_a_choice_counts_beside_an_empty_delta() -> None:
    """A gateway may add the fields of a chat; the text is where a completion has it."""
    both = {**HEAD, "choices": [{"index": 0, "text": "Hi", "delta": {"content": ""}, "finish_reason": None}]}

    assert [one for one in read(event(both) + STOP) if isinstance(one, Delta)] == [Delta("Hi")]


def test_a_whole_answer_in_a_chats_form_counts_once() -> None:
    """P1: what a second object repeats is not new text."""
    whole = {**HEAD, "object": "chat.completion", "choices": [{"index": 0, "message": {"content": "Hi"}}]}

    assert [one for one in read(event(whole) * 2 + STOP) if isinstance(one, Delta)] == [Delta("Hi")]


def test_nothing_after_the_last_word() -> None:
    """P1: chunks behind the end are not told, in whatever form and however many came before."""
    late = SSEEvent(b'{"choices":[{"index":0,"delta":{"content":"late"}}]}')
    core = OpenAICompletionsDecode(finish_required=False)
    core.feed([SSEEvent(b'{"choices":[{"text":"a"}]}'), late, SSEEvent(b"[DONE]")])

    assert core.feed([late, SSEEvent(b'{"choices":[{"text":"b"}]}')]) == []
    assert core.finish() == []
