"""Our sources against the simulator, over sockets: models listed, loaded, kept warm and unloaded."""

import anyio
import pytest

from tokenweir.pipeline.errors import CannotError
from tokenweir.pipeline.keep_warm import keep_warm
from tokenweir.pipeline.run import Pipeline
from tokenweir.pipeline.sources.connect import connect
from tokenweir.simulator.quirks import Provider, Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.source import SimulatorSource

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The simulator runs on asyncio."""
    return "asyncio"


@pytest.mark.parametrize("provider", ["lmstudio", "ollama"])
async def test_a_models_life(provider: Provider) -> None:
    """Each state as the backend tells it, and a part of the name is enough."""
    quirks = Quirks(provider=provider, models=("qwen3-8b", "llama3"), load_seconds=0.02)
    async with Simulator(quirks) as server, connect(provider, server.url, model="qwen3-8b") as source:
        states = [[model.state for model in await source.models()]]
        assert [phase.name async for phase in source.load("qwen")] == ["loading"]
        states.append([model.state for model in await source.models()])
        assert [phase async for phase in source.load("qwen")] == []
        assert (await source.model_status()).size == 1_000_000_000
        await source.unload("qwen")
        states.append([model.state for model in await source.models()])

    assert states == [
        ["not_loaded", "not_loaded"],
        ["loaded", "not_loaded"],
        ["not_loaded", "not_loaded"],
    ]


@pytest.mark.parametrize("provider", ["lmstudio", "ollama"])
async def test_kept_warm_before_the_first_request(provider: Provider) -> None:
    """P23: loaded by one small request, with the backend's own time to live."""
    quirks = Quirks(provider=provider, models=("m", "other"), load_seconds=0.01)
    async with Simulator(quirks) as server, connect(provider, server.url, model="m") as source:
        async with keep_warm(source):
            while (await source.model_status()).state != "loaded":
                await anyio.lowlevel.checkpoint()
            await server.until_idle()
        body = server.log[0].body

        assert len(server.log) == 1
        assert body.get("ttl") == 600 or body.get("keep_alive") == 600
        assert await Pipeline(source).text("Hi", max_tokens=3)


async def test_a_server_that_loads_is_one_model_that_loads() -> None:
    """PROTOCOLS 5.1: 503 until it is loaded; then `/props` tell the context."""
    quirks = Quirks(fault="status-503-loading", load_seconds=0.05)
    async with Simulator(quirks) as server, connect("llamacpp", server.url) as source:
        [model] = await source.models()
        assert model.state == "loading"
        while model.state == "loading":
            [model] = await source.models()

        assert (model.state, model.context) == ("loaded", 4096)


@pytest.mark.parametrize("provider", ["lmstudio", "ollama", "openai"])
async def test_the_embedded_one_tells_too(provider: Provider) -> None:
    """`connect("simulator")` starts at the first question, and tells what its provider can tell."""
    async with SimulatorSource(as_provider=provider, models=("m",)) as source:
        [model] = await source.models()
        assert (model.id, model.state) == ("m", "unknown" if provider == "openai" else "not_loaded")
        if provider == "openai":
            with pytest.raises(CannotError, match="openai: this backend cannot load a model"):
                await anext(source.load("m"))
        else:
            assert [phase.name async for phase in source.load("m")] == ["loading"]
            assert (await source.model_status()).state == "loaded"
            await source.unload("m")
            assert (await source.model_status()).state == "not_loaded"
