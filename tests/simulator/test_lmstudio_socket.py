"""The socket of a simulated LM Studio, told and heard by hand. The vendor's client: test_lmstudio_sdk.py."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

SAID, THOUGHT = "A weir stands in a stream.", "Hm, well."
HELLO = {"authVersion": 1, "clientIdentifier": "a", "clientPasskey": "b"}


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp's server runs on asyncio."""
    return "asyncio"


@asynccontextmanager
async def backend(**switches: Any) -> AsyncGenerator[Simulator]:
    """A simulated LM Studio with two models, which thinks and can call `look`."""
    tool = ToolCall("look", '{"at": "sky"}')
    made: Any = {
        "script": script_of(SAID),
        "reasoning": THOUGHT,
        "models": ("m", "other"),
        "tool": tool,
        **switches,
    }
    async with Simulator(Quirks(provider="lmstudio", **made)) as server:
        yield server


@asynccontextmanager
async def talking(server: Simulator, namespace: str = "llm") -> AsyncGenerator[Any]:
    """A socket on which nothing has been said."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.url}/{namespace}") as ws:
        yield ws


async def asked(ws: Any, *messages: Any) -> Any:
    """What is answered to the last of these."""
    for message in messages:
        await ws.send_json(message)
    return await ws.receive_json()


async def test_it_greets() -> None:
    """By this clients find the server."""
    async with backend() as server, aiohttp.ClientSession() as session:
        answer = await session.get(f"{server.url}/lmstudio-greeting")
        assert await answer.json() == {"lmstudio": True}


async def test_who_does_not_say_who_he_is_is_refused() -> None:
    """And the socket is closed."""
    async with backend() as server, talking(server) as ws:
        assert await asked(ws, {"type": "keepAlive"}) == {
            "success": False,
            "error": "Authentication expected",
        }
        assert (await ws.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_keep_alives_and_what_is_not_understood() -> None:
    """A client's mistake is told, and breaks nothing."""
    async with backend() as server, talking(server, "runtime") as ws:
        assert await asked(ws, HELLO) == {"success": True}
        assert await asked(ws, {"type": "keepAlive"}) == {"type": "keepAliveAck"}
        assert (await asked(ws, {"type": "news"}))["type"] == "communicationWarning"
        refused = await asked(ws, {"type": "channelCreate", "endpoint": "predict", "channelId": 7})
        assert (refused["type"], refused["channelId"]) == ("channelError", 7)
        refused = await asked(ws, {"type": "rpcCall", "endpoint": "listLoaded", "callId": 1})
        assert refused == {"type": "rpcResult", "callId": 1, "result": []}
        refused = await asked(ws, {"type": "rpcCall", "endpoint": "nothing", "callId": 2})
        assert (refused["type"], refused["callId"]) == ("rpcError", 2)


async def test_a_load_that_is_cancelled() -> None:
    """The model is not loaded then."""
    create = {"type": "channelCreate", "endpoint": "loadModel", "channelId": 1}
    async with backend(load_seconds=60.0) as server, talking(server) as ws:
        await asked(ws, HELLO)
        resolved = await asked(ws, {**create, "creationParameter": {"modelKey": "m"}})
        assert resolved["message"]["type"] == "resolved"
        assert (await ws.receive_json())["message"] == {"type": "progress", "progress": 0.0}
        closed = await asked(ws, {"type": "channelSend", "channelId": 1, "message": {"type": "cancel"}})
        assert closed == {"type": "channelClose", "channelId": 1}
        listed = await asked(ws, {"type": "rpcCall", "endpoint": "listLoaded", "callId": 2})
        assert listed["result"] == []


async def test_a_prediction_of_what_is_not_loaded_or_cannot_be_read() -> None:
    """LM Studio loads nothing by itself here."""
    create = {"type": "channelCreate", "endpoint": "predict", "channelId": 1}
    history = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
    async with backend(load_seconds=60.0) as server, talking(server) as ws:
        await asked(ws, HELLO)
        refused = await asked(
            ws,
            {
                **create,
                "creationParameter": {
                    "history": history,
                    "modelSpecifier": {"type": "query", "query": {"identifier": "m"}},
                },
            },
        )
        assert refused["error"]["displayData"] == {"code": "generic.noModelMatchingQuery"}
        refused = await asked(ws, {**create, "creationParameter": {}})
        assert "messages" in refused["error"]["title"]
