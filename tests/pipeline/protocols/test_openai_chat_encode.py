"""openai-chat answers are written so that strict clients read what was meant."""

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from openai.lib.streaming.chat import ChatCompletionStreamState, ParsedChatCompletionSnapshot
from openai.types.chat import ChatCompletionChunk

from tests.feeding import CUTS, run_bytes
from tests.servers import answer, serve
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
    Gap,
    Outcome,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.openai_bodies import error_body
from tokenweir.pipeline.protocols.openai_chat_encode import DONE, OpenAIChatEncode, ReasoningField
from tokenweir.pipeline.protocols.openai_waiting import comment
from tokenweir.stages import decode_protocol, sse_decode

pytestmark = pytest.mark.anyio

HOSTILE = 'data: [DONE]\n\nevent: error\r\n\r\n: x\n{"error":"no"}\u2028\u2029\x85\x0b\x0c\x00\x1b[2J\r"\\'
"""What would end or forge a frame, if a single raw line end of it got through."""


def frames(*events: Event, include_usage: bool = True) -> list[bytes]:
    """What is written for some events."""
    encode = OpenAIChatEncode(include_usage=include_usage)
    return [*encode.feed(events), *encode.finish()]


def chunks(*events: Event, include_usage: bool = True) -> list[dict[str, Any]]:
    """The JSON of the frames that hold any."""
    found = [frame[6:-2] for frame in frames(*events, include_usage=include_usage)]
    return [json.loads(data) for data in found if data.startswith(b"{")]


def read(body: bytes, cuts: Sequence[int] = ()) -> Assembly:
    """What this project's own strict reader makes of a body."""
    made = Assembly()
    made.feed(run_bytes(sse_decode(strict=True) | decode_protocol("openai-chat"), body, cuts))
    return made


def meaning(said: Assembly) -> Any:
    """What an answer says, choice by choice."""
    return [
        (
            index,
            [said.text(index, channel) for channel in ("text", "reasoning", "refusal")],
            said.tool_calls(index),
            said.finish[index].reason if index in said.finish else None,
        )
        for index in said.choices
    ], (said.usage, said.failure and said.failure.kind)


# --- there and back -------------------------------------------------------------------------------

TEXTS = st.text(min_size=1, max_size=6) | st.sampled_from([HOSTILE, "😀", "\u2028"])
PIECES = st.builds(Delta, TEXTS, st.sampled_from(["text", "reasoning", "refusal"]), st.integers(0, 2))
FINISHES: list[FinishReason] = ["stop", "length", "tool_calls", "content_filter"]
FAILURES = st.builds(
    Failure, st.sampled_from(["upstream", "truncated", "limit", "timeout", "context_length"]), TEXTS
)
USAGES = st.builds(
    Usage, *[st.integers(0, 9)] * 3, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)
)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """The events of a whole answer, as a decoder gives them."""
    body: list[Event] = [*draw(st.lists(PIECES, max_size=8))]
    for call in range(draw(st.integers(0, 2))):
        body.append(ToolDelta(call, f"c{call}", f"f{call}", draw(st.text(max_size=3))))
        body += [
            ToolDelta(draw(st.integers(0, call)), arguments=text)
            for text in draw(st.lists(TEXTS, max_size=3))
        ]
    body += draw(
        st.lists(st.sampled_from([Phase("prefill", 0.5), Extra("x", Raw(b"1")), Gap(1)]), max_size=2)
    )
    indexes = {event.index for event in body if isinstance(event, (Delta, ToolDelta))} or {0}
    body += [Finish(draw(st.sampled_from(FINISHES)), None, index) for index in sorted(indexes)]
    return [Start("id", "p", "m", 5), *body, draw(USAGES), Done(draw(st.none() | FAILURES))]


@given(answers(), CUTS)
def test_there_and_back(events: list[Event], cuts: list[int]) -> None:
    """P3, V23: what is written says the same when it is read, wherever the bytes are cut: text,
    reasoning, refusal, calls, finish, usage, and the kind of the failure."""
    said, wanted = read(b"".join(frames(*events)), cuts), Assembly()
    wanted.feed(events)

    assert meaning(said) == meaning(wanted)
    assert said.start == Start("id", None, "m", 5) or not said.choices


@given(answers(), st.lists(st.integers(0, 30), max_size=4))
def test_frames_are_what_strict_clients_need(events: list[Event], cuts: list[int]) -> None:
    """PROTOCOLS 10.1, V23: every frame is one line of JSON that the client's own strict types take, with
    the same head; the role comes once and first, the finish once and last, the marker at the very end;
    batches change nothing."""
    made = frames(*events)
    encode = OpenAIChatEncode(include_usage=True)
    edges = [0, *sorted(cuts), len(events)]
    batched = [frame for a, b in pairwise(edges) for frame in encode.feed(events[a:b])]
    assert batched == made
    assert made[-1] == DONE
    assert made.count(DONE) == 1
    seen: dict[int, list[Any]] = {}
    for frame in made[:-1]:
        assert re.fullmatch(rb"data: [^\r\n]+\n\n|: [^\r\n]+\n\n", frame)
        assert len(frame.decode().splitlines()) == 2
        if frame.startswith(b'data: {"id"'):
            chunk = ChatCompletionChunk.model_validate_json(frame[6:], strict=True)
            assert (chunk.id, chunk.object, chunk.created, chunk.model) == (
                "id",
                "chat.completion.chunk",
                5,
                "m",
            )
            for choice in chunk.choices:
                seen.setdefault(choice.index, []).append(choice)
    for choices in seen.values():
        assert [c.delta.role for c in choices] == ["assistant"] + [None] * (len(choices) - 1)
        assert [bool(c.finish_reason) for c in choices] == [False] * (len(choices) - 1) + [True]


STRANGE = PIECES | st.sampled_from(
    [
        Start("late", "p", "other", 9),
        Delta("", "reasoning"),
        Delta("\ud83d"),
        Delta("\0"),
        ToolDelta(0, "c", "f", "{}"),
        Phase("loading", 0.5),
        Extra("logprobs", Raw(b'{"content":[{"token":"\xe2\x80\xa8","logprob":-1,"top_logprobs":[]}]}'), 0),
        Finish("stop"),
        Usage(1, 2),
        Done(),
        End("complete"),
    ]
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just("own"),
        "model": st.sampled_from(["m\0", "\u2028"]),
        "include_usage": st.booleans(),
        "reasoning_field": st.sampled_from(["reasoning_content", "reasoning", "both"]),
        "phases": st.sampled_from(["comments", "events", "reasoning", "none"]),
    },
)


def outcome(events: Sequence[Event], options: dict[str, Any]) -> list[bytes] | str:
    """What is written, or that it cannot be."""
    try:
        return OpenAIChatEncode(**options).feed(events)
    except UnicodeEncodeError:
        return "half a pair"


@given(st.lists(STRANGE, max_size=12), OPTIONS)
def test_the_fast_way_is_the_slow_one(events: list[Event], options: dict[str, Any]) -> None:
    """P1, V09: frames made beforehand are to the byte those that are made one by one, whatever comes
    between them. A snapshot goes the slow way and says the same."""
    slow = [
        Snapshot(event.text, event.channel, event.index) if isinstance(event, Delta) else event
        for event in events
    ]

    assert outcome(events, options) == outcome(slow, options)


# --- frame by frame -------------------------------------------------------------------------------


def test_a_plain_answer() -> None:
    """PROTOCOLS 10.1: the frames of a small answer, to the byte."""
    head = b'data: {"id":"a","object":"chat.completion.chunk","created":7,"model":"m","choices":['
    entry = b'{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}'

    assert frames(Start("a", "p", "m", 7), Delta("Hi"), Finish("stop", "eos"), Usage(1, 2), Done()) == [
        head + entry % (b'{"role":"assistant","content":""}', b"null") + b"]}\n\n",
        head + entry % (b'{"content":"Hi"}', b"null") + b"]}\n\n",
        head + entry % (b"{}", b'"stop"') + b"]}\n\n",
        head + b'],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n',
        b"data: [DONE]\n\n",
    ]


def test_the_head() -> None:
    """PROTOCOLS 10.1: what the caller gives stands; else the backend's; else something, never null."""
    made = OpenAIChatEncode("own", None, 9).feed([Start("a", "p", "m", 7), Delta("x")])
    bare = chunks(Delta("x"))

    assert all(
        json.loads(frame[6:]).items() >= {"id": "own", "model": "m", "created": 9}.items() for frame in made
    )
    assert all(chunk["id"] and chunk["model"] and chunk["created"] == 0 for chunk in bare)


def test_usage_only_when_asked() -> None:
    """PROTOCOLS 10.1: unasked, no chunk has usage, and none is made up; the last figures count."""
    events: list[Event] = [Delta("x"), Usage(1, 1), Usage(1, 2, None, 3, 4), Finish("stop"), Done()]

    assert all("usage" not in chunk for chunk in chunks(*events, include_usage=False))
    assert all("usage" not in chunk for chunk in chunks(Delta("x"), Finish("stop"), Done()))
    assert [chunk["usage"] for chunk in chunks(*events) if "usage" in chunk] == [
        {
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "total_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 3},
        }
    ]


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter", "pause", "other"])
def test_finish_reasons(reason: FinishReason) -> None:
    """PROTOCOLS 10.1: only reasons that strict types know."""
    (told,) = [
        c["choices"][0]["finish_reason"]
        for c in chunks(Finish(reason, "x"))
        if c["choices"][0]["finish_reason"]
    ]

    assert told == (reason if reason in FINISHES else "stop")


def test_finish_once() -> None:
    """PROTOCOLS 10.1: a choice finishes once; where the backend never said so, at the clean end."""
    twice = chunks(Delta("x"), Finish("length"), Finish("stop"), Done())
    never = chunks(Delta("x"), Delta("y", index=2), Done())
    broken = chunks(Delta("x"), Done(Failure("upstream", "boom")))

    def finishes(made: list[dict[str, Any]]) -> list[tuple[int, str]]:
        entries = [entry for chunk in made for entry in chunk.get("choices", [])]
        return [(entry["index"], entry["finish_reason"]) for entry in entries if entry["finish_reason"]]

    assert finishes(twice) == [(0, "length")]
    assert finishes(never) == [(0, "stop"), (2, "stop")]
    assert finishes(broken) == []


def test_a_finish_that_says_error() -> None:
    """PROTOCOLS 10.1: strict types have no such reason: an error frame says it, with a failure or without."""
    told = Failure("rate_limited", "busy")
    alone, with_failure = (frames(Delta("x"), Finish("other", "error"), Done(end)) for end in (None, told))

    assert [json.loads(made[-2][6:])["error"]["type"] for made in (alone, with_failure)] == [
        "upstream",
        "rate_limited",
    ]
    assert not any(b'"finish_reason":"' in frame for frame in alone + with_failure)


def test_calls() -> None:
    """PROTOCOLS 10.1, 10.3: id, type and name in the first fragment and never again, since clients
    append what comes twice; a call that has none gets them; `function` is never missing."""
    made = chunks(
        ToolDelta(0, "a", "f", ""),
        ToolDelta(0, None, None, "{}"),
        ToolDelta(0, "late", "late", ""),
        ToolDelta(1, None, None, "[]"),
        Snapshot("[] ", "tool", 0, 1),
        ToolDelta(0, "z", None, "x", index=1),
    )

    assert [call for chunk in made for call in chunk["choices"][0]["delta"].get("tool_calls", [])] == [
        {"index": 0, "function": {"name": "f", "arguments": ""}, "id": "a", "type": "function"},
        {"index": 0, "function": {"arguments": "{}"}},
        {"index": 1, "function": {"name": "", "arguments": "[]"}, "id": "call_1", "type": "function"},
        {"index": 1, "function": {"arguments": "[] "}},
        {"index": 0, "function": {"name": "", "arguments": "x"}, "id": "z", "type": "function"},
    ]


def test_phases_are_comments() -> None:
    """PROTOCOLS 10.1: no client sees them, and nothing of a backend's text gets into them."""
    phases = [Phase("loading", 0.42, "data: x\n\n"), Phase("queued")]

    assert frames(*phases) == [comment(phase) for phase in phases] == [b": loading 0.42\n\n", b": queued\n\n"]


def optional(events: list[Event], **options: Any) -> list[bytes]:
    """What is written with some options."""
    return OpenAIChatEncode("i", "m", 1, **options).feed(events)


def deltas(made: list[bytes]) -> list[dict[str, Any]]:
    """The deltas of all choices."""
    found = [json.loads(frame[6:]) for frame in made if frame.startswith(b"data: {")]
    return [entry["delta"] for chunk in found for entry in chunk["choices"]]


def test_phases_as_events() -> None:
    """P16: named, with all that is known; only who asked for them gets them."""
    (made,) = optional([Phase("loading", 0.42, "data: x\n\n", 3.5)], phases="events")
    name, data, *rest = made.split(b"\n")

    assert (name, rest) == (b"event: phase", [b"", b""])
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "phase",
        "name": "loading",
        "progress": 0.42,
        "detail": "data: x\n\n",
        "elapsed": 3.5,
    }


def test_phases_as_reasoning() -> None:
    """P16: a line for each whole second or percent, once; none when the answer has begun."""
    before = [Phase("loading", elapsed=second) for second in (1.0, 1.9, 2.0)] + [Phase("loading", 0.5)] * 2
    made = optional(
        [*before, Delta("Hm", "reasoning"), Phase("prefill", 0.5), Delta("Hi"), Phase("prefill", 0.9)],
        phases="reasoning",
        reasoning_field="reasoning",
    )

    assert deltas(made) == [
        {"role": "assistant", "content": ""},
        {"reasoning": "loading the model (1 s)\n"},
        {"reasoning": "loading the model (2 s)\n"},
        {"reasoning": "loading the model (50 %)\n"},
        {"reasoning": "Hm"},
        {"content": "Hi"},
    ]


def test_no_phases() -> None:
    """Who wants none gets none."""
    assert optional([Phase("loading", 0.5), Phase("prefill")], phases="none") == []


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("reasoning_content", ["reasoning_content"]),
        ("reasoning", ["reasoning"]),
        ("both", ["reasoning_content", "reasoning"]),
    ],
)
def test_where_reasoning_goes(field: ReasoningField, names: list[str]) -> None:
    """PROTOCOLS 2.3: under one name or two; what is read of both is the text once."""
    made = optional([Delta("a", "reasoning"), Delta("b\u2028", "reasoning"), Done()], reasoning_field=field)

    assert deltas(made)[1:3] == [dict.fromkeys(names, "a"), dict.fromkeys(names, "b\u2028")]
    assert read(b"".join(made)).text(channel="reasoning") == "ab\u2028"


def test_log_probabilities_go_back() -> None:
    """P1: in a frame behind their text; what is not in this wire's form, or of no choice, does not."""
    told = Raw(b'{"content": [{"token":"a",\n"logprob":-0.5,"bytes":[97],"top_logprobs":[],"id":7}]}')
    made = chunks(
        Delta("a"),
        Extra("logprobs", told, 0),
        Extra("logprobs", Raw(b'{"tokens":["a"]}'), 0),
        Extra("logprobs", told),
        Extra("citations", Raw(b"[1]"), 0),
    )

    assert made[-1]["choices"] == [
        {
            "index": 0,
            "delta": {},
            "logprobs": {**json.loads(bytes(told)), "refusal": None},
            "finish_reason": None,
        }
    ]
    assert len(made) == 3


def test_snapshots_are_written_as_they_are() -> None:
    """The simulator's cumulative backend: each chunk says everything so far."""
    made = chunks(Snapshot("a"), Snapshot("ab"), Snapshot("r", "reasoning"))

    assert [chunk["choices"][0]["delta"] for chunk in made][1:] == [
        {"content": "a"},
        {"content": "ab"},
        {"reasoning_content": "r"},
    ]


def test_revisions_are_refused() -> None:
    """DESIGN 4: this wire cannot take text back; the error names the stage that helps."""
    with pytest.raises(StageError, match=r"append_only\(\)"):
        frames(Delta("ab"), Revise(1, "c"))


def test_nothing_after_the_end() -> None:
    """P1: the first end counts, be it `Done` or the pipeline's `End`; nothing is written after it."""
    for end in (Done(), End("complete")):
        assert frames(Delta("x"), end, Delta("y"), Done(), End("error", Failure("sink", "z")))[-1] == DONE
        assert len(frames(Delta("x"), end, Delta("y"))) == len(frames(Delta("x"), end))


def test_an_answer_without_a_choice() -> None:
    """PROTOCOLS 10.3: a clean end with nothing before it is still an answer that has finished."""
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks(Start("a"), Done())] == [None, "stop"]
    assert chunks(Start("a"), Done(Failure("upstream", "no")))[0]["error"]


def test_figures_come_before_an_error() -> None:
    """P1: the usage of a broken answer is told, and the error is the last word."""
    *_, figures, error, marker = frames(Delta("x"), Usage(1, 2), Done(Failure("upstream", "boom")))

    assert json.loads(figures[6:])["usage"]["total_tokens"] == 3
    assert json.loads(error[6:])["error"]["message"] == "boom"
    assert marker == DONE


@pytest.mark.parametrize("outcome", ["truncated", "error", "timeout", "cancelled"])
def test_an_end_that_is_not_complete(outcome: Outcome) -> None:
    """P2: without a failure to tell, it is an error all the same, and no choice finishes."""
    *_, last, error, marker = frames(Delta("x"), End(outcome))

    assert json.loads(last[6:])["choices"][0]["finish_reason"] is None
    assert outcome in json.loads(error[6:])["error"]["message"]
    assert marker == DONE


@pytest.mark.parametrize(
    "end", [Done(Failure("upstream", "boom", code="E1")), End("timeout", Failure("timeout", ""))]
)
def test_errors(end: Done | End) -> None:
    """PROTOCOLS 10.1, V15: an error frame, then the marker; the message is never empty."""
    *_, error, marker = frames(Delta("x"), end)
    body = json.loads(error[6:])["error"]

    assert marker == DONE
    assert body == error_body(end.failure or Failure("upstream", ""))["error"]
    assert body["message"]
    assert body["param"] is None


# --- the real client ------------------------------------------------------------------------------


@pytest.fixture
def anyio_backend() -> str:
    """The scripted server runs on asyncio alone."""
    return "asyncio"


async def asked(body: list[bytes]) -> tuple[ParsedChatCompletionSnapshot, openai.APIError | None]:
    """What openai-python read over a socket and put together by its own rules, and how it ended."""
    state = ChatCompletionStreamState()
    failed = None
    async with (
        serve(answer(*body)) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key="none") as client,
    ):
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        try:
            async for chunk in stream:
                state.handle_chunk(chunk)
        except openai.APIError as error:
            failed = error
    return state.current_completion_snapshot, failed


async def test_the_real_client_reads_it() -> None:
    """V23, PROTOCOLS 10.2: openai-python puts the same text, calls, usage and finish together."""
    events: list[Event] = [
        Start("a", "p", "m", 7),
        Phase("loading", 0.5),
        Delta("Hm", "reasoning"),
        Delta("Hi "),
        Delta(HOSTILE),
        Delta("other", index=1),
        ToolDelta(0, "c0", "f", '{"a":'),
        ToolDelta(1, None, "g", ""),
        ToolDelta(0, None, None, "1}"),
        ToolDelta(1, "late", None, "{}"),
        Usage(3, 4, 7, 2, 1),
        Finish("tool_calls", "tool_calls"),
        Finish("length", "length", 1),
        Done(),
    ]
    said, failed = await asked(frames(*events))

    first, second = sorted(said.choices, key=lambda choice: choice.index)
    calls = first.message.tool_calls or []
    assert failed is None
    assert first.message.content == "Hi " + HOSTILE
    assert (first.finish_reason, second.finish_reason) == ("tool_calls", "length")
    assert second.message.content == "other"
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("c0", "f", '{"a":1}'),
        ("call_1", "g", "{}"),
    ]
    assert said.usage is not None
    assert (said.usage.prompt_tokens, said.usage.completion_tokens, said.usage.total_tokens) == (3, 4, 7)


async def test_the_real_client_reads_log_probabilities() -> None:
    """PROTOCOLS 2.1: each token once, in order, also those that came with the finish."""
    told = [Raw(b'{"content":[{"token":"%d","logprob":-0.5,"top_logprobs":[]}]}' % at) for at in range(3)]
    one, two, three = (Extra("logprobs", data, 0) for data in told)
    said, failed = await asked(
        frames(Delta("0"), one, Delta("1"), two, Delta("2"), Finish("length"), three, Usage(1, 2), Done())
    )
    (choice,) = said.choices

    assert failed is None
    assert (choice.message.content, choice.finish_reason) == ("012", "length")
    assert choice.logprobs is not None
    assert [token.token for token in choice.logprobs.content or []] == ["0", "1", "2"]


async def test_the_real_client_sees_the_error() -> None:
    """V15, PROTOCOLS 10.2: after the text, openai-python raises the error's own message."""
    said, failed = await asked(frames(Delta("So far"), Done(Failure("truncated", "the backend stopped"))))

    assert said.choices[0].message.content == "So far"
    assert failed is not None
    assert failed.message == "the backend stopped"
