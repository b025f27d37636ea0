"""The lines of `/api/chat` as they are written."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import run_bytes
from tokenweir.cli.meaning import meaning
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
from tokenweir.pipeline.protocols import ollama_encode
from tokenweir.pipeline.protocols.ollama_encode import OllamaChatEncode, OllamaGenerateEncode
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

STOP = Finish("stop", "stop")
HEAD = {"model": "m", "created_at": "1970-01-01T00:00:05Z"}


def lines(*events: Event) -> list[dict[str, Any]]:
    """What a fresh encoder makes of the events, read again."""
    core = OllamaChatEncode("m", 5)
    return [json.loads(line) for line in [*core.feed(events), *core.finish()]]


def said(**message: Any) -> dict[str, Any]:
    """A line with these fields of a message."""
    return {**HEAD, "message": {"role": "assistant", "content": "", **message}, "done": False}


def end(reason: str = "stop", **fields: Any) -> dict[str, Any]:
    """The last line."""
    return {**said(), "done": True, "done_reason": reason, **fields}


def raw(value: object) -> msgspec.Raw:
    """A value as raw JSON."""
    return msgspec.Raw(msgspec.json.encode(value))


def test_an_answer() -> None:
    """One line for each piece of text, and one at the end that has the figures."""
    found = lines(Delta("Hm", "reasoning"), Delta("Hi"), Delta("no", "refusal"), STOP, Usage(3, 0), Done())

    assert found == [said(thinking="Hm"), said(content="Hi"), said(content="no"), end(prompt_eval_count=3)]


def test_every_line_is_one_line() -> None:
    """V23: no text can forge a line."""
    made = OllamaChatEncode("m").feed([Delta('a\n{"done":true}\r\n\u2028'), STOP, Done()])

    assert [line.count(b"\n") for line in made] == [1, 1]
    assert all(line.endswith(b"\n") for line in made)


def test_start_names_the_model_where_nobody_else_does() -> None:
    """The encoder's own arguments win; without either there is still a string."""
    start = Start("i", "p", "given", 7)
    told, named = OllamaChatEncode().feed([start, Delta("a")]), OllamaChatEncode("m", 5).feed([start, Done()])

    assert json.loads(told[0]) | HEAD == said(content="a")
    assert json.loads(told[0])["model"] == "given"
    assert json.loads(told[0])["created_at"] == "1970-01-01T00:00:07Z"
    assert json.loads(named[0])["model"] == "m"
    assert json.loads(OllamaChatEncode().feed([Done()])[0])["model"] == "unknown"


def test_calls_wait_until_they_are_whole() -> None:
    """PROTOCOLS 4.1: fragments, also of two calls at once, become whole calls with objects."""
    fragments = [
        ToolDelta(0, "a", "f", '{"x":'),
        ToolDelta(1, None, "g"),
        ToolDelta(0, None, None, "1}"),
    ]
    calls: list[dict[str, Any]] = [
        {"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}},
        {"id": "call_1", "function": {"index": 1, "name": "g", "arguments": {}}},
    ]

    assert lines(*fragments) == []
    found = lines(*fragments, Finish("tool_calls", "tool_calls"), Done())
    assert found == [*(said(tool_calls=[call]) for call in calls), end()]


def test_a_call_that_the_length_cut_is_left_out() -> None:
    """And where the answer was broken off by a fault: half a call has no form here."""
    half = ToolDelta(0, "a", "f", '{"x":')

    assert lines(half, Finish("length"), Done()) == [end("length")]
    assert lines(Delta("a"), half, Done(Failure("upstream", "boom"))) == [
        said(content="a"),
        {"error": "boom"},
    ]


@pytest.mark.parametrize("events", [(Finish("tool_calls"), Done()), (Done(),)])
def test_broken_arguments_are_an_error(events: tuple[Event, ...]) -> None:
    """They cannot be said; the whole calls beside them are."""
    found = lines(ToolDelta(0, "a", "f", "[1]"), ToolDelta(1, "b", "g", "{}"), *events)

    assert [list(line) for line in found] == [[*HEAD, "message", "done"], ["error"]]
    assert found[1]["error"] == "the arguments of the call of f are no JSON object"


def test_endless_arguments_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """V14: what is held has a bound."""
    monkeypatch.setattr(ollama_encode, "ARGUMENTS_LIMIT", 10)
    (found,) = lines(*[ToolDelta(0, None, None, "1234")] * 4, STOP, Done())

    assert found["error"].startswith("tool arguments of more than 10 characters")


@pytest.mark.parametrize(
    ("finish", "native"),
    [
        (Finish("stop", "end_turn"), "stop"),
        (Finish("tool_calls", "tool_calls"), "stop"),
        (Finish("length", "max_tokens"), "length"),
        (Finish("other", "load"), "load"),
        (Finish("content_filter", "content_filter"), "stop"),
    ],
)
def test_reasons_are_ollama_s_own(finish: Finish, native: str) -> None:
    """Whatever another backend called it."""
    assert lines(finish, Done()) == [end(native)]


def test_an_end_is_the_last_line() -> None:
    """`Done` or `End`, once; what comes after it is not written, and a failure always has a word."""
    assert lines(Delta("a"), STOP, End("complete"), Delta("b"), Done()) == [said(content="a"), end()]
    assert lines(Delta("a"), STOP, Done(Failure("upstream", ""))) == [
        said(content="a"),
        {"error": "upstream"},
    ]


def test_snapshots_are_resends() -> None:
    """What a cumulative backend sends, also for the arguments of a call."""
    found = lines(
        Snapshot("a"),
        Snapshot("ab"),
        Snapshot("x", "reasoning"),
        ToolDelta(0, "i", "f"),
        Snapshot("{", "tool", 0, 0),
        Snapshot("{}", "tool", 0, 0),
        STOP,
        Done(),
    )

    assert [line["message"] | {"role": ""} for line in found] == [
        {"role": "", "content": "a"},
        {"role": "", "content": "ab"},
        {"role": "", "content": "", "thinking": "x"},
        {
            "role": "",
            "content": "",
            "tool_calls": [{"id": "i", "function": {"index": 0, "name": "f", "arguments": {}}}],
        },
        {"role": "", "content": ""},
    ]


def test_what_has_no_form_here() -> None:
    """Phases are silence, and other backends' extras are left out."""
    assert lines(
        Phase("loading"), Extra("citations", raw([1])), Extra("timings", raw([1])), STOP, Done()
    ) == [end()]


@pytest.mark.parametrize(
    ("event", "message"), [(Revise(0, "a"), "put append_only"), (Delta("a", index=1), "ask for n=1")]
)
def test_what_this_wire_cannot_do_is_our_bug(event: Event, message: str) -> None:
    """Told with what to do instead."""
    with pytest.raises(StageError, match=message):
        OllamaChatEncode().feed([event])


def test_generate_puts_it_into_the_line() -> None:
    """`response` and `thinking`, and the same end."""
    events: list[Event] = [Delta("Hm", "reasoning"), Delta("Hi"), STOP, Extra("context", raw([1])), Done()]
    found = [json.loads(line) for line in OllamaGenerateEncode("m", 5).feed(events)]

    assert found == [
        {**HEAD, "response": "", "thinking": "Hm", "done": False},
        {**HEAD, "response": "Hi", "done": False},
        {**HEAD, "response": "", "done": True, "done_reason": "stop", "context": [1]},
    ]


def logprobs(value: object) -> Event:
    """What a line may have beside its text."""
    return Extra("logprobs", raw([value]), 0)


def images(value: object) -> Event:
    """What a message may have beside its text."""
    return Extra("images", raw([value]), 0)


WORDS = st.text(min_size=1, max_size=5)
NAMES = st.text(st.characters(codec="ascii"), min_size=1, max_size=5)
VALUES: st.SearchStrategy[Any] = st.dictionaries(
    WORDS, st.integers(-9, 9) | WORDS | st.none() | st.lists(st.booleans()), max_size=3
)
CONTENT = st.one_of(
    st.builds(Delta, WORDS, st.sampled_from(["text", "reasoning"])),
    VALUES.map(logprobs),
    WORDS.map(images),
)
LAST: dict[str, FinishReason] = {"stop": "stop", "length": "length", "load": "other"}


@given(
    content=st.lists(CONTENT, max_size=6),
    calls=st.lists(st.tuples(NAMES, NAMES, VALUES), max_size=3),
    native=st.sampled_from(sorted(LAST)),
    counts=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    took=st.integers(0, 9),
)
def test_what_is_written_means_what_was_read(
    content: list[Event], calls: list[tuple[str, str, Any]], native: str, counts: tuple[int, int], took: int
) -> None:
    """P5: decode, encode, decode: the second reading says what the first one said, in both forms."""
    made = [ToolDelta(n, i, f, msgspec.json.encode(a).decode()) for n, (i, f, a) in enumerate(calls)]
    reason = "tool_calls" if calls and native == "stop" else LAST[native]
    usage = [Usage(counts[0] or None, counts[1] or None)] if any(counts) else []
    times = [Extra("timings", raw({"eval_duration": took}))] if took else []
    events: list[Event] = [Start(None, "ollama", "m", 5), *content, *made, Finish(reason, native)]
    events += [*usage, *times, Done()]

    for encode, name in ((OllamaChatEncode, "ollama-chat"), (OllamaGenerateEncode, "ollama-generate")):
        stage = decode_frames(name) | decode_protocol(name, provider="ollama")
        first = run_bytes(stage, b"".join(encode().feed(events)))
        second = run_bytes(stage, b"".join(encode().feed(first)))

        assert second == first
        assert meaning(without_raw(first)) == meaning(without_raw(events))
        assert extras(first) == extras(events)


def extras(events: list[Event]) -> list[Any]:
    """Every Extra, its JSON read."""
    return [(e.kind, e.index, msgspec.json.decode(e.data)) for e in events if isinstance(e, Extra)]


def without_raw(events: list[Event]) -> list[Event]:
    """The events that compare by value."""
    return [event for event in events if not isinstance(event, Extra)]
