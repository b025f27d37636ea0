"""`GET /v1/models` and its entries, over a socket."""

import socket
from typing import Any

import anyio
import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import gateway, get
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

NAMES = ("qwen/qwen3-8b", "medicine-llm")


async def ids(url: str) -> list[str]:
    """The names in the list."""
    return [entry["id"] for entry in (await get(f"{url}/v1/models")).json["data"]]


async def test_entries_have_what_typed_clients_need() -> None:
    """PROTOCOLS 10: all four fields, and what this backend tells beside them."""
    async with (
        Simulator(Quirks(provider="lmstudio", models=NAMES)) as server,
        gateway(backend("lmstudio", server.url)) as gate,
    ):
        told = (await get(f"{gate.url}/v1/models")).json

    assert told["object"] == "list"
    assert [entry["id"] for entry in told["data"]] == list(NAMES)
    for entry in told["data"]:
        assert (entry["object"], entry["owned_by"], type(entry["created"])) == ("model", "lmstudio", int)
        assert (entry["state"], entry["context"], entry["backend"]) == ("not_loaded", 4096, "inference")


async def test_all_backends_and_the_names_of_routes() -> None:
    """A pattern is no name, and a name of two backends stands once."""
    async with (
        Simulator(Quirks(models=("a", "b"))) as one,
        Simulator(Quirks(provider="ollama", models=("b", "c"))) as two,
    ):
        config: dict[str, Any] = {
            "backends": {
                "one": {"provider": "openai-compatible", "base_url": one.url + "/v1"},
                "two": {"provider": "ollama", "base_url": two.url, "allowed_models": ["b", "c"]},
            },
            "routes": [
                {"model": "fast", "backends": ["two"], "ask_for": "c"},
                {"model": "gpt-*", "backends": ["one"]},
            ],
        }
        async with gateway(config) as gate:
            told = (await get(f"{gate.url}/v1/models")).json["data"]
            alias = await get(f"{gate.url}/v1/models/fast")
            status = await get(f"{gate.url}/v1/models/fast/status")

    assert [(entry["id"], entry["backend"]) for entry in told] == [
        ("a", "one"), ("b", "one"), ("c", "two"), ("fast", "two"),
    ]  # fmt: skip
    assert alias.json["id"] == "fast"
    assert (status.json["id"], status.json["backend"]) == ("c", "two")


async def test_only_what_may_be_asked_is_listed() -> None:
    """A part of a name is enough for that."""
    async with (
        Simulator(Quirks(provider="lmstudio", models=NAMES)) as server,
        gateway(backend("lmstudio", server.url, allowed_models=["qwen3"])) as gate,
    ):
        listed = await ids(gate.url)
        hidden = await get(f"{gate.url}/v1/models/medicine-llm")

    assert listed == ["qwen/qwen3-8b"]
    assert hidden.status == 404


async def test_a_backend_that_is_silent_is_left_out() -> None:
    """P22: within 2 s, and the others are there."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with Simulator(Quirks(models=("a",))) as server:
            config = {
                "backends": {
                    "hangs": {"provider": "openai-compatible", "base_url":
                    f"http://127.0.0.1:{silent.getsockname()[1]}"}, "works": {"provider":
                    "openai-compatible", "base_url": server.url + "/v1"},
                }
            }  # fmt: skip
            async with gateway(config) as gate:
                with anyio.fail_after(2):
                    listed = await ids(gate.url)

    assert listed == ["a"]


@pytest.mark.parametrize("path", ["qwen/qwen3-8b", "qwen%2Fqwen3-8b", "qwen3-8b", "local-model"])
async def test_a_name_with_slashes_encoded_or_raw(path: str) -> None:
    """And by a part of it, or as the one that is loaded: what a request would get."""
    async with (
        Simulator(Quirks(provider="lmstudio", models=NAMES)) as server,
        gateway(backend("lmstudio", server.url, default_model="qwen/qwen3-8b")) as gate,
    ):
        one = await get(f"{gate.url}/v1/models/{path}")
        status = await get(f"{gate.url}/v1/models/{path}/status")

    assert one.json["id"] == "qwen/qwen3-8b"
    assert status.json == {
        "id": "qwen/qwen3-8b",
        "backend": "inference",
        "state": "not_loaded",
        "progress": None,
        "size": 1_000_000_000,
        "context": 4096,
        "elapsed": None,
    }


@pytest.mark.parametrize("end", ["", "/status"])
async def test_an_unknown_model_is_404_with_the_nearest_names(end: str) -> None:
    """R08: in OpenAI's form, with what there is."""
    async with (
        Simulator(Quirks(provider="lmstudio", models=NAMES)) as server,
        gateway(backend("lmstudio", server.url)) as gate,
    ):
        answer = await get(f"{gate.url}/v1/models/medcine%1bllm{end}")

    assert answer.status == 404
    assert answer.json["error"]["code"] == "model_not_found"
    assert "nearest: medicine-llm" in answer.json["error"]["message"]
    assert "\x1b" not in answer.json["error"]["message"]
