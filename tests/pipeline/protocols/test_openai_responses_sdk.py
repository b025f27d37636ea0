"""What the official client reads of what we write, over a real socket, is what our events say."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from tests.feeding import run_bytes
from tests.recorded import traces
from tests.servers import answer, serve
from tests.wire.openai_responses import BODIES
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.events import Delta, Done, Event, Failure, Finish, Start, ToolDelta, Usage
from tokenweir.pipeline.protocols.openai_responses_encode import OpenAIResponsesEncode
from tokenweir.stages import decode_protocol, sse_decode

pytestmark = pytest.mark.anyio

WHOLE = [pytest.param(body.wire, id=body.name) for body in BODIES if body.complete_at is not None] + [
    pytest.param(trace.body, id=trace.name) for trace in traces() if trace.protocol == "openai-responses"
]
"""Our own bodies, and the recorded ones where they lie beside this checkout."""


@pytest.fixture
def anyio_backend() -> str:
    """The sockets are asyncio's."""
    return "asyncio"


@asynccontextmanager
async def client(events: list[Event]) -> AsyncGenerator[openai.AsyncOpenAI]:
    """The official client of a server that answers with these events as we write them."""
    frames = OpenAIResponsesEncode().feed(events)
    async with serve(answer(*frames)) as server:
        made = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        async with made:
            yield made


def told(wire: bytes) -> tuple[list[Event], Assembly]:
    """The events of a body, and the answer that they are."""
    events: list[Event] = run_bytes(sse_decode() | decode_protocol("openai-responses"), wire)
    made = Assembly()
    made.feed(events)
    return events, made


def calls(made: Assembly) -> list[tuple[str | None, str | None, str]]:
    """The calls of an answer."""
    return [(call["id"], call["name"], call["arguments"]) for call in made.tool_calls()]


def joined(items: list[Any], kind: str, field: str) -> str:
    """The text of a kind of part, all items together."""
    lists: list[list[Any]] = [getattr(item, "content", None) or [] for item in items]
    parts = [part for found in lists for part in found]
    return "".join(getattr(part, field) for part in parts if part.type == kind)


def same(response: Any, made: Assembly) -> None:
    """The whole response says what the answer says."""
    output = response.output
    found = [(item.call_id, item.name, item.arguments) for item in output if item.type == "function_call"]

    assert joined(output, "output_text", "text") == made.text()
    assert joined(output, "reasoning_text", "text") == made.text(channel="reasoning")
    assert joined(output, "refusal", "refusal") == made.text(channel="refusal")
    assert found == calls(made)
    assert response.status == made.finish[0].native
    assert made.usage is None or (response.usage.input_tokens, response.usage.output_tokens) == (
        made.usage.input or 0,
        made.usage.output or 0,
    )
    assert made.start is None or response.model == (made.start.model or "unknown")


@pytest.mark.parametrize("wire", WHOLE)
async def test_the_stream(wire: bytes) -> None:
    """P1: `responses.create(stream=True)`: the deltas, joined, and the response of the last event."""
    events, made = told(wire)
    async with client(events) as reader:
        stream = await reader.responses.create(model="m", input="Hi", stream=True)
        found: list[Any] = [event async for event in stream]

    def said(kind: str) -> str:
        return "".join(event.delta for event in found if event.type == f"response.{kind}.delta")

    assert said("output_text") == made.text()
    assert said("reasoning_text") == made.text(channel="reasoning")
    assert said("refusal") == made.text(channel="refusal")
    assert said("function_call_arguments") == "".join(arguments for _, _, arguments in calls(made))
    assert [event.sequence_number for event in found] == list(range(len(found)))
    same(found[-1].response, made)


@pytest.mark.parametrize("wire", WHOLE)
async def test_the_helper(wire: bytes) -> None:
    """P1: `responses.stream` keeps an account of its own, and is strict about the order of events."""
    events, made = told(wire)
    async with client(events) as reader, reader.responses.stream(model="m", input="Hi") as stream:
        found: list[Any] = [event async for event in stream]
        if found[-1].type == "response.completed":
            same(await stream.get_final_response(), made)

    snapshots = [event.snapshot for event in found if event.type == "response.output_text.delta"]
    assert found[0].type == "response.created"
    assert found[-1].type == f"response.{made.finish[0].native}"
    assert not snapshots or made.text().endswith(snapshots[-1])
    same(found[-1].response, made)


async def test_interleaved_calls_and_channels() -> None:
    """PROTOCOLS 2.1: what other backends send in any order is accepted too."""
    events: list[Event] = [
        Start("chatcmpl-1", None, "m", 5),
        Delta("Hm", "reasoning"),
        Delta("A"),
        Delta("no", "refusal"),
        Delta("B"),
        ToolDelta(0, None, "f", '{"x":'),
        ToolDelta(1, "b", "g"),
        ToolDelta(0, None, None, "1}"),
        Delta("C"),
        Finish("tool_calls", "tool_calls"),
        Usage(1, 2),
        Done(),
    ]
    async with client(events) as reader, reader.responses.stream(model="m", input="Hi") as stream:
        found = await stream.get_final_response()

    kinds = [item.type for item in found.output]
    assert kinds == ["reasoning", "message", "function_call", "function_call", "message"]
    assert found.output_text == "ABC"
    assert joined(found.output, "refusal", "refusal") == "no"
    assert [call.arguments for call in found.output if call.type == "function_call"] == ['{"x":1}', ""]


async def test_an_error_is_raised() -> None:
    """V15: the client raises with the message; a naive loop does not take the answer for a whole one."""
    async with client([Start("r"), Delta("One"), Done(Failure("overloaded", "Too busy."))]) as reader:
        stream = await reader.responses.create(model="m", input="Hi", stream=True)
        with pytest.raises(openai.APIError, match=r"Too busy\."):
            _ = [event async for event in stream]


async def test_a_failed_response_says_why() -> None:
    """V15: as the API says it."""
    failed: list[Event] = [
        Start("r"),
        Delta("One"),
        Finish("other", "failed"),
        Done(Failure("upstream", "It broke.")),
    ]
    async with client(failed) as reader:
        stream = await reader.responses.create(model="m", input="Hi", stream=True)
        found: list[Any] = [event async for event in stream]

    assert (found[-1].type, found[-1].response.error.message) == ("response.failed", "It broke.")
