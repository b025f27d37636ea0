"""Completions are written so that strict clients read what was meant."""

import json
import re
from typing import Any

import openai
import pytest
from msgspec import Raw
from openai.types import Completion

from tests.feeding import run_bytes
from tests.servers import answer, serve
from tests.wire.body import Body
from tests.wire.openai_completions import BODIES
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Delta,
    Done,
    Event,
    Extra,
    Failure,
    Finish,
    Phase,
    Revise,
    Snapshot,
    Start,
    ToolDelta,
    Usage,
)
from tokenweir.pipeline.protocols.openai_completions_encode import OpenAICompletionsEncode
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

pytestmark = pytest.mark.anyio

CHAIN = decode_frames("openai-completions") | decode_protocol("openai-completions")
START = Start("a", "p", "m", 7)
TOLD = {"tokens": ["Hi"], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [0]}


def frames(*events: Event, **options: Any) -> list[bytes]:
    """What is written for some events."""
    encode = OpenAICompletionsEncode(include_usage=True, **options)
    return [*encode.feed(events), *encode.finish()]


def choices(*events: Event) -> list[dict[str, Any]]:
    """The choices of the frames, each checked by the client's own types."""
    found = [frame[6:-2] for frame in frames(START, *events) if frame.startswith(b'data: {"id"')]
    for data in found:
        fields = json.loads(data)
        for entry in fields["choices"]:
            entry["finish_reason"] = entry["finish_reason"] or "stop"  # the type has no null, the API has
        Completion.model_validate(fields, strict=True)
    return [entry for data in found for entry in json.loads(data)["choices"]]


def test_a_plain_answer() -> None:
    """PROTOCOLS 10.1: the frames of a small answer, to the byte."""
    head = b'data: {"id":"a","object":"text_completion","created":7,"model":"m","choices":['
    entry = b'{"index":0,"text":"%b","logprobs":null,"finish_reason":%b}]}\n\n'

    assert frames(START, Delta("On"), Delta("ce\u2028"), Finish("stop", "eos"), Usage(1, 2), Done()) == [
        head + entry % (b"On", b"null"),
        head + entry % (b"ce\\u2028", b"null"),
        head + entry % (b"", b'"stop"'),
        head + b'],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n',
        b"data: [DONE]\n\n",
    ]


def test_what_this_wire_has_no_place_for() -> None:
    """Reasoning is left out; a refusal is what the answer says; phases are comments, whoever asks for
    reasoning; calls are refused, and so is text taken back."""
    made = choices(
        Delta("Hm", "reasoning"), Delta("..", "reasoning"), Delta("No", "refusal"), Delta(".", "refusal")
    )

    assert [entry["text"] for entry in made] == ["No", "."]
    assert frames(Phase("loading", 0.5), phases="reasoning") == [b": loading 0.50\n\n"]
    assert frames(Phase("loading", 0.5), phases="none") == []
    for call in (ToolDelta(0, "c", "f", "{}"), Snapshot("{}", "tool", 0, 0)):
        with pytest.raises(StageError, match="offer the model no tools"):
            frames(call)
    with pytest.raises(StageError, match=r"openai-completions cannot.*append_only\(\)"):
        frames(Revise(0, ""))


def test_log_probabilities_go_back() -> None:
    """P1: in a frame behind their text, where they are in this wire's form."""
    chat = Raw(b'{"content":[{"token":"a","logprob":-1,"top_logprobs":[]}]}')
    made = choices(
        Delta("Hi"), Extra("logprobs", Raw(json.dumps(TOLD).encode()), 0), Extra("logprobs", chat, 0)
    )

    assert made[1:] == [{"index": 0, "text": "", "logprobs": TOLD, "finish_reason": None}]


def test_ends() -> None:
    """P1, P2: each choice finishes once, at the clean end at the latest; an error is no finish."""
    clean = choices(Delta("a"), Delta("b", index=1), Finish("length", None, 1), Done())
    *_, error, marker = frames(Delta("a"), Done(Failure("upstream", "boom")))

    assert [(entry["index"], entry["finish_reason"]) for entry in clean[2:]] == [(1, "length"), (0, "stop")]
    assert [entry["finish_reason"] for entry in choices(Done())] == ["stop"]
    assert json.loads(error[6:])["error"]["message"] == "boom"
    assert marker == b"data: [DONE]\n\n"


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_there_and_back(body: Body) -> None:
    """P1: decoded, encoded and decoded again, an answer says the same; every frame is one line."""
    events = run_bytes(CHAIN, body.wire)
    written, said, again = frames(*events), Assembly(), Assembly()
    said.feed(events)
    again.feed(run_bytes(CHAIN, b"".join(written)))

    assert all(re.fullmatch(rb"data: [^\r\n]+\n\n|: [^\r\n]+\n\n", frame) for frame in written)
    assert [again.text(index) for index in said.choices] == [said.text(index) for index in said.choices]
    assert (again.failure and again.failure.kind) == (said.failure and said.failure.kind)
    assert again.usage == (said.usage if Done() in events else None)


@pytest.fixture
def anyio_backend() -> str:
    """The scripted server runs on asyncio alone."""
    return "asyncio"


async def test_the_real_client_reads_it() -> None:
    """V23, PROTOCOLS 10.2: openai-python reads the stream over a socket: text, finish, figures, order."""
    told: dict[int, str] = {}
    finishes: dict[int, str] = {}
    usage = None
    body = frames(
        START,
        Phase("loading", 0.5),
        Delta("Once "),
        Delta("data: [DONE]\n\n\u2028"),
        Delta("other", index=1),
        Finish("length", "length"),
        Finish("stop", "stop", 1),
        Usage(3, 4, 7),
        Done(),
    )
    async with (
        serve(answer(*body)) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key="none") as client,
    ):
        async for chunk in await client.completions.create(model="m", prompt="Once", stream=True):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                told[choice.index] = told.get(choice.index, "") + choice.text
                if choice.finish_reason:
                    finishes[choice.index] = choice.finish_reason

    assert told == {0: "Once data: [DONE]\n\n\u2028", 1: "other"}
    assert finishes == {0: "length", 1: "stop"}
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 4, 7)
