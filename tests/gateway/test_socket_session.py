"""Who may go on asking on a websocket, and how long one may be held; what comes back when it ends."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
import pytest

from tests.gateway.configured import backend, loaded
from tests.gateway.serving import HI, gateway
from tests.gateway.test_events_socket import Socket, text_of, until_end
from tokenweir.gateway.server import Server
from tokenweir.gateway.socket_session import GOING_AWAY, IDLE, NOT_ALLOWED
from tokenweir.pipeline.clock import running_clock
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

ALICE, BOB = b"alicekey-0123456789", b"bobkey-0123456789-x"
SIMULATED: Mapping[str, Any] = {
    "inference": {"provider": "simulator", "options": {"text": "Good morning."}},
}


@asynccontextmanager
async def opened(
    gate: Server, key: bytes | None = None, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Socket]:
    """A socket at a gateway, with this key."""
    own = {} if key is None else {"Authorization": f"Bearer {key.decode()}"}
    async with (
        aiohttp.ClientSession(headers={**own, **(headers or {})}) as session,
        session.ws_connect(gate.url + "/v1/stream") as ws,
    ):
        with anyio.fail_after(10):
            yield ws


async def closing(ws: Socket) -> int | None:
    """The code with which the other side closes."""
    while not ws.closed:
        await ws.receive()
    return ws.close_code


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ({"bob": BOB}, 401),
        ({"alice": BOB}, 401),
        ({"bob": ALICE}, 401),
        ({}, 401),
        ({"bob": BOB, "alice": ALICE}, None),
    ],
    ids=["withdrawn", "replaced", "another's", "none any more", "still there"],
)
async def test_a_withdrawn_key_asks_nothing_more(keys: dict[str, bytes], status: int | None) -> None:
    """P26: a socket that it had opened before is closed at its next request, which no backend sees."""
    async with gateway(SIMULATED, {"alice": ALICE}) as gate, opened(gate, ALICE) as ws:
        await ws.send_json(HI)
        assert (await until_end(ws))[-1]["outcome"] == "complete"
        assert gate.reload(lambda: loaded(SIMULATED, keys))
        await ws.send_json(HI)
        frames = await until_end(ws)
        begun = gate.gateway.live.begun
        if status is None:
            assert (text_of(frames), begun) == ("Good morning.", 2)
        else:
            assert ([frame.get("status") for frame in frames], begun) == ([status], 1)
            assert frames[0]["error"]["code"] == "invalid_api_key"
            assert await closing(ws) == NOT_ALLOWED


@pytest.mark.parametrize(
    ("headers", "server", "status"),
    [
        ({"Origin": "https://ok.test"}, {"allowed_origins": ["https://ok.test"]}, 403),
        ({"Host": "llm.test"}, {"allowed_hosts": ["llm.test"]}, 421),
    ],
    ids=["page", "name"],
)
async def test_a_page_that_may_not_ask_any_more_does_not(
    headers: dict[str, str], server: dict[str, Any], status: int
) -> None:
    """P26: Origin and Host are asked for anew too."""
    async with gateway({**SIMULATED, "server": server}) as gate, opened(gate, headers=headers) as ws:
        await ws.send_json(HI)
        assert (await until_end(ws))[-1]["outcome"] == "complete"
        assert gate.reload(lambda: loaded(SIMULATED))
        await ws.send_json(HI)

        assert [frame.get("status") for frame in await until_end(ws)] == [status]
        assert await closing(ws) == NOT_ALLOWED


async def test_what_is_under_way_outlives_its_key_and_its_configuration() -> None:
    """An answer ends as it began; and an open socket alone keeps no configuration."""
    async with Simulator(Quirks(rate=300)) as server:
        config = backend("openai-compatible", server.url + "/v1")
        async with gateway(config, {"alice": ALICE}) as gate, opened(gate, ALICE) as ws:
            old = gate.gateway.setup
            await ws.send_json(HI)
            while (await ws.receive_json())["type"] != "delta":
                pass
            assert gate.reload(lambda: loaded(config, {"bob": BOB}))
            assert not old.unused.is_set()
            assert (await until_end(ws))[-1]["outcome"] == "complete"
            with anyio.fail_after(5):
                await old.unused.wait()


async def test_one_key_does_not_hold_all_sockets() -> None:
    """S17, X06: 429 for it, and the others are let in; a place is free again when its socket is closed."""
    limits = {"max_streams": 3, "max_streams_per_key": 1}
    config = {**SIMULATED, "limits": limits}
    async with gateway(config, {"alice": ALICE, "bob": BOB}) as gate:
        async with opened(gate, ALICE), opened(gate, BOB):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with opened(gate, ALICE):
                    pass
            assert (refused.value.status, refused.value.headers and refused.value.headers["Retry-After"]) == (
                429,
                "1",
            )
        async with opened(gate, ALICE) as ws:
            await ws.send_json(HI)
            assert (await until_end(ws))[-1]["outcome"] == "complete"


async def test_an_idle_socket_gives_its_place_back() -> None:
    """X06: with a code that says so, and never while an answer is under way; what is wrong is no request."""
    quirks = Quirks(fault="stall", fault_after=1)
    async with (
        Simulator(quirks) as server,
        gateway(backend("openai-compatible", server.url + "/v1")) as gate,
        opened(gate) as busy,
        opened(gate) as idle,
    ):
        await busy.send_json(HI)
        while (await busy.receive_json())["type"] != "delta":
            pass
        await idle.send_str("no request")
        await until_end(idle)
        began = running_clock()()

        def beat(seconds: float) -> None:
            for one in list(gate.gateway.beats):
                one(began + seconds)

        beat(IDLE - 60)
        await idle.ping()
        assert not idle.closed
        beat(IDLE + 1)
        assert await closing(idle) == GOING_AWAY
        await busy.send_json({"type": "cancel"})
        assert (await until_end(busy))[-1]["outcome"] == "cancelled"
        beat(2 * IDLE)
        beat(3 * IDLE + 2)
        assert await closing(busy) == GOING_AWAY
