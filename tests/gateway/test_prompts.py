"""Stored prompts over a socket: the start at once, whatever the model does."""

import time
from typing import Any

import aiohttp
import anyio
import msgspec
import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import Answered, gateway, post
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

PATH = "/api/prompts/execute/stream"
COLD = Quirks(
    provider="lmstudio", models=("medicine-llm",), load_seconds=0.6, script=script_of("Take a walk.")
)
PROMPTS: dict[str, Any] = {
    "prompts": {
        "28": {"template": "About {{topic}}", "system": "Be brief.", "parameters": {"temperature": 0.1}},
        "plain": {"template": "Hi", "model": "medicine-llm"},
    }
}


async def test_a_cold_model_is_waited_for_with_phases() -> None:
    """P16: `start` before the model is loaded, then phases, tokens, and one end with figures."""
    times: dict[str, float] = {}
    frames: list[dict[str, Any]] = []
    async with Simulator(COLD) as server, gateway(backend("lmstudio", server.url) | PROMPTS) as gate:
        body = {"promptId": 28, "modelId": "medicine-llm", "variables": {"topic": "{{7*7}}"}}
        began = time.perf_counter()
        async with aiohttp.ClientSession() as session, session.post(gate.url + PATH, json=body) as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    frames.append(msgspec.json.decode(line[6:]))
                    times.setdefault(frames[-1]["type"], time.perf_counter() - began)
            request_id = frames[0]["requestId"]
            recent = gate.gateway.live.recent[0]
        [exchange] = server.log

    assert list(times) == ["start", "phase", "token", "end"]
    assert times["start"] + 0.4 < times["token"]
    assert frames[0] == {"type": "start", "promptId": 28, "modelId": "medicine-llm", "requestId": request_id}
    phases = [frame for frame in frames if frame["type"] == "phase"]
    assert [phase["name"] for phase in phases].count("connecting") == 1
    assert "loading" in [phase["name"] for phase in phases]
    assert all(phase["elapsed"] >= 0 for phase in phases)
    assert "".join(frame["content"] for frame in frames if frame["type"] == "token") == "Take a walk."
    end = frames[-1]
    assert (end["outcome"], end["error"], end["finish"]) == ("complete", None, "stop")
    assert end["usage"]["completion_tokens"] > 0
    assert (recent.request_id, recent.endpoint, recent.outcome) == (request_id, "prompt", "complete")
    assert exchange.outcome == "finished"


async def test_who_waits_for_a_place_is_told_so_with_a_time() -> None:
    """P16: `start` first, though another answer has the only place."""
    async with (
        Simulator(COLD) as server,
        gateway(backend("lmstudio", server.url, max_concurrent=1) | PROMPTS) as gate,
    ):
        answers: list[Answered] = []

        async def ask() -> None:
            answers.append(await post(gate.url + PATH, {"promptId": "plain"}))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            group.start_soon(ask)

    start, queued, *_ = answers[-1].chunks
    assert (start["type"], queued["name"]) == ("start", "queued")
    assert queued["elapsed"] >= 0


async def test_the_model_may_be_a_number_that_a_route_names() -> None:
    """And where the request names none, it is the prompt's own."""
    quick = Quirks(provider="lmstudio", models=("medicine-llm", "other"))
    routes = {"routes": [{"model": "1", "backends": ["inference"], "ask_for": "other"}]}
    async with (
        Simulator(quick) as server,
        gateway(backend("lmstudio", server.url) | PROMPTS | routes) as gate,
    ):
        numbered = await post(gate.url + PATH, {"promptId": "plain", "modelId": 1})
        own = await post(gate.url + PATH, {"promptId": "plain", "modelId": None})

    assert [answer.chunks[0]["modelId"] for answer in (numbered, own)] == ["other", "medicine-llm"]


async def test_a_backend_that_fails_after_the_start_is_told_in_the_end() -> None:
    """P2: the stream has begun, so that no status can say it."""
    async with Simulator(COLD) as server, gateway(backend("lmstudio", server.url) | PROMPTS) as gate:
        await gate.gateway.setup.backends["inference"].catalog.fresh()
        await server.aclose()
        answer = await post(gate.url + PATH, {"promptId": "plain"})

    assert answer.status == 200
    assert [frame["type"] for frame in answer.chunks if frame["type"] != "phase"] == ["start", "end"]
    end = answer.chunks[-1]
    assert (end["outcome"], end["error"]["code"]) == ("error", "connect")


@pytest.mark.parametrize(
    ("body", "status", "param", "says"),
    [
        ({}, 400, "promptId", "missing"),
        ({"promptId": True}, 400, "promptId", "whole number"),
        ({"promptId": 29}, 404, "promptId", "there are: 28, plain"),
        ({"promptId": 28}, 400, "variables", "missing: topic"),
        ({"promptId": "plain", "variables": {"x": 1}}, 400, "variables", "no such variables: x"),
        ({"promptId": "plain", "variables": {"x": [1]}}, 400, "variables.x", "neither"),
        ({"promptId": "plain", "variables": []}, 400, "variables", "object"),
        ({"promptId": "plain", "modelId": 1.5}, 400, "modelId", "whole number"),
        ({"promptId": "plain", "modelId": "nobody"}, 404, None, "nobody"),
        ({"promptId": "plain", "parameters": {"tools": []}}, 400, "parameters.tools", "may be set"),
        ({"promptId": "plain", "parameters": 1}, 400, "parameters", "object"),
        ({"promptId": "plain", "base_url": "http://evil.test"}, 400, "base_url", "known here"),
    ],
)
async def test_what_is_wrong_with_a_request(body: object, status: int, param: str | None, says: str) -> None:
    """R06, R09: a real status, and the part that is wrong."""
    async with Simulator(COLD) as server, gateway(backend("lmstudio", server.url) | PROMPTS) as gate:
        answer = await post(gate.url + PATH, body)

    assert (answer.status, answer.json["error"]["param"]) == (status, param)
    assert says in answer.json["error"]["message"]
    assert not server.log


async def test_parameters_go_along() -> None:
    """The prompt's own, and the request's before them."""
    async with Simulator(COLD) as server, gateway(backend("lmstudio", server.url) | PROMPTS) as gate:
        body = {
            "promptId": "28",
            "variables": {"topic": 1},
            "modelId": "medicine-llm",
            "parameters": {"max_tokens": 1},
        }
        answer = await post(gate.url + PATH, body)

    end = answer.chunks[-1]
    assert (end["finish"], end["usage"]["completion_tokens"]) == ("length", 1)
