"""A backend's own tokenizer, asked over a socket."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from tests.scripted import Attempt, ScriptedTransport
from tests.virtual import virtual
from tokenweir import Deadlines, StreamError, connect
from tokenweir.pipeline.sources import tokenize
from tokenweir.pipeline.sources.llamacpp import LlamaCpp
from tokenweir.pipeline.sources.tokenize import TokenizingSource

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """What touches aiohttp runs on asyncio."""
    return "asyncio"


@pytest.fixture
async def server() -> AsyncIterator[BaseTestServer]:
    """Answers as llama-server does where the text stands under `content`, else as vLLM."""

    async def tokenize(request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        if asked.get("content") == "odd":
            return web.json_response({"pieces": 3})
        if asked.get("content") == "down":
            return web.json_response({"error": {"message": "server busy", "code": 503}}, status=503)
        if "content" in asked:
            return web.json_response({"tokens": list(range(len(asked["content"].split())))})
        assert asked["model"] == "m"
        return web.json_response({"count": len(asked["prompt"].split()), "max_model_len": 9})

    app = web.Application()
    app.router.add_post("/tokenize", tokenize)
    async with TestServer(app) as running:
        yield running


@pytest.mark.parametrize("provider", ["llamacpp", "vllm"])
async def test_the_backend_counts(server: BaseTestServer, provider: str) -> None:
    """PROTOCOLS 5.1, 5.3: the question goes beside `/v1`, and each answers in its own way."""
    async with connect(provider, str(server.make_url("/v1")), model="m") as source:
        assert isinstance(source, TokenizingSource)
        assert await source.count_tokens("one two three") == 3


@pytest.mark.parametrize(("text", "kind"), [("odd", "protocol"), ("down", "overloaded")])
async def test_what_is_no_count_is_a_failure(server: BaseTestServer, text: str, kind: str) -> None:
    """U19: an answer without a count, and a refusal, say so."""
    async with connect("llamacpp", str(server.make_url("/v1"))) as source:
        assert isinstance(source, TokenizingSource)
        with pytest.raises(StreamError) as told:
            await source.count_tokens(text)

    assert told.value.failure.kind == kind


async def test_nobody_there() -> None:
    """U01: the same failure as a stream's."""
    async with connect("llamacpp", "http://127.0.0.1:9/v1") as source:
        assert isinstance(source, TokenizingSource)
        with pytest.raises(StreamError, match="nobody answers"):
            await source.count_tokens("text")


async def test_a_long_answer_is_read_whole(server: BaseTestServer) -> None:
    """llama-server gives every token by its number: 40,000 of them are more than any error body."""
    async with connect("llamacpp", str(server.make_url("/v1"))) as source:
        assert isinstance(source, TokenizingSource)
        assert await source.count_tokens("a " * 40_000) == 40_000


async def test_an_answer_without_end_has_a_bound(
    server: BaseTestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: what a backend sends is held only so far."""
    monkeypatch.setattr(tokenize, "TOKENS_LIMIT", 1000)
    async with connect("llamacpp", str(server.make_url("/v1"))) as source:
        assert isinstance(source, TokenizingSource)
        with pytest.raises(StreamError) as told:
            await source.count_tokens("a " * 1000)

    assert told.value.failure.kind == "limit"


@pytest.mark.parametrize("anyio_backend", [virtual("asyncio"), virtual("trio")], ids=["asyncio", "trio"])
async def test_a_backend_that_does_not_answer() -> None:
    """P15: the wait has a name and an end."""
    limits = Deadlines(None, first_token=7.0, silence=None, between_tokens=None, total=None)
    transport = ScriptedTransport(Attempt(200, 60.0, b"{}"))
    source = LlamaCpp("http://backend.test", deadlines=limits, transport=transport)

    with pytest.raises(StreamError, match=r"waited 7 s for /tokenize") as told:
        await source.count_tokens("late")

    assert (told.value.failure.kind, told.value.failure.phase) == ("timeout", "first_token")
    assert transport.connections[0].closed == 1
