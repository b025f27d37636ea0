"""The official openai client reads what is written for it, over a socket, as our own events say it.

Law of this file: what is written is every recorded answer beside this checkout, and every body of
tests/wire; what reads it is the client alone, by its own rules: the plain stream, put together by hand,
and its `stream` helper, which puts it together itself.
"""

from typing import Any, NamedTuple

import openai
import pytest

from tests.feeding import run_bytes
from tests.recorded import traces
from tests.servers import answer, serve
from tests.wire import openai_chat
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Finish
from tokenweir.pipeline.protocols.openai_bodies import usage_body
from tokenweir.pipeline.protocols.openai_chat_encode import OpenAIChatEncode
from tokenweir.stages import append_only, cumulative_detect, decode_protocol, delta_extract, sse_decode

pytestmark = pytest.mark.anyio

RECORDED = [
    pytest.param(trace.path.read_bytes(), id=trace.name)
    for trace in traces()
    if trace.protocol == "openai-chat"
]
WRITTEN = [pytest.param(body.wire, id=body.name) for body in openai_chat.BODIES]
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
UNSPOKEN = ("other", "pause")
"""Reasons that this wire has no word for; they are written as `stop`."""


Said = tuple[str, str, list[tuple[str, str]], str | None]
"""Text, refusal, calls and finish of a choice."""


class Read(NamedTuple):
    """What an answer says: each choice, the figures, the error."""

    choices: dict[int, Said]
    usage: tuple[int, int, int] | None
    error: str | None


@pytest.fixture
def anyio_backend() -> str:
    """The scripted server runs on asyncio alone."""
    return "asyncio"


def written(body: bytes) -> tuple[list[bytes], Assembly]:
    """A body, read and written again for strict clients, and what our own events say of it."""
    chain = (
        sse_decode()
        | decode_protocol("openai-chat")
        | cumulative_detect("auto")
        | delta_extract()
        | append_only()
    )
    events, encode, said = run_bytes(chain, body, ()), OpenAIChatEncode(include_usage=True), Assembly()
    said.feed(events)
    return [*encode.feed(events), *encode.finish()], said


def ours(said: Assembly) -> Read:
    """What our own events say, in the client's words."""
    choices = {
        index: (
            said.text(index),
            said.text(index, "refusal"),
            [(call["name"] or "", call["arguments"]) for call in said.tool_calls(index)],
            reason_of(said.finish.get(index)),
        )
        for index in said.choices
    }
    figures = None
    if said.usage is not None:
        usage = usage_body(said.usage)
        figures = usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]
    return Read(choices, figures, None if said.failure is None else said.failure.message)


def reason_of(finish: Finish | None) -> str | None:
    """The finish as it is written; none where it only says that the answer broke."""
    if finish is None or finish.native == "error":
        return None
    return "stop" if finish.reason in UNSPOKEN else finish.reason


def figures_of(usage: Any) -> tuple[int, int, int] | None:
    """The client's usage."""
    return usage and (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)


async def plain(client: openai.AsyncOpenAI) -> Read:
    """The chunks of the plain stream, put together as the API's description says."""
    texts: dict[int, list[str]] = {}
    refusals: dict[int, list[str]] = {}
    calls: dict[int, dict[int, tuple[str, str]]] = {}
    finishes: dict[int, str | None] = {}
    usage, error = None, None
    stream = await client.chat.completions.create(**ASKED, stream=True)
    try:
        async for chunk in stream:
            usage = figures_of(chunk.usage) or usage
            for choice in chunk.choices:
                index, delta = choice.index, choice.delta
                texts.setdefault(index, []).append(delta.content or "")
                refusals.setdefault(index, []).append(delta.refusal or "")
                finishes[index] = choice.finish_reason or finishes.get(index)
                for call in delta.tool_calls or []:
                    assert call.function is not None
                    name, arguments = calls.setdefault(index, {}).get(call.index, ("", ""))
                    calls[index][call.index] = (
                        name + (call.function.name or ""),
                        arguments + (call.function.arguments or ""),
                    )
    except openai.APIError as broken:
        error = broken.message
    return Read(
        {
            index: (
                "".join(texts[index]),
                "".join(refusals[index]),
                [call for _, call in sorted(calls.get(index, {}).items())],
                finishes[index],
            )
            for index in sorted(texts)
        },
        usage,
        error,
    )


async def helped(client: openai.AsyncOpenAI) -> Read:
    """What the client's own helper puts together."""
    error = None
    async with client.chat.completions.stream(**ASKED) as stream:
        try:
            async for event in stream:
                assert event.type
        except openai.APIError as broken:
            error = broken.message
        said = stream.current_completion_snapshot
    choices: dict[int, Said] = {
        choice.index: (
            choice.message.content or "",
            choice.message.refusal or "",
            [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or []],
            choice.finish_reason,
        )
        for choice in sorted(said.choices, key=lambda choice: choice.index)
    }
    return Read(choices, figures_of(said.usage), error)


@pytest.mark.parametrize("body", RECORDED + WRITTEN)
async def test_the_client_reads_it(body: bytes) -> None:
    """V23, PROTOCOLS 10: the same text, refusal, calls, finish, usage and error, chunk by chunk and by
    the helper."""
    frames, said = written(body)
    wanted = ours(said)
    async with (
        serve(answer(*frames)) as server,
        openai.AsyncOpenAI(base_url=server.url, api_key="none") as client,
    ):
        assert await plain(client) == wanted
        assert await helped(client) == wanted
