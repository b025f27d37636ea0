"""`GET /api/status`: what the page shows."""

import anyio
import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import CHAT, gateway, get, post
from tests.gateway.until import until
from tokenweir.gateway import server
from tokenweir.gateway.gateway import Gateway
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

QUESTION = {"messages": [{"role": "user", "content": "secret question"}], "stream": True}


async def test_loading_live_and_ended_answers() -> None:
    """S16: figures and names, and no text of anybody's."""
    quirks = Quirks(
        provider="lmstudio",
        models=("m",),
        load_seconds=0.3,
        rate=100,
        script=script_of("secret answer " * 30),
    )
    async with Simulator(quirks) as sim, gateway(backend("lmstudio", sim.url, preload=["m"])) as gate:
        await until(lambda: list(gate.gateway.setup.warm.loads))
        loading = (await get(f"{gate.url}/api/status")).json
        await gate.gateway.setup.warm.preloading_done()
        async with anyio.create_task_group() as group:
            group.start_soon(post, gate.url + CHAT, QUESTION)
            await until(lambda: [one.tokens > 5 for one in gate.gateway.live] == [True])
            live = await get(f"{gate.url}/api/status")
            assert "secret" not in live.text
            [answer] = live.json["live"]
            assert (answer["endpoint"], answer["backend"], answer["model"]) == ("chat", "inference", "m")
            assert (answer["state"], answer["progress"]) == ("streaming", None)
            assert answer["started_ago"] >= answer["first_token_after"] > 0
            assert 20 < answer["tokens_per_second"] < 500
        ended = await get(f"{gate.url}/api/status")

    [load] = loading["loads"]
    assert (load["backend"], load["model"], load["waiters"]) == ("inference", "m", 1)
    assert loading["preloaded"] is False
    assert loading["backends"][0]["models"][0]["state"] in ("loading", "not_loaded")
    assert ended.json["live"] == []
    [recent] = ended.json["recent"]
    assert (recent["model"], recent["outcome"], recent["kind"]) == ("m", "complete", None)
    assert recent["duration"] > recent["first_token_after"]
    assert 50 < recent["tokens_per_second"] < 150
    assert recent["ended_ago"] < 5
    assert ended.json["totals"] == {"started": 1, "ended": 1, "live": 0}
    assert (ended.json["phase"], ended.json["generation"], ended.json["failed_reloads"]) == ("ready", 1, 0)
    assert "secret" not in ended.text


async def test_backends_with_their_places_and_models() -> None:
    """Also one that is away."""
    config = {
        "backends": {
            "gone": {
                "provider": "openai-compatible",
                "base_url": "http://127.0.0.1:9/v1",
                "max_concurrent": 2,
            },
            "here": {"provider": "simulator", "default_model": "simulated-model"},
        }
    }
    async with gateway(config) as gate:
        catalogs = [served.catalog for served in gate.gateway.setup.backends.values()]
        await until(lambda: all(catalog.checked is not None for catalog in catalogs))
        gone, here = (await get(f"{gate.url}/api/status")).json["backends"]

    assert (gone["hosted"], here["hosted"]) == (False, False)

    assert (gone["name"], gone["state"], gone["places"], gone["models"]) == ("gone", "down", 2, [])
    assert (here["provider"], here["state"], here["default_model"]) == ("simulator", "up", "simulated-model")
    assert [model["id"] for model in here["models"]] == ["simulated-model"]
    assert (here["answering"], here["waiting"]) == (0, 0)


async def test_somebody_s_own_service_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its address, and not by what it speaks; and so does whoever can be told to unload a model. Nobody
    is asked."""

    async def nothing(_gateway: Gateway) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(server, "watch", nothing)
    config = {
        "backends": {
            "theirs": {"provider": "openai", "options": {"api_key": "sk-made-up"}},
            "ours": {"provider": "openai", "base_url": "http://127.0.0.1:9/v1"},
            "told": {"provider": "ollama", "base_url": "http://127.0.0.1:9"},
        }
    }
    async with gateway(config) as gate:
        told = (await get(f"{gate.url}/api/status")).json["backends"]

    orders = [(one["name"], one["hosted"], one["unloads"]) for one in told]
    assert orders == [("theirs", True, False), ("ours", False, False), ("told", False, True)]
