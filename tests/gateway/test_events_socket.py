"""Requests and events on one websocket."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import HI, gateway, get
from tests.gateway.until import until
from tokenweir.gateway import events_socket, socket_answer
from tokenweir.gateway.gateway import Phase
from tokenweir.gateway.server import Server
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def opened(quirks: Quirks, **settings: Any) -> AsyncGenerator[tuple[Socket, Server, Simulator]]:
    """A socket at a gateway before a simulator."""
    limits = settings.pop("limits", {})
    async with Simulator(quirks) as server:
        config = backend("openai-compatible", server.url + "/v1", **settings) | {"limits": limits}
        async with (
            gateway(config) as gate,
            aiohttp.ClientSession() as session,
            session.ws_connect(gate.url + "/v1/stream") as ws,
        ):
            with anyio.fail_after(10):
                yield ws, gate, server


async def until_end(ws: Socket) -> list[dict[str, Any]]:
    """All frames up to an end or an error."""
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1]["type"] not in ("end", "error"):
        frames.append(await ws.receive_json())
    return frames


def text_of(frames: list[dict[str, Any]]) -> str:
    """The answer."""
    return "".join(frame["text"] for frame in frames if frame["type"] == "delta")


async def test_one_answer_after_another() -> None:
    """Each with its events as JSON, and one end."""
    async with opened(Quirks(script=script_of("Good morning."))) as (ws, gate, _):
        for _ in range(2):
            await ws.send_json(HI)
            frames = await until_end(ws)
            assert text_of(frames) == "Good morning."
            assert [frame["type"] for frame in frames].count("start") == 1
            assert (frames[-1]["type"], frames[-1]["outcome"]) == ("end", "complete")
        recent = [(answer.endpoint, answer.outcome) for answer in gate.gateway.live.recent]

    assert recent == [("socket", "complete")] * 2


async def test_cancel_ends_the_answer_and_not_the_socket() -> None:
    """P10: the backend is closed; the next request is answered."""
    async with opened(Quirks(rate=100)) as (ws, _, server):
        await ws.send_json(HI)
        while (await ws.receive_json())["type"] != "delta":
            pass
        await ws.send_json({"type": "cancel"})
        end = (await until_end(ws))[-1]
        await server.until_idle()
        [exchange] = server.log
        await ws.send_json({"type": "cancel"})
        await ws.send_json({**HI, "max_tokens": 2})
        frames = await until_end(ws)

    assert (end["outcome"], end["failure"]["kind"]) == ("cancelled", "cancelled")
    assert exchange.outcome == "client_left"
    assert (frames[-1]["type"], frames[-1]["outcome"]) == ("end", "complete")


@pytest.mark.parametrize(
    ("frame", "status", "says"),
    [
        ("no json", 400, ""),
        ("[1]", 400, ""),
        ('{"messages": 1}', 400, "messages"),
        ('{"type": "stop"}', 400, "cancel"),
        ('{"messages": [{"role": "user", "content": "Hi"}], "model": "../nobody"}', 404, "nobody"),
        (b"{}", 400, "text frame"),
    ],
)
async def test_a_bad_request_is_told_and_the_socket_stays(frame: str | bytes, status: int, says: str) -> None:
    """R01: an error frame in OpenAI's form."""
    async with opened(Quirks(models=("a", "b")), default_model="a") as (ws, _, _server):
        await (ws.send_bytes(frame) if isinstance(frame, bytes) else ws.send_str(frame))
        [told] = await until_end(ws)
        await ws.send_json(HI)
        frames = await until_end(ws)

    assert (told["type"], told["status"]) == ("error", status)
    assert says in told["error"]["message"]
    assert frames[-1]["outcome"] == "complete"


async def test_a_bug_of_ours_is_told_as_no_more_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """S10: in a frame, since an HTTP response on a websocket would be garbage."""
    monkeypatch.setattr(socket_answer, "targets_of", None)
    async with opened(Quirks()) as (ws, gate, _):
        await ws.send_json(HI)
        [told] = await until_end(ws)
        monkeypatch.undo()
        await ws.send_json(HI)
        assert (await until_end(ws))[-1]["outcome"] == "complete"

    assert (told["status"], "NoneType" in str(told)) == (500, False)
    assert len(gate.gateway.live) == 0


async def test_one_answer_at_a_time() -> None:
    """The first one goes on."""
    async with opened(Quirks(rate=300)) as (ws, _, _server):
        await ws.send_json(HI)
        await ws.send_json(HI)
        frames = await until_end(ws)
        assert "under way" in frames[-1]["error"]["message"]

        assert (await until_end(ws))[-1]["outcome"] == "complete"


async def test_a_client_that_leaves_ends_its_answer() -> None:
    """P10, P11: also while the backend is silent."""
    async with opened(Quirks(fault="stall", fault_after=1)) as (ws, gate, server):
        await ws.send_json(HI)
        while (await ws.receive_json())["type"] != "delta":
            pass
        await ws.close()
        await server.until_idle()
        await until(lambda: not len(gate.gateway.live))

        assert gate.gateway.live.recent[0].outcome == "cancelled"


async def test_a_request_waits_its_turn() -> None:
    """Where its backend answers one at a time: it is told so."""
    async with (
        opened(Quirks(rate=300), max_concurrent=1) as (ws, gate, _),
        aiohttp.ClientSession() as session,
        session.ws_connect(gate.url + "/v1/stream") as other,
    ):
        await ws.send_json(HI)
        await ws.receive_json()
        await other.send_json(HI)
        frames = await until_end(other)

    assert (frames[0]["type"], frames[0]["name"], frames[0]["detail"]) == ("phase", "queued", None)
    assert frames[-1]["outcome"] == "complete"


async def test_what_is_too_large_closes_the_socket() -> None:
    """D10: with the code for that."""
    async with opened(Quirks(), limits={"max_body_bytes": 1000}) as (ws, _, _server):
        await ws.send_str("x" * 1001)
        message = await ws.receive()

    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)


async def test_idle_sockets_have_a_bound() -> None:
    """X06: one too many is a real 503."""
    async with (
        opened(Quirks(), limits={"max_streams": 1}) as (_, gate, _server),
        aiohttp.ClientSession() as more,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await more.ws_connect(gate.url + "/v1/stream")

    assert refused.value.status == 503


async def test_a_peer_without_a_pong_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """D10: and its answer with it."""
    monkeypatch.setattr(events_socket, "HEARTBEAT", 0.1)
    over = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)
    async with (
        Simulator(Quirks(fault="stall", fault_after=1)) as server,
        gateway(backend("openai-compatible", server.url + "/v1")) as gate,
        aiohttp.ClientSession() as session,
        session.ws_connect(gate.url + "/v1/stream", autoping=False) as ws,
    ):
        await ws.send_json(HI)
        with anyio.fail_after(5):
            while (await ws.receive()).type not in over:
                pass
        await until(lambda: not len(gate.gateway.live))
        await server.until_idle()

    assert gate.gateway.live.recent[0].outcome == "cancelled"


async def test_the_gateways_end_is_a_true_end() -> None:
    """P19: an end that says why, and the code 1012; an idle socket gets the code."""
    seen: dict[str, list[aiohttp.WSMessage]] = {"busy": [], "idle": []}

    async def read(name: str, ws: Socket) -> None:
        while not ws.closed:
            seen[name].append(await ws.receive())

    async with (
        Simulator(Quirks(rate=50)) as server,
        aiohttp.ClientSession() as session,
        anyio.create_task_group() as group,
        gateway(backend("openai-compatible", server.url + "/v1")) as gate,
    ):
        busy, idle = [await session.ws_connect(gate.url + "/v1/stream") for _ in range(2)]
        await busy.send_json(HI)
        while (await busy.receive_json())["type"] != "delta":
            pass
        gate.gateway.phase = Phase.DRAINING
        await idle.send_json(HI)
        refused = await idle.receive_json()
        assert (refused["type"], refused["status"]) == ("error", 503)
        group.start_soon(read, "busy", busy)
        group.start_soon(read, "idle", idle)

    end = seen["busy"][-2].json()
    assert (end["type"], end["outcome"], end["failure"]["kind"]) == ("end", "error", "shutting_down")
    assert [seen[name][-1].data for name in seen] == [1012, 1012]


async def test_what_is_no_websocket_is_told_so() -> None:
    """R16: with what to ask for."""
    async with gateway({"inference": {"provider": "simulator"}}) as gate:
        answer = await get(f"{gate.url}/v1/stream")

    assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")
    assert "websocket" in answer.json["error"]["message"]
