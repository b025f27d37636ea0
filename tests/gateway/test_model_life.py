"""Orders to load and unload, over a socket."""

import socket
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import anyio
import msgspec
import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import gateway, get, post
from tests.gateway.until import until
from tokenweir.gateway import model_life
from tokenweir.gateway.server import Server
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import MisuseError
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

NAME = "qwen/qwen3-8b"
SLOW = Quirks(provider="lmstudio", models=(NAME, "other"), load_seconds=0.3)


def frames(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Each event's name and data."""
    found: list[tuple[str, dict[str, Any]]] = []
    for block in text.split("\n\n"):
        if block.startswith("event: "):
            event, data = block.split("\n")
            found.append((event[7:], msgspec.json.decode(data[6:])))
    return found


async def under_way(gate: Server) -> None:
    """Wait until a load is."""
    await until(lambda: list(gate.gateway.setup.warm.loads))


async def test_load_answers_when_the_model_is_loaded() -> None:
    """And unload when it is not: the status goes along."""
    async with Simulator(SLOW) as server, gateway(backend("lmstudio", server.url)) as gate:
        loaded = await post(f"{gate.url}/v1/models/{NAME}/load", None)
        status = await get(f"{gate.url}/v1/models/{NAME}/status")
        unloaded = await post(f"{gate.url}/v1/models/qwen%2Fqwen3-8b/unload", None)

    assert loaded.status == 200
    assert (loaded.json["id"], loaded.json["state"]) == (NAME, "loaded")
    assert 0.3 <= loaded.json["seconds"] < 2
    assert (status.json["state"], unloaded.json["state"]) == ("loaded", "not_loaded")


@pytest.mark.parametrize(
    ("body", "headers"),
    [({"stream": True}, {}), ({}, {"Accept": "text/event-stream"})],
    ids=["body", "header"],
)
async def test_load_tells_how_far_it_is_where_events_are_asked_for(
    body: dict[str, Any], headers: dict[str, str]
) -> None:
    """Phases, and one end."""
    async with Simulator(SLOW) as server, gateway(backend("lmstudio", server.url)) as gate:
        answer = await post(f"{gate.url}/v1/models/{NAME}/load", body, headers)

    told = frames(answer.text)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert {event for event, _ in told[:-1]} == {"phase"}
    assert told[0][1]["id"] == NAME
    event, end = told[-1]
    assert (event, end["outcome"], end["error"]) == ("end", "loaded", None)


async def test_a_second_caller_joins_and_a_leaver_stops_nothing() -> None:
    """P23: one load at the backend, though the first caller has left."""
    async with Simulator(SLOW) as server, gateway(backend("lmstudio", server.url)) as gate:
        loads = gate.gateway.setup.warm.loads
        async with aiohttp.ClientSession() as session, anyio.create_task_group() as group:
            first = await session.post(f"{gate.url}/v1/models/{NAME}/load", json={"stream": True})
            await under_way(gate)
            status = await get(f"{gate.url}/v1/models/{NAME}/status")
            assert (status.json["state"], status.json["elapsed"] is not None) == ("loading", True)
            group.start_soon(post, f"{gate.url}/v1/models/{NAME}/load", None)
            await until(lambda: [load.waiters for load in loads] == [2])
            first.close()
            await until(lambda: [load.waiters for load in loads] == [1])
        told = await get(f"{gate.url}/v1/models/{NAME}/status")
        text = (await get(f"{gate.url}/metrics")).text

    assert (told.json["state"], told.json["elapsed"]) == ("loaded", None)
    assert 'tokenweir_model_load_seconds_count{backend="inference",outcome="loaded"} 1.0' in text


async def test_a_reader_that_takes_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """P14, D03: as where answers are streamed; nobody waits for the load any more, and it is stopped."""

    def too_much(_event: str, _told: dict[str, Any]) -> bytes:
        return b": " + b"x" * 30_000_000 + b"\n\n"  # more than all buffers on the way hold

    monkeypatch.setattr(model_life, "_frame", too_much)
    slow = Quirks(provider="lmstudio", models=(NAME,), load_seconds=60)
    async with Simulator(slow) as server, gateway(backend("lmstudio", server.url)) as gate:
        beats, seconds, now = gate.gateway.beats, count(), running_clock()()
        with socket.create_connection(("127.0.0.1", urlsplit(gate.url).port or 0)) as peer:
            head = f"POST /v1/models/{NAME}/load HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            peer.sendall(f"{head}Content-Length: 0\r\n\r\n".encode())
            await under_way(gate)

            def cut() -> bool:
                for beat in list(beats):
                    beat(now + next(seconds))
                return not list(gate.gateway.setup.warm.loads)

            await until(cut)
        await until(lambda: not beats)
        await server.until_idle()

    assert next(seconds) > 30


async def test_the_last_leaver_stops_it() -> None:
    """P10: the backend's connection is closed."""
    slow = Quirks(provider="lmstudio", models=(NAME,), load_seconds=30)
    async with (
        Simulator(slow) as server,
        gateway(backend("lmstudio", server.url)) as gate,
        aiohttp.ClientSession() as session,
    ):
        answer = await session.post(f"{gate.url}/v1/models/{NAME}/load", json={"stream": True})
        await under_way(gate)
        answer.close()
        await until(lambda: not list(gate.gateway.setup.warm.loads))
        with anyio.fail_after(2):
            await server.until_idle()


async def test_what_a_backend_cannot_do_is_501() -> None:
    """In plain words, and as OpenAI's error; a load is a request for one token there."""
    async with (
        Simulator(Quirks(models=("m",))) as server,
        gateway(backend("openai-compatible", server.url + "/v1")) as gate,
    ):
        loaded = await post(f"{gate.url}/v1/models/m/load", {})
        unloaded = await post(f"{gate.url}/v1/models/m/unload", {})

    assert loaded.status == 200
    assert len(server.log) == 1
    assert unloaded.status == 501
    assert unloaded.json["error"]["code"] == "cannot"
    assert "cannot unload a model" in unloaded.json["error"]["message"]


@pytest.mark.parametrize(
    ("body", "param"), [({"stream": "yes"}, "stream"), ({"base_url": "http://evil.test"}, "base_url")]
)
async def test_nothing_else_may_be_said(body: dict[str, Any], param: str) -> None:
    """P25: the names of settings are no options here."""
    async with Simulator(SLOW) as server, gateway(backend("lmstudio", server.url)) as gate:
        answer = await post(f"{gate.url}/v1/models/{NAME}/load", body)

    assert (answer.status, answer.json["error"]["param"]) == (400, param)


async def test_unknown_models_and_dead_backends() -> None:
    """404 and 502, before anything was told."""
    async with Simulator(SLOW) as server, gateway(backend("lmstudio", server.url)) as gate:
        unknown = await post(f"{gate.url}/v1/models/nobody/load", {"stream": True})
        await get(f"{gate.url}/v1/models")
        await server.aclose()
        dead = [
            await post(f"{gate.url}/v1/models/{NAME}/{order}", {"stream": True} if order == "load" else None)
            for order in ("load", "unload")
        ]
        whole = await post(f"{gate.url}/v1/models/{NAME}/load", None)

    assert unknown.status == 404
    told = frames(dead[0].text)[-1][1]
    assert (told["outcome"], told["error"]["code"]) == ("failed", "connect")
    assert dead[1].status == whole.status == 502
    assert all("127.0.0.1" not in one.text for one in (*dead, whole)), (
        "P24: where it is, is nobody's business"
    )
    assert all("backend 'inference'" in one.text for one in (*dead, whole))


@pytest.mark.parametrize(
    ("kind", "status"),
    [("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/octet-stream", 200)],
)
@pytest.mark.parametrize("order", ["load", "unload"])
async def test_no_form_of_a_web_page_is_an_order(kind: str, status: int, order: str) -> None:
    """P26, S02: without a body too; a client that names a type for no body at all is no page."""
    async with (
        Simulator(SLOW) as server,
        gateway(backend("lmstudio", server.url)) as gate,
        aiohttp.ClientSession() as session,
        session.post(f"{gate.url}/v1/models/{NAME}/{order}", headers={"Content-Type": kind}) as answer,
    ):
        assert answer.status == status


@pytest.mark.parametrize("order", ["load", "unload"])
async def test_an_order_needs_neither_a_body_nor_a_type(order: str) -> None:
    """As `curl -X POST` sends it."""
    async with (
        Simulator(SLOW) as server,
        gateway(backend("lmstudio", server.url)) as gate,
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session,
        session.post(f"{gate.url}/v1/models/{NAME}/{order}") as answer,
    ):
        assert "Content-Type" not in answer.request_info.headers
        assert answer.status == 200


@pytest.mark.parametrize(
    ("wrong", "status"), [(MisuseError("no such option"), 400), (KeyError("sk-canary-1"), 502)]
)
async def test_an_unload_that_breaks_is_told(
    wrong: Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P24: as a load is, with the type of what no source should raise."""
    async with Simulator(SLOW) as server, gateway(backend("lmstudio", server.url)) as gate:

        async def unload(_name: str) -> None:
            raise wrong

        monkeypatch.setattr(gate.gateway.setup.backends["inference"].source, "unload", unload)
        answer = await post(f"{gate.url}/v1/models/{NAME}/unload", None)

    told = "no such option" if status == 400 else "the unload broke: KeyError"
    assert (answer.status, answer.json["error"]["message"]) == (status, told)
