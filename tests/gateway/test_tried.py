"""Who was asked in vain, and why: from what streams tell, without an address."""

from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from tests.gateway.configured import loaded
from tests.gateway.serving import CHAT, HI, gateway, get, post
from tokenweir.gateway import answer
from tokenweir.gateway.server import Server
from tokenweir.gateway.setup import Setup
from tokenweir.gateway.tried import Tried
from tokenweir.pipeline.events import Delta, End, Event, Failure, Phase
from tokenweir.pipeline.retry import Retry
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

REFUSED = Failure("connect", "no connection to http://b.test:1/v1: refused", status=None)


def a_try(*names: str) -> Tried:
    """Backends of these names, each at an address of its own."""
    backends = {
        name: {"provider": "openai-compatible", "base_url": f"http://{name}.test:1"} for name in names
    }
    served = Setup(loaded({"backends": backends})).backends.values()
    return Tried(list(served), [one.source for one in served])


def gone(reason: str) -> Phase:
    """What a stream says when it goes on."""
    return Phase("connecting", None, f"openai-compatible, since openai-compatible failed: {reason}", 1.0)


def end_of(tried: Tried, *events: Event, failure: Failure | None = REFUSED) -> End:
    """The end as it is told, after these events."""
    tried.look(list(events))
    tried.tell(batch := [*events, End("error", failure)])
    assert isinstance(batch[-1], End)
    return batch[-1]


def test_one_backend_has_its_own_failure() -> None:
    """P24: named, and not where it is."""
    tried = a_try("b")
    end = end_of(tried, Phase("connecting", None, "again in 0.5 s: busy"))

    assert end.failure == replace(REFUSED, message="no connection to backend 'b': refused")
    assert tried.names == ["b"]


def test_each_that_failed_is_told_with_its_reason() -> None:
    """A line for each, cut short, and without anybody's address; what kind it is the last one says."""
    tried = a_try("a", "b", "c")
    batch = [gone("no connection to http://a.test:1/v1: refused"), gone("HTTP 500: " + "x" * 999 + "\nmore")]
    end = end_of(tried, *batch, failure=Failure("timeout", "waited\n5 s", "first_token"))

    assert end.failure is not None
    assert (end.failure.kind, end.failure.phase) == ("timeout", "first_token")
    opening, *lines = end.failure.message.split("\n")
    assert opening == "each backend that was asked has failed"
    assert lines == ["a: no connection to backend 'a': refused", f"b: HTTP 500: {'x' * 190}...", "c: waited"]
    assert tried.names == ["a", "b", "c"]


def test_phases_have_no_address_either() -> None:
    """P24: what a phase tells beside its name goes to clients, and stays true else."""
    tried = a_try("a", "b")
    plain = Phase("loading", 0.5, "layer 3 of 7", 1.0)
    batch: list[Event] = [gone("no connection to http://a.test:1/v1: refused"), plain, Phase("connecting")]
    tried.look(batch)
    tried.tell(batch)

    assert batch == [gone("no connection to backend 'a': refused"), plain, Phase("connecting")]
    assert tried.names == ["a", "b"]


def test_what_is_no_word_of_a_stream_counts_for_nothing() -> None:
    """A wait for another attempt, a backend's own detail, and more than there are."""
    tried = a_try("a", "b")
    tried.look(
        [Phase("loading", 0.5, "since openai failed: x"), Phase("connecting", None, "again in 1 s: y")]
    )
    assert tried.names == ["a"]
    tried.look([gone("z"), gone("z"), Delta("text")])
    assert tried.names == ["a", "b"]


async def test_whole_answers_have_nothing_to_tell() -> None:
    """An end without a failure stays as it is."""
    assert end_of(a_try("a", "b"), gone("z"), failure=None) == End("error")


def in_turn(*addresses: str) -> dict[str, Any]:
    """A route of backends a, b, c, at these addresses."""
    names = "abc"[: len(addresses)]
    return {
        "backends": {
            name: {"provider": "vllm", "base_url": address}
            for name, address in zip(names, addresses, strict=True)
        },
        "routes": [{"model": "*", "backends": [*names], "ask_for": "m"}],
    }


async def first_is_gone(server: Server) -> None:
    """Each backend is asked once; the first one has told its models, and cannot be reached any more."""
    assert (await get(f"{server.url}/v1/models")).status == 200
    for served in server.gateway.setup.backends.values():
        served.source.retry = Retry(attempts=1)
    first = server.gateway.setup.backends["a"].source
    assert isinstance(first, HTTPSource)
    first.base_url = "http://127.0.0.1:9/v1"


async def test_progress_as_events_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """P24: the phase that says who was given up goes out as JSON, with its detail."""
    monkeypatch.setattr(answer, "OPEN_AFTER", 0.0)
    works = Simulator(Quirks(models=("m",)))
    async with works, gateway(in_turn(works.url, works.url)) as server:
        await first_is_gone(server)
        ask = {**HI, "model": "simulated-model", "stream": True}
        got = await post(server.url + CHAT, ask, {"X-Tokenweir-Progress": "events"})

    assert got.status == 200
    assert "since vllm failed: " in got.text
    assert "backend 'a'" in got.text
    assert "127.0.0.1" not in got.text


async def test_a_websocket_names_no_address_either() -> None:
    """P24: nor in the phases, nor in the end; and the log has who was asked."""
    async with Simulator(Quirks(fault="status-500", models=("m",))) as broken:
        async with (
            gateway(in_turn(broken.url, broken.url)) as server,
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{server.url}/v1/stream") as ws,
        ):
            await first_is_gone(server)
            await ws.send_json({**HI, "model": "simulated-model"})
            frames = [await ws.receive_json()]
            while frames[-1]["type"] != "end":
                frames.append(await ws.receive_json())
        [note] = server.gateway.live.recent

    assert (note.tried, note.backend) == (["a", "b"], "b")
    assert "backend 'a'" in " ".join(str(frame.get("detail")) for frame in frames)
    _, dead, failed = frames[-1]["failure"]["message"].split("\n")
    assert dead.startswith("a: ")
    assert "backend 'a'" in dead
    assert failed.startswith("b: HTTP 500")
    assert "127.0.0.1" not in str(frames)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_refusal_of_a_route_names_all_of_it(*, stream: bool) -> None:
    """P24, P7: 502 with each backend and its reason, and no address."""
    async with Simulator(Quirks(fault="status-500")) as broken:
        config = {
            "backends": {
                "first": {"provider": "openai", "base_url": broken.url},
                "second": {"provider": "ollama", "base_url": "http://127.0.0.1:9"},
            },
            "routes": [{"model": "*", "backends": ["first", "second"]}],
        }
        async with gateway(config) as server:
            for served in server.gateway.setup.backends.values():
                served.source.retry = Retry(attempts=1)
            got = await post(server.url + CHAT, {**HI, "model": "simulated-model", "stream": stream})
            [note] = server.gateway.live.recent

    assert (got.status, note.tried, note.backend) == (502, ["first", "second"], "second")
    _, first, second = got.json["error"]["message"].split("\n")
    assert first.startswith("first: HTTP 500")
    assert second.startswith("second: ")
    assert "127.0.0.1" not in got.text
