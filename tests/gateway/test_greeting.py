"""What is said first: a command that works as it stands."""

import re
import shlex
import socket
import subprocess
from typing import Any

import anyio
import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import gateway
from tokenweir.gateway import greeting as greetings
from tokenweir.gateway.greeting import greeting
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9/v1"


def asked_model(said: str) -> str:
    """The model that the command names."""
    return str(re.findall(r'"model": "([^"]+)"', said)[0])


@pytest.mark.parametrize("keys", [None, {"me": b"sk-canary"}], ids=["open", "locked"])
async def test_the_command_gets_an_answer(keys: dict[str, bytes] | None) -> None:
    """As it is pasted, but for the key, which is never shown (P24)."""
    async with (
        Simulator(Quirks(models=("it's a model",))) as sim,
        gateway(backend("openai", sim.url), keys) as server,
    ):
        said = await greeting(server, "a test")
        command = said.splitlines()[1].strip().replace("<your key>", "sk-canary")
        ran = await anyio.to_thread.run_sync(
            lambda: subprocess.run([*shlex.split(command), "-s"], capture_output=True, text=True, check=True)
        )

    assert ABOUT.text[:20] in ran.stdout
    assert said.splitlines()[0] == f"a test, at {server.url}/v1 until Ctrl-C. Try:"
    assert said.splitlines()[2] == f"The status page: {server.url}/"
    assert ("Bearer <your key>" in said) is (keys is not None)
    assert "sk-canary" not in said


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        ({}, "llama-3-8b"),
        ({"default_model": "qwen"}, "qwen3-8b"),
        ({"default_model": "nobody"}, "llama-3-8b"),
        ({"allowed_models": ["qwen"]}, "qwen3-8b"),
    ],
)
async def test_the_model_is_one_that_may_be_asked_for(settings: dict[str, Any], model: str) -> None:
    """A default one that is there, and else what is listed: by another backend, where one is away."""
    async with Simulator(Quirks(provider="lmstudio", models=("llama-3-8b", "qwen3-8b"))) as sim:
        here = {"provider": "lmstudio", "base_url": sim.url, **settings}
        away = {"provider": "openai-compatible", "base_url": NOBODY}
        async with gateway({"backends": {"away": away, "here": here}}) as server:
            said = await greeting(server, "a test")

    assert asked_model(said) == model


async def test_what_is_loaded_comes_first() -> None:
    """It answers at once."""
    async with (
        Simulator(Quirks(provider="lmstudio", models=("cold", "warm"))) as sim,
        gateway(backend("lmstudio", sim.url)) as server,
    ):
        [served] = server.gateway.setup.backends.values()
        async for _ in served.source.load("warm"):
            pass
        served.catalog.forget()
        said = await greeting(server, "a test")

    assert asked_model(said) == "warm"


async def test_where_nobody_tells_of_a_model_it_asks_how_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a backend that hangs keeps nobody waiting; without a page none is named."""
    monkeypatch.setattr(greetings, "PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        config = backend("openai-compatible", f"http://127.0.0.1:{port}/v1") | {"server": {"page": False}}
        async with gateway(config) as server:
            with anyio.fail_after(2):
                said = await greeting(server, "a test")

    assert said.splitlines()[1:] == [f"  curl {server.url}/health"]
