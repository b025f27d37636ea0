"""What the real openai-python makes of it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT, FOUNDING

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


@asynccontextmanager
async def client(**switches: Any) -> AsyncGenerator[openai.AsyncOpenAI]:
    """A client of a simulator with these switches; it does not retry."""
    async with Simulator(Quirks(**switches)) as server:
        made = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        async with made:
            yield made


async def chunks(made: openai.AsyncOpenAI, **fields: Any) -> list[ChatCompletionChunk]:
    """Every chunk of one stream."""
    stream = await made.chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": "Who are you?"}],
        stream=True,
        stream_options={"include_usage": True},
        **fields,
    )
    return [chunk async for chunk in stream]


def text(found: list[ChatCompletionChunk]) -> str:
    """The text, as every naive client puts it together."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in found if chunk.choices)


async def test_a_plain_stream_is_read_exactly() -> None:
    """The text to the letter, one finish, true figures."""
    async with client() as made:
        found = await chunks(made)

    assert text(found) == ABOUT.text
    assert [c.choices[0].finish_reason for c in found if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert found[-1].usage is not None
    assert found[-1].usage.completion_tokens == len(ABOUT.tokens)
    assert found[-1].usage.prompt_tokens == 12
    assert found[-1].usage.total_tokens == 12 + len(ABOUT.tokens)


async def test_a_cumulative_stream_is_the_founding_bug() -> None:
    """V18: a client that trusts deltas shows the text again with every token."""
    async with client(script=FOUNDING, cumulative=True) as made:
        found = await chunks(made)

    assert text(found).startswith("II amI am anI am an intelligent")
    assert len(text(found)) > 20 * len(FOUNDING.text)


async def test_a_final_repeat_shows_everything_twice() -> None:
    """PROTOCOLS 8.2.1: the other way to double an answer."""
    async with client(script=FOUNDING, final_repeat=True) as made:
        found = await chunks(made)

    assert text(found) == FOUNDING.text * 2


async def test_a_whole_answer_is_read() -> None:
    """Without `stream`: typed, with the figures of all choices."""
    async with client(reasoning="Let me think.") as made:
        answer = await made.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Who are you?"}], n=2, max_tokens=6
        )

    assert [choice.message.content for choice in answer.choices] == ["I am"] * 2
    assert [choice.finish_reason for choice in answer.choices] == ["length"] * 2
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12


async def test_a_tool_call_is_gathered() -> None:
    """The client's own helper joins the fragments."""
    tool: Any = {"type": "function", "function": {"name": "look", "parameters": {}}}
    async with (
        client(tool=ToolCall("look", '{"at": "the sky"}')) as made,
        made.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "Look."}], tools=[tool]
        ) as stream,
    ):
        answer = await stream.get_final_completion()

    (call,) = answer.choices[0].message.tool_calls or []
    assert (call.id, call.function.name, call.function.arguments) == ("call_0", "look", '{"at": "the sky"}')
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_an_error_in_the_middle_reaches_the_client() -> None:
    """V15: openai-python raises with the message."""
    async with client(fault="error") as made:
        with pytest.raises(openai.APIError, match="failed in the middle"):
            await chunks(made)


@pytest.mark.parametrize("provider", ["openai", "lmstudio"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status-500", openai.InternalServerError),
        ("status-404", openai.NotFoundError),
        ("status-429", openai.RateLimitError),
        ("status-503-loading", openai.InternalServerError),
    ],
)
async def test_statuses_are_the_client_s_own_errors(
    provider: str, fault: str, error: type[openai.APIStatusError]
) -> None:
    """U17, U18, U19: read as the errors that they stand for."""
    async with client(provider=provider, fault=fault, load_seconds=60) as made:
        with pytest.raises(error):
            await chunks(made)


async def test_a_bad_request_names_the_field() -> None:
    """R07: `param` arrives."""
    async with client() as made:
        with pytest.raises(openai.BadRequestError) as refused:
            await chunks(made, n=0)

    assert refused.value.param == "n"


@pytest.mark.parametrize("fault", ["no-done", "crlf", "empty-choices"])
async def test_harmless_faults_are_harmless(fault: str) -> None:
    """PROTOCOLS 10.2: what the client was measured to take."""
    async with client(fault=fault) as made:
        found = await chunks(made)

    assert text(found) == ABOUT.text


@pytest.mark.parametrize("fault", ["html", "json-error", "empty", "no-end"])
async def test_the_client_takes_these_for_a_good_end(fault: str) -> None:
    """P2: why the middleware is needed: nothing is raised, and no finish came."""
    async with client(fault=fault) as made:
        found = await chunks(made)

    assert not any(choice.finish_reason for chunk in found for choice in chunk.choices)


async def test_comments_are_invisible_to_the_client() -> None:
    """P16: a loading model's comments are no chunks."""
    async with client(load_seconds=0.05, keep_alive=0.01) as made:
        found = await chunks(made)

    assert text(found) == ABOUT.text


async def test_models_are_listed_typed() -> None:
    """All four fields are there."""
    async with client(models=("a", "b")) as made:
        listed = [(model.id, model.owned_by) async for model in made.models.list()]

    assert listed == [("a", "simulator"), ("b", "simulator")]
