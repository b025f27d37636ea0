"""A whole answer, as strict clients' types take it."""

import json
import tracemalloc
from typing import Any

import msgspec
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from openai.types.chat import ChatCompletion

from tests.feeding import CUTS, pieces, run_bytes
from tests.servers import reply, serve
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    Event,
    Extra,
    Finish,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.openai_chat_whole import OpenAIChatWhole
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

pytestmark = pytest.mark.anyio

START, STOP = Start("a", "p", "m", 7), Finish("stop", "eos")


def whole(*events: Event, **options: Any) -> dict[str, Any]:
    """The answer that the events are, checked by the client's own types."""
    made = OpenAIChatWhole(**options)
    made.feed(events)
    body: dict[str, Any] = json.loads(msgspec.json.encode(made.body()))
    ChatCompletion.model_validate(body, strict=True)
    return body


def message(*events: Event, **options: Any) -> dict[str, Any]:
    """The message of an answer with one choice."""
    (choice,) = whole(*events, **options)["choices"]
    found: dict[str, Any] = choice["message"]
    return found


def test_a_plain_answer() -> None:
    """PROTOCOLS 10.1: every field that strict clients ask for."""
    assert whole(START, Phase("loading", 0.5), Delta("H"), Delta("i"), STOP, Usage(1, 2), Done()) == {
        "id": "a",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }


def test_the_head() -> None:
    """PROTOCOLS 10.1: what the caller gives stands; else the backend's; else something, never null; no
    figures are made up."""
    own, bare = whole(START, id="own", model="mine", created=9), whole(Delta("x"))

    assert own.items() >= {"id": "own", "model": "mine", "created": 9}.items()
    assert bare["id"]
    assert bare["model"]
    assert bare["created"] == 0
    assert "usage" not in bare


def test_several_choices() -> None:
    """V13: in the order of their numbers, each with its own end; one that never said so has stopped."""
    made = whole(
        Delta("b", index=2), Delta("a"), Finish("length", None, 2), Finish("other", "x"), Delta("A", index=1)
    )

    told = [(one["index"], one["message"]["content"], one["finish_reason"]) for one in made["choices"]]
    assert told == [(0, "a", "stop"), (1, "A", "stop"), (2, "b", "length")]


def test_an_answer_without_a_choice() -> None:
    """PROTOCOLS 10.3: it is an answer that has finished, and it says nothing."""
    assert message(START, Done()) == {"role": "assistant", "content": "", "refusal": None}


def test_revisions_are_applied() -> None:
    """P4: this receiver can take them: it has shown nothing yet."""
    events = (
        Delta("Hello wrld"),
        Revise(7, "orld"),
        ToolDelta(0, "c", "f", "{]"),
        Revise(1, "}", "tool", 0, 0),
    )
    made = message(*events)

    assert made["content"] == "Hello world"
    assert made["tool_calls"][0]["function"]["arguments"] == "{}"


def test_calls() -> None:
    """PROTOCOLS 10.1: with type, id and name, made up where there were none, arguments as text; a message
    that is only calls has no content."""
    made = message(
        ToolDelta(0, "a", "f", '{"x":'),
        ToolDelta(1, arguments="[]"),
        ToolDelta(0, arguments="1}"),
        Finish("tool_calls"),
    )

    assert made["content"] is None
    assert made["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "call_1", "type": "function", "function": {"name": "", "arguments": "[]"}},
    ]


def test_reasoning_and_refusal() -> None:
    """PROTOCOLS 2.3: under one name or both; a refusal stands in its own field."""
    thought = Delta("Hm", "reasoning"), Delta("Hi")

    assert message(*thought)["reasoning_content"] == "Hm"
    assert message(*thought, reasoning_field="both").items() >= {"reasoning": "Hm", "content": "Hi"}.items()
    assert "reasoning_content" not in message(*thought, reasoning_field="reasoning")
    assert message(Delta("No.", "refusal")).items() >= {"content": None, "refusal": "No."}.items()


def test_log_probabilities() -> None:
    """P1: all of a choice, in order; none where text was taken back, since they would not be its own."""
    told = [
        Extra("logprobs", Raw(b'{"content":[{"token":"%d","logprob":-0.5,"top_logprobs":[]}]}' % at), 0)
        for at in range(2)
    ]
    events: list[Event] = [Delta("01"), *told, Extra("logprobs", Raw(b"[]"), 0), Extra("x", Raw(b"1"), 0)]
    (choice,), (revised,) = whole(*events)["choices"], whole(*events, Revise(0, ""))["choices"]

    assert [token["token"] for token in choice["logprobs"]["content"]] == ["0", "1"]
    assert revised["logprobs"] is None


def test_snapshots_are_refused() -> None:
    """P4: they are not new text; the error names the stage that helps."""
    with pytest.raises(StageError, match="delta_extract"):
        whole(Snapshot("a"))


def call_of(call: int, text: str) -> ToolDelta:
    """A fragment of one of several calls."""
    return ToolDelta(call, f"c{call}", "f", text)


CHAIN = decode_frames("openai-chat") | decode_protocol("openai-chat")
PIECES = st.builds(
    Delta, st.text(max_size=6), st.sampled_from(["text", "reasoning", "refusal"]), st.integers(0, 2)
)
CALLS = st.builds(call_of, st.integers(0, 1), st.text(max_size=6))


@given(st.lists(PIECES | CALLS, max_size=10), CUTS)
def test_there_and_back(events: list[Event], cuts: list[int]) -> None:
    """P1, P3: read again, it says the same, in whatever batches it came."""
    made, said = OpenAIChatWhole("i", "m", 7), Assembly()
    for batch in pieces(events, cuts):
        made.feed(batch)
    said.feed(events)
    again = Assembly()
    again.feed(run_bytes(CHAIN, msgspec.json.encode(made.body()) + b"\n"))

    assert again.failure is None
    for index in said.choices:
        for channel in ("text", "reasoning", "refusal"):
            assert again.text(index, channel) == said.text(index, channel)
        arguments = [call["arguments"] for call in said.tool_calls(index)]
        assert [call["arguments"] for call in again.tool_calls(index)] == arguments


def test_kept_as_characters() -> None:
    """P8: a hundred thousand small deltas are held as their characters, and not each as an object."""
    made = OpenAIChatWhole()
    tracemalloc.start()
    try:
        for number in range(100_000):
            made.feed([Delta(f"{number % 100:02}")])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 3 * 200_000
    assert len(made.body()["choices"][0]["message"]["content"]) == 200_000


@pytest.fixture
def anyio_backend() -> str:
    """The scripted server runs on asyncio alone."""
    return "asyncio"


async def test_the_real_client_reads_it() -> None:
    """PROTOCOLS 10.1: openai-python, over a socket."""
    body = msgspec.json.encode(
        whole(START, Delta("Hi"), ToolDelta(0, "c", "f", "{}"), Finish("tool_calls"), Usage(1, 2))
    )
    async with (
        serve(reply("200 OK", body)) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key="none") as client,
    ):
        said = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    (choice,) = said.choices
    (call,) = choice.message.tool_calls or []

    assert (choice.message.content, choice.finish_reason) == ("Hi", "tool_calls")
    assert call.type == "function"
    assert (call.id, call.function.name, call.function.arguments) == ("c", "f", "{}")
    assert said.usage is not None
    assert said.usage.total_tokens == 3
