"""LM Studio's own SDK against the simulator: what it can do there, it can do here."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import lmstudio
import pytest

from tests.simulator.test_lmstudio_socket import SAID, THOUGHT, backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The SDK's sockets run on asyncio."""
    return "asyncio"


@asynccontextmanager
async def client_of(**switches: Any) -> AsyncGenerator[lmstudio.AsyncClient]:
    """The SDK's client of a backend with these switches."""
    async with (
        backend(**switches) as server,
        lmstudio.AsyncClient(server.url.removeprefix("http://")) as client,
    ):
        yield client


async def test_models_and_a_load_with_progress() -> None:
    """Listed, loaded with progress, described, counted, unloaded."""
    async with client_of(load_seconds=0.03, keep_alive=0.01) as client:
        assert [model.model_key for model in await client.list_downloaded_models()] == ["m", "other"]
        assert list(await client.list_loaded_models()) == []

        told: list[float] = []
        model = await client.llm.model("m", on_load_progress=told.append)
        assert told[0] == 0.0
        assert told[-1] == 1.0
        assert told == sorted(told)
        assert len(told) > 2
        assert [one.identifier for one in await client.list_loaded_models()] == ["m"]

        assert (await model.get_info()).identifier == "m"
        assert await model.get_context_length() == 4096
        assert await model.count_tokens("one two three") == 3
        assert len(await model.tokenize("one two three")) == 3
        another = await client.llm.load_new_instance("other", on_load_progress=told.append)
        assert another.identifier == "other"
        await model.unload()
        assert [one.identifier for one in await client.list_loaded_models()] == ["other"]
        with pytest.raises(lmstudio.LMStudioModelNotFoundError, match="Your models:\n\nm\nother"):
            await client.llm.model("nobody")


async def test_a_chat() -> None:
    """The whole answer, and one that a limit cut."""
    async with client_of() as client:
        model = await client.llm.model("m")
        whole = await model.respond("Hi")
        short = await model.respond("Hi", config={"maxTokens": 3})

    assert whole.content == f"<think>{THOUGHT}</think>{SAID}"
    assert whole.stats.stop_reason == "eosFound"
    assert (short.stats.stop_reason, short.stats.predicted_tokens_count) == ("maxPredictedTokensReached", 3)


async def test_a_stream() -> None:
    """Fragments with their kind, the progress of the prompt, and the figures."""
    async with client_of(prefill_seconds=0.02, keep_alive=0.01) as client:
        model, told = await client.llm.model("m"), list[float]()
        stream = await model.respond_stream("Hi", on_prompt_processing_progress=told.append)
        pieces = [(piece.content, piece.reasoning_type) async for piece in stream]

    assert "".join(text for text, kind in pieces if kind == "none") == SAID
    assert "".join(text for text, kind in pieces if kind == "reasoning") == THOUGHT
    assert told == [0.0, 0.5, 1.0]
    assert stream.stats is not None
    assert stream.stats.prompt_tokens_count


async def test_a_cancel_stops_the_generation() -> None:
    """P10: the rest is not made."""
    async with backend(rate=200.0) as server:
        async with lmstudio.AsyncClient(server.url.removeprefix("http://")) as client:
            stream = await (await client.llm.model("m")).respond_stream("Hi")
            count = 0
            async for _ in stream:
                count += 1
                if count == 2:
                    await stream.cancel()
            assert stream.stats is not None
            assert stream.stats.stop_reason == "userStopped"
            assert count == 2
        assert [exchange.outcome for exchange in server.log] == ["client_left"]


async def test_an_error_in_the_middle() -> None:
    """It is told, with LM Studio's words."""
    async with client_of(fault="error", fault_after=2) as client:
        model = await client.llm.model("m")
        with pytest.raises(lmstudio.LMStudioPredictionError, match="The model has crashed"):
            await model.respond("Hi")


async def test_a_tool_is_called() -> None:
    """`act` runs it with the arguments of the simulated call."""
    seen: list[str] = []

    def look(at: str) -> str:
        """Look somewhere."""
        seen.append(at)
        return "blue"

    async with client_of() as client:
        model = await client.llm.model("m")
        result = await model.act("Hi", [look], max_prediction_rounds=2)

    assert seen == ["sky"]
    assert result.rounds == 2
