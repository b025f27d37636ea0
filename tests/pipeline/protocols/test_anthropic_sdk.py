"""What Anthropic's own client makes of our encoder's output, over a real socket.

Law of this file: the client is the judge. The recorded answers lie in a folder beside the checkout,
`../shared`, and are not part of the project; where it is missing, only our own bodies are read.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.feeding import run_bytes
from tests.servers import answer, serve
from tests.wire.anthropic import BODIES, WHOLE
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Event, ToolDelta, Usage
from tokenweir.pipeline.protocols.anthropic_encode import AnthropicEncode
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

pytestmark = pytest.mark.anyio
TRACES = Path(__file__).parents[4] / "shared" / "traces" / "wire"
RECORDED = {path.name: path.read_bytes() for path in sorted(TRACES.glob("anthropic--*.wire"))}
OWN = {body.name: body.wire for body in BODIES}


@pytest.fixture
def anyio_backend() -> str:
    """The servers of these tests run on asyncio."""
    return "asyncio"


def read(wire: bytes) -> list[Event]:
    """Our own reading."""
    return run_bytes(decode_frames("anthropic") | decode_protocol("anthropic"), wire)


def put_together(events: list[Event]) -> Assembly:
    """The answer that events are."""
    made = Assembly()
    made.feed(events)
    return made


@asynccontextmanager
async def client_of(*frames: bytes) -> AsyncGenerator[Any]:
    """A client of a server that answers with these frames; Any, since its types leave much open."""
    async with serve(answer(*frames)) as server:
        made: Any = anthropic.AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0)
        async with made:
            yield made


def asked() -> dict[str, Any]:
    """The least that the client takes."""
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


async def heard(events: list[Event]) -> Any:
    """The message that the client makes of what our encoder writes, or the error that it raises."""
    frames = AnthropicEncode().feed(events)
    async with client_of(*frames) as client, client.messages.stream(**asked()) as stream:
        try:
            return await stream.get_final_message()
        except anthropic.APIStatusError as told:
            return told


def joined(message: Any, kind: str, field: str) -> str:
    """What blocks of one kind say, together."""
    return "".join(getattr(block, field) for block in message.content if block.type == kind)


def called(message: Any) -> list[tuple[Any, ...]]:
    """The calls that the client is to run."""
    return [(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]


def figures(message: Any) -> Usage:
    """The client's figures as ours."""
    usage = message.usage
    details = usage.output_tokens_details
    thought = details.thinking_tokens if details is not None else None
    return Usage(
        usage.input_tokens, usage.output_tokens, reasoning=thought, cached=usage.cache_read_input_tokens
    )


@pytest.mark.parametrize("wire", [pytest.param(wire, id=name) for name, wire in {**RECORDED, **OWN}.items()])
async def test_the_client_reads_what_we_read(wire: bytes) -> None:
    """P1: the same text, thinking, calls, figures and stop reason, or the same error."""
    events = read(wire)
    ours = put_together(events)
    message = await heard(events)
    if ours.failure is not None:
        told = {"type": ours.failure.code, "message": ours.failure.message}
        assert isinstance(message, anthropic.APIStatusError)
        assert message.body == {"type": "error", "error": told}
        return

    assert joined(message, "text", "text") == ours.text()
    assert joined(message, "thinking", "thinking") == ours.text(channel="reasoning")
    assert called(message) == [
        (call["id"], call["name"], json.loads(call["arguments"])) for call in ours.tool_calls()
    ]
    assert figures(message) == ours.usage
    assert message.stop_reason == ours.finish[0].native
    assert (message.id, message.model) == (ours.start and ours.start.id, ours.model)


async def test_what_is_kept_reaches_the_client() -> None:
    """The blocks of server tools, signatures and citations, as typed blocks of the client's own."""
    first = read(OWN["thinking, text and parallel calls"])
    before = next(at for at, event in enumerate(first) if isinstance(event, ToolDelta))
    message = await heard([*first[:before], *read(OWN["server tools and citations"])[1:]])

    assert [block.type for block in message.content] == [
        "thinking",
        "text",
        "server_tool_use",
        "web_search_tool_result",
        "redacted_thinking",
        "text",
    ]
    assert message.content[0].signature == "c2lnbmVk"
    assert message.content[2].input == {"query": "grass"}
    assert message.content[-1].citations[0].cited_text == "Grass is green."
    assert message.stop_reason == "pause_turn"
    assert message.usage.server_tool_use.web_search_requests == 1


async def test_every_event_is_typed() -> None:
    """PROTOCOLS 10.3: the client skips what has no name; every frame that we write is an event of its own."""
    frames = AnthropicEncode().feed(read(WHOLE))
    async with client_of(*frames) as client:
        stream = await client.messages.create(**asked(), stream=True)
        found = [event.type async for event in stream]

    assert found == [frame.split(b"\n")[0].removeprefix(b"event: ").decode() for frame in frames]
    assert found[-1] == "message_stop"


async def test_an_error_after_some_text() -> None:
    """V15: the text is there, and then the client raises."""
    async with client_of(*AnthropicEncode().feed(read(OWN["an error in mid-stream"]))) as client:
        stream = await client.messages.create(**asked(), stream=True)
        texts: list[str] = []
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            await gather(stream, texts)

    assert texts == ["Half of it", " is"]


async def gather(stream: Any, texts: list[str]) -> None:
    """The texts of a stream, as far as it goes."""
    async for event in stream:
        if event.type == "content_block_delta":
            texts.append(event.delta.text)  # noqa: PERF401 - a comprehension loses what came before an exception
