"""Real servers' answers: tokenweir's events say what stands on the wire, and what the model said."""

import json
from typing import Any

import pytest

from tests.reader import hear
from tests.real import raw
from tests.real.reading import calls, finish, reasoning, usage
from tests.real.running import Running
from tests.real.vocabulary import ARGUMENTS, ENDLESS, REASONING, SAID, TOOL, TOOLS
from tokenweir import Pipeline, Start, ToolDelta
from tokenweir.stages import reasoning_split

pytestmark = pytest.mark.anyio

LENGTH = 300


def body(served: Running, prompt: str, **options: Any) -> dict[str, Any]:
    """The request that tokenweir sends too, written by hand."""
    return {
        "model": served.model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
        **options,
    }


@pytest.mark.parametrize("switch", SAID)
async def test_the_events_say_what_the_wire_says(served: Running, switch: str) -> None:
    """P1, P4: text, reasoning, calls, finish and usage of the same answer, read raw beside it."""
    options: dict[str, Any] = {"max_tokens": 100} | ({"tools": TOOLS} if switch == "[call]" else {})
    plain = await raw.ask(served.url, body(served, f"{switch} Hello", **options), served.server.key)
    async with served.connect() as source:
        heard = await hear(Pipeline(source).stream(f"{switch} Hello", **options))

    assert (plain.status, heard.end.outcome) == (200, "complete")
    assert heard.text == plain.text()
    assert reasoning(heard) == plain.text("reasoning_content") + plain.text("reasoning")
    assert calls(heard) == plain.calls()
    assert finish(heard).native == plain.finish()
    counted, told = usage(heard), plain.usage()
    assert (counted is not None) == (told is not None) == served.server.counts
    if counted is not None and told is not None:
        assert (counted.input, counted.output) == (told["prompt_tokens"], told["completion_tokens"])
    if served.server.separates:
        assert heard.text.strip() == SAID[switch]


async def test_who_answered(served: Running) -> None:
    """`Start` names the model as the server does, whatever it was asked for."""
    plain = await raw.ask(served.url, body(served, "[text]", max_tokens=20), served.server.key)
    async with served.connect() as source:
        heard = await hear(Pipeline(source).stream("[text]", max_tokens=20))

    (start,) = [event for event in heard.events if isinstance(event, Start)]
    assert start.model == plain.chunks()[0]["model"]
    assert start.provider == served.server.provider


async def test_reasoning_is_apart_from_text(served: Running) -> None:
    """By the server itself, or by `reasoning_split` where it leaves the tags in the text."""
    async with served.connect() as source:
        heard = await hear(Pipeline(source, reasoning_split()).stream("[think] Hello", max_tokens=100))

    assert reasoning(heard).strip().startswith("".join(REASONING).strip())
    assert heard.text.strip() == SAID["[think]"]


async def test_a_tool_is_called(served: Running) -> None:
    """Its arguments whole, its id and name once, and the reason why the answer ended."""
    async with served.connect() as source:
        heard = await hear(Pipeline(source).stream("[call] Hello", tools=TOOLS, max_tokens=100))

    told = [event for event in heard.events if isinstance(event, ToolDelta)]
    if served.server.separates:
        assert calls(heard) == [(TOOL, json.loads("".join(ARGUMENTS)))]
        assert [event.name for event in told if event.name] == [TOOL]
        assert len([event.id for event in told if event.id]) == 1
        assert finish(heard).reason == "tool_calls"
    else:
        assert told == []
        assert heard.text.startswith("<tool_call>")
        assert finish(heard).reason == "stop"


async def test_an_answer_in_one_piece(served: Running) -> None:
    """`stream=False`: the same through the same pipeline, and usage from every server."""
    async with served.connect() as source:
        pipeline = Pipeline(source)
        whole = await hear(pipeline.stream("[think] Hello", stream=False, max_tokens=100))
        pieces = await hear(pipeline.stream("[think] Hello", max_tokens=100))

    assert whole.text.strip() == pieces.text.strip()
    assert reasoning(whole).strip() == reasoning(pieces).strip()
    assert finish(whole) == finish(pieces)
    told = usage(whole)
    assert told is not None
    assert told.output


async def test_an_answer_that_is_cut_by_its_length(served: Running) -> None:
    """As an unknown server in mode `auto`: hundreds of deltas, none of them taken for a resend (P4)."""
    async with served.connect("openai-compatible") as source:
        heard = await hear(Pipeline(source).stream("[endless] Hello", max_tokens=LENGTH))

    assert heard.text == "".join(ENDLESS[at % len(ENDLESS)] for at in range(LENGTH))
    assert finish(heard).reason == "length"
    assert heard.end.outcome == "complete"
    assert heard.end.stats.amplification == 1.0


async def test_what_only_this_server_takes(served: Running) -> None:
    """Parameters of its own pass; one that no server knows is ignored, or refused by the server's words."""
    async with served.connect() as source:
        pipeline = Pipeline(source)
        own = await hear(pipeline.stream("[text]", max_tokens=20, **served.server.own_parameters))
        unknown = await hear(pipeline.stream("[text]", max_tokens=20, no_such_parameter=1))

    assert own.text == SAID["[text]"]
    assert unknown.kind == served.server.unknown_parameter
    assert ("no_such_parameter" in unknown.message) == (unknown.kind is not None)
