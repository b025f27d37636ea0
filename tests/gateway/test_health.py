"""Health tells the truth, cheaply, and no secret (PROMISES P22)."""

import time

import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import Answered, gateway, get
from tests.gateway.until import until
from tokenweir.gateway.gateway import Phase
from tokenweir.gateway.server import Server
from tokenweir.pipeline.events import Failure
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio


async def asked(gate: Server) -> None:
    """Wait until each backend has been asked once."""
    catalogs = [served.catalog for served in gate.gateway.setup.backends.values()]
    await until(lambda: all(catalog.checked is not None for catalog in catalogs))


async def test_health_of_a_working_backend() -> None:
    """P22: with the times that its settings say."""
    times = {
        "timeout_secs": 60,
        "connect_timeout_secs": 10,
        "keep_alive_secs": 30,
        "max_idle_connections": 10,
    }
    async with (
        Simulator(Quirks(provider="lmstudio", models=("a", "b"))) as server,
        gateway(backend("lmstudio", server.url, http=times)) as gate,
    ):
        await asked(gate)
        told = (await get(f"{gate.url}/health")).json

    checked = told["backends"]["inference"].pop("checked_secs_ago")
    assert 0 <= checked < 5
    assert told["uptime_secs"] > 0
    assert told | {"uptime_secs": 0, "version": ""} == {
        "status": "ok",
        "live": True,
        "ready": True,
        "preloaded": True,
        "version": "",
        "uptime_secs": 0,
        "streams": 0,
        "backends": {"inference": {"provider": "lmstudio", "state": "up", "models": 2}},
        "http": {"inference": times},
    }


async def test_a_dead_backend_is_down_and_nobody_is_asked() -> None:
    """P22: 5 ms and no address, whatever the backend does."""
    times: list[float] = []
    answers: list[Answered] = []
    async with gateway(backend("openai-compatible", "http://127.0.0.1:9/v1")) as gate:
        before = (await get(f"{gate.url}/health")).json
        await asked(gate)
        checked = gate.gateway.setup.backends["inference"].catalog.checked
        for _ in range(20):
            began = time.perf_counter()
            answers.append(await get(f"{gate.url}/health"))
            times.append(time.perf_counter() - began)

    assert before["backends"]["inference"]["state"] in ("unknown", "down")
    assert {answer.json["backends"]["inference"]["state"] for answer in answers} == {"down"}
    assert "127.0.0.1" not in answers[0].text
    assert gate.gateway.setup.backends["inference"].catalog.checked == checked
    assert min(times) < 0.005  # the client and its connection are in it


async def test_it_is_degraded_while_no_backend_answers() -> None:
    """P22: requests are taken all the same, and one that answers is enough for `ok`; while it drains, that
    is what counts."""
    config = {
        "backends": {
            name: {"provider": "openai-compatible", "base_url": "http://127.0.0.1:9/v1"} for name in "ab"
        }
    }
    async with gateway(config) as gate:
        await asked(gate)
        down = [await get(f"{gate.url}/health{path}") for path in ("", "/live", "/ready")]
        first = gate.gateway.setup.backends["a"].catalog
        first.failure = None
        one = await get(f"{gate.url}/health")
        first.listable = False
        nobody_knows = await get(f"{gate.url}/health")
        gate.gateway.phase = Phase.DRAINING
        first.failure, first.listable = Failure("connect", "gone"), True
        draining = await get(f"{gate.url}/health")

    assert [answer.status for answer in down] == [200, 200, 200]
    assert (down[0].json["status"], down[0].json["ready"]) == ("degraded", True)
    assert (down[1].json, down[2].json) == ({"live": True}, {"ready": True, "status": "ok"})
    assert [answer.json["status"] for answer in (one, nobody_knows, draining)] == ["ok", "ok", "draining"]


async def test_live_is_not_ready() -> None:
    """P22: before its models are loaded, and while it drains."""
    async with Simulator(Quirks(provider="lmstudio", models=("m",), load_seconds=0.3)) as server:
        config = backend("lmstudio", server.url, preload=["m"]) | {"server": {"ready_after_preload": True}}
        async with gateway(config) as gate:
            starting = [await get(f"{gate.url}/health{path}") for path in ("", "/live", "/ready")]
            await until(lambda: gate.gateway.phase is Phase.READY)
            ready = await get(f"{gate.url}/health/ready")
            gate.gateway.phase = Phase.DRAINING
            draining = [await get(f"{gate.url}/health{path}") for path in ("", "/live", "/ready")]

    assert [answer.status for answer in (*starting, ready, *draining)] == [200, 200, 503, 200, 200, 200, 503]
    assert [answer.json["status"] for answer in (starting[0], ready, draining[0])] == [
        "starting",
        "ok",
        "draining",
    ]
    assert (starting[0].json["preloaded"], starting[0].json["ready"], draining[0].json["ready"]) == (
        False,
    ) * 3
