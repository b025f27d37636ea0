"""A whole completion, as strict clients' types take it."""

import json
from typing import Any

import msgspec
import openai
import pytest
from msgspec import Raw
from openai.types import Completion

from tests.servers import reply, serve
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Finish, Revise, Start, ToolDelta, Usage
from tokenweir.pipeline.protocols.openai_completions_whole import OpenAICompletionsWhole

pytestmark = pytest.mark.anyio

TOLD = {"tokens": ["Hi"], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [0]}


def whole(*events: Event) -> dict[str, Any]:
    """The answer that the events are, checked by the client's own types."""
    made = OpenAICompletionsWhole("cmpl-1", None, 9)
    made.feed(events)
    body: dict[str, Any] = json.loads(msgspec.json.encode(made.body()))
    Completion.model_validate(body, strict=True)
    return body


def test_a_plain_answer() -> None:
    """PROTOCOLS 10.1: every field that strict clients ask for; reasoning has no place here."""
    events = (
        Start("a", "p", "m", 7),
        Delta("Hm", "reasoning"),
        Delta("Hi!"),
        Revise(2, "?"),
        Usage(1, 2),
        Done(),
    )

    assert whole(*events) == {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 9,
        "model": "m",
        "choices": [{"index": 0, "text": "Hi?", "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }


def test_several_choices() -> None:
    """V13: in the order of their numbers; a refusal is what the answer says."""
    made = whole(Delta("No", "refusal", 1), Delta("a"), Finish("length", None, 1))["choices"]

    assert [(one["index"], one["text"], one["finish_reason"]) for one in made] == [
        (0, "a", "stop"),
        (1, "No", "length"),
    ]


def test_log_probabilities() -> None:
    """P1: in this wire's form, gathered."""
    told = Extra("logprobs", Raw(json.dumps(TOLD).encode()), 0)
    (choice,) = whole(Delta("HiHi"), told, told)["choices"]

    assert choice["logprobs"] == {
        "tokens": ["Hi", "Hi"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": None,
        "text_offset": [0, 0],
    }


def test_calls_are_refused() -> None:
    """They have no form here."""
    with pytest.raises(StageError, match="offer the model no tools"):
        whole(Delta("a"), ToolDelta(0, "c", "f", "{}"))


@pytest.fixture
def anyio_backend() -> str:
    """The scripted server runs on asyncio alone."""
    return "asyncio"


async def test_the_real_client_reads_it() -> None:
    """PROTOCOLS 10.1: openai-python, over a socket."""
    body = msgspec.json.encode(whole(Start("a", "p", "m"), Delta("Hi"), Finish("length")))
    async with (
        serve(reply("200 OK", body)) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key="none") as client,
    ):
        said = await client.completions.create(model="m", prompt="Once")

    assert [(choice.text, choice.finish_reason) for choice in said.choices] == [("Hi", "length")]
    assert (said.id, said.model, said.usage) == ("cmpl-1", "m", None)
