"""Backends that nobody named."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from tokenweir.config.discover import find_backends
from tokenweir.doctor.ports import Found, look_around
from tokenweir.pipeline.sources.connect import connect
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


async def test_servers_on_this_machine() -> None:
    """C07: each by its kind, and the second of a kind by its port too; each can be asked there."""
    async with (
        Simulator(Quirks(provider="ollama")) as ollama,
        Simulator(Quirks(provider="lmstudio")) as studio,
        Simulator(Quirks(provider="lmstudio")) as other,
    ):
        ports = [urlsplit(backend.url).port or 0 for backend in (ollama, studio, other)]

        async def look() -> Sequence[Found]:
            return await look_around(ports, [])

        config, said = await find_backends(look)
        backends = config.all_backends()
        for backend in backends.values():
            async with connect(backend.provider, backend.base_url) as source:
                assert await source.models()

    second = f"lmstudio-{ports[2]}"
    assert [(name, backend.provider) for name, backend in backends.items()] == [
        ("ollama", "ollama"),
        ("lmstudio", "lmstudio"),
        (second, "lmstudio"),
    ]
    version = said.partition("Ollama ")[2].partition(" ")[0]
    assert said == (
        f"found ollama (Ollama {version} at {ollama.url}), "
        f"lmstudio (LM Studio 0.4 or later at {studio.url}), "
        f"{second} (LM Studio 0.4 or later at {other.url})"
    )


async def test_nobody_is_there() -> None:
    """The simulator's model then, and a line that says so."""

    async def look() -> Sequence[Found]:
        return ()

    config, said = await find_backends(look)

    assert [backend.provider for backend in config.all_backends().values()] == ["simulator"]
    assert said == "found no server of models on this machine: serving the simulator's model"
