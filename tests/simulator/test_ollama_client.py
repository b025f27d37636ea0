"""What the real ollama client makes of it, and what nothing serves."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import ollama
import pytest

from tokenweir import connect
from tokenweir.pipeline.run import Pipeline
from tokenweir.simulator.faults import RUNNER_STOPPED
from tokenweir.simulator.ollama_models import VERSION
from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.source import SimulatorSource
from tokenweir.simulator.text import ABOUT

pytestmark = pytest.mark.anyio
PROMPT = [{"role": "user", "content": "Who are you?"}]


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


@asynccontextmanager
async def client(**switches: Any) -> AsyncGenerator[Any]:
    """A client of a simulator with these switches; Any, since its own annotations leave much open."""
    async with Simulator(Quirks(provider="ollama", **switches)) as server:
        made: Any = ollama.AsyncClient(host=server.url)
        try:
            yield made
        finally:
            await made._client.aclose()  # it offers no way to close it


async def test_a_chat_is_streamed() -> None:
    """P1: the thinking and the text to the letter, one end, true figures."""
    async with client(reasoning="Let me think.", load_seconds=0.01) as made:
        stream = await made.chat("m", PROMPT, stream=True)
        found = [part async for part in stream]

    assert "".join(part.message.content or "" for part in found) == ABOUT.text
    assert "".join(part.message.thinking or "" for part in found) == "Let me think."
    assert [part.done for part in found] == [False] * (len(found) - 1) + [True]
    assert (found[-1].done_reason, found[-1].load_duration) == ("stop", 10_000_000)
    assert (found[-1].prompt_eval_count, found[-1].eval_count) == (12, 4 + len(ABOUT.tokens))


async def test_a_generation_is_streamed_and_whole() -> None:
    """Both forms of `/api/generate`."""
    async with client() as made:
        stream = await made.generate("m", "Hi", stream=True, options={"num_predict": 2})
        found = [part async for part in stream]
        whole = await made.generate("m", "Hi")

    assert [part.response for part in found] == ["I", " am", ""]
    assert found[-1].done_reason == "length"
    assert whole.response == ABOUT.text


async def test_a_tool_is_called() -> None:
    """Typed, with its arguments as an object."""
    tool: Any = {"type": "function", "function": {"name": "look", "parameters": {}}}
    async with client(tool=ToolCall("look", '{"at": "the sky"}')) as made:
        answer = await made.chat("m", PROMPT, tools=[tool])

    (call,) = answer.message.tool_calls
    assert (call.function.name, call.function.arguments) == ("look", {"at": "the sky"})


async def test_models_are_listed_loaded_and_given_back() -> None:
    """PROTOCOLS 4.2: the list, and who is loaded: nobody, the one that was asked for, nobody."""
    async with client(models=("a", "b")) as made:
        listed = [model.model for model in (await made.list()).models]
        before = (await made.ps()).models
        loaded = await made.chat("b", [])
        between = [model.model for model in (await made.ps()).models]
        unloaded = await made.generate("b", keep_alive=0)
        after = (await made.ps()).models

    assert (listed, before, between, after) == (["a", "b"], [], ["b"], [])
    assert (loaded.done_reason, unloaded.done_reason) == ("load", "unload")


async def test_an_error_in_the_middle_reaches_the_client() -> None:
    """V15: raised with the message."""
    async with client(fault="error") as made:
        stream = await made.chat("m", PROMPT, stream=True)
        with pytest.raises(ollama.ResponseError, match=RUNNER_STOPPED[:30]):
            _ = [part async for part in stream]


@pytest.mark.parametrize(("fault", "status"), [("status-404", 404), ("status-429", 429), ("status-500", 500)])
async def test_statuses_are_the_client_s_own_errors(fault: str, status: int) -> None:
    """U17, U19: with the status and the message out of the body."""
    async with client(fault=fault) as made:
        with pytest.raises(ollama.ResponseError) as refused:
            await made.chat("m", PROMPT)

    assert refused.value.status_code == status
    assert "{" not in refused.value.error


async def test_a_cut_is_taken_for_a_good_end() -> None:
    """P2: why the middleware is needed: the client says nothing of a missing last line."""
    async with client(fault="no-end") as made:
        stream = await made.chat("m", PROMPT, stream=True)
        found = [part async for part in stream]

    assert not any(part.done for part in found)


async def test_the_source_that_starts_it_speaks_it() -> None:
    """V18: `as_provider="ollama"` as a switch: asked through Ollama's own API, and detected as ever."""
    source = connect("simulator", as_provider="ollama", cumulative=True)
    assert isinstance(source, SimulatorSource)
    async with source:
        assert await Pipeline(source).text("Who are you?") == ABOUT.text
        (exchange,) = source.exchanges

    assert exchange.body == {"model": "simulated-model", "messages": PROMPT, "stream": True}


async def test_the_version_and_what_nothing_serves() -> None:
    """R13: Ollama's router answers in plain text; the OpenAI face is there too."""
    async with Simulator(Quirks(provider="ollama")) as server, aiohttp.ClientSession(server.url) as web:
        async with web.get("/api/version") as response:
            assert await response.json() == VERSION
        async with web.get("/api/nowhere") as response:
            assert (response.status, await response.text()) == (404, "404 page not found")
        async with web.get("/api/chat") as response:
            assert (response.status, await response.text()) == (405, "405 method not allowed")
        async with web.post("/v1/chat/completions", json={"messages": PROMPT}) as response:
            assert (await response.json())["choices"][0]["message"]["content"] == ABOUT.text
    async with (
        Simulator() as server,
        aiohttp.ClientSession(server.url) as web,
        web.get("/api/tags") as response,
    ):
        assert response.status == 404
