"""The gateway's life: start, another configuration, drain, end."""

from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp.web import AppRunner
from structlog.testing import capture_logs

from tests.gateway.configured import backend, loaded
from tests.gateway.serving import CHAT, HI, gateway, get, post
from tests.gateway.until import until
from tokenweir.config.read import Loaded
from tokenweir.config.reading import ConfigError
from tokenweir.gateway import warm
from tokenweir.gateway.gateway import Phase
from tokenweir.gateway.server import Server
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT, script_of

pytestmark = pytest.mark.anyio

STREAM: dict[str, Any] = {**HI, "model": "simulated-model", "stream": True}


async def flowing(server: Server, answers: int = 1) -> None:
    """Wait until so many answers have their first token."""
    while sum(answer.first_token is not None for answer in server.gateway.live) < answers:  # noqa: ASYNC110 - nothing tells it
        await anyio.sleep(0.001)


async def test_it_serves_until_it_is_left() -> None:
    """And its port is free then."""
    async with Simulator() as sim:
        async with gateway(backend("openai", sim.url)) as server:
            assert (await get(f"{server.url}/health/live")).status == 200
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(f"{server.url}/health/live")


async def test_an_address_that_is_taken_is_an_os_error() -> None:
    """C11: and nothing is left behind."""
    async with gateway(backend("openai", "http://127.0.0.1:9")) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            async with Server(loaded(backend("openai", "http://127.0.0.1:9")), port=port):
                pass


async def test_ready_may_wait_for_the_preload() -> None:
    """P22: live is not ready."""
    quirks = Quirks(provider="lmstudio", load_seconds=0.2)
    async with Simulator(quirks) as sim:
        config = backend("lmstudio", sim.url, preload=["simulated-model"])
        async with gateway(config | {"server": {"ready_after_preload": True}}) as server:
            assert server.gateway.phase is Phase.STARTING
            early = (await get(f"{server.url}/health/ready")).status
            while server.gateway.phase is Phase.STARTING:  # noqa: ASYNC110 - nothing tells it
                await anyio.sleep(0.005)
            late = (await get(f"{server.url}/health/ready")).status
            got = await post(server.url + CHAT, STREAM)

    assert (early, late) == (503, 200)
    assert ": loading" not in got.text


async def test_draining_lets_answers_end_and_takes_no_more() -> None:
    """P19: readiness falls at once, new requests get 503 and a closed connection."""
    async with Simulator(Quirks(rate=400)) as sim, gateway(backend("openai", sim.url)) as server:
        texts = list[str]()

        async def ask() -> None:
            texts.append((await post(server.url + CHAT, STREAM)).content)

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await flowing(server)
            group.start_soon(server.drain)
            await anyio.wait_all_tasks_blocked()
            refused = await post(server.url + CHAT, STREAM)
            assert (refused.status, refused.headers["Connection"]) == (503, "close")
            assert refused.json["error"]["code"] == "shutting_down"
            assert (await get(f"{server.url}/health/ready")).status == 503
            assert (await get(f"{server.url}/health/live")).status == 200

    assert texts == [ABOUT.text]


@pytest.mark.parametrize("how", ["late", "hurried"])
async def test_what_outlasts_the_drain_gets_a_true_end(how: str) -> None:
    """P19: after the configured time, or when it is told to hurry."""
    config = {"server": {"drain_timeout_secs": 0.05 if how == "late" else 60.0}}
    async with Simulator(Quirks(fault="stall")) as sim:
        texts = list[str]()

        async def ask(url: str) -> None:
            texts.append((await post(url + CHAT, STREAM)).text)

        async with (
            anyio.create_task_group() as group,
            gateway(backend("openai", sim.url) | config) as server,
        ):
            for _ in range(3):
                group.start_soon(ask, server.url)
            await flowing(server, 3)
            if how == "hurried":
                server.hurry()
            await server.drain()
            assert len(server.gateway.live) == 3
        await sim.until_idle()

    assert len(texts) == 3
    assert all('"code":"shutting_down"' in text and text.endswith("data: [DONE]\n\n") for text in texts)


async def test_another_configuration_is_taken_over_as_a_whole() -> None:
    """C12: answers under way stay with the backend that they began with."""
    old, new = Quirks(rate=400), Quirks(script=script_of("I am new."))
    async with (
        Simulator(old) as before,
        Simulator(new) as after,
        gateway(backend("openai", before.url)) as server,
    ):
        texts = list[str]()

        async def ask() -> None:
            texts.append((await post(server.url + CHAT, STREAM)).content)

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await flowing(server)
            assert server.reload(lambda: loaded(backend("openai", after.url)))
            await ask()
        generation = server.gateway.generation

    assert texts == ["I am new.", ABOUT.text]
    assert generation == 2


KEYS: dict[str, Any] = {"server": {"api_keys": [{"name": "x", "env": "KEY"}]}}


async def test_no_reload_takes_the_keys_off_an_open_address() -> None:
    """P27: the address stays the one that was bound, so what the new configuration says of it protects
    nobody; without a key it has to say that this is meant."""
    async with (
        Simulator() as sim,
        Server(loaded(backend("openai", sim.url) | KEYS, {"x": b"key"}), host="0.0.0.0", port=0) as server,  # noqa: S104 - that is the point
    ):
        assert not server.reload(lambda: loaded(backend("openai", sim.url)))
        assert (await get(server.url + "/v1/models")).status == 401
        assert server.reload(lambda: loaded(backend("openai", sim.url) | {"server": {"allow_no_key": True}}))
        assert (await get(server.url + "/v1/models")).status == 200


async def test_reloads_in_one_turn_leave_one_configuration_warming() -> None:
    """C12: the last one; those before it are closed, and load nothing any more."""
    slow = Quirks(provider="lmstudio", models=("m",), load_seconds=30)
    config = {"provider": "lmstudio", "preload": ["m"]}
    async with Simulator(slow) as sim, gateway(backend("lmstudio", sim.url)) as server:
        made = [server.gateway.setup]
        for _ in range(3):
            assert server.reload(lambda: loaded({"inference": {**config, "base_url": sim.url}}))
            made.append(server.gateway.setup)
        await until(lambda: list(made[-1].warm.loads))

        assert [bool(list(setup.warm.loads)) for setup in made] == [False, False, False, True]


async def test_backends_of_before_are_closed_when_their_last_answer_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C12: and at once where there is none; two reloads in one turn leave none of them open."""
    closed, really = list[Source](), HTTPSource.aclose

    async def close(self: HTTPSource) -> None:
        closed.append(self)
        await really(self)

    monkeypatch.setattr(HTTPSource, "aclose", close)
    async with Simulator(Quirks(rate=400)) as sim, gateway(backend("openai", sim.url)) as server:
        made = [server.gateway.setup]
        async with anyio.create_task_group() as group:
            group.start_soon(post, server.url + CHAT, STREAM)
            await flowing(server)
            for _ in range(2):
                assert server.reload(lambda: loaded(backend("openai", sim.url)))
                made.append(server.gateway.setup)
            await until(lambda: closed)
            assert closed == made[1].backends["inference"].sources()
        await until(lambda: len(closed) == 2)

        assert closed[1:] == made[0].backends["inference"].sources()
    assert closed[2:] == made[2].backends["inference"].sources()


async def test_the_end_closes_the_backends_of_before_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """P18: those of a request that had begun before a reload, and is over only when it is cut."""
    closed = list[str]()

    async def close() -> None:
        closed.append("old")

    async with Simulator() as sim, gateway(backend("openai", sim.url)) as server:
        old, runner = server.gateway.setup, server._runner  # pyright: ignore[reportPrivateUsage] - what cuts a request
        assert runner is not None

        async def cut(runner: AppRunner) -> None:
            await AppRunner.cleanup(runner)
            old.leave()

        monkeypatch.setattr(type(runner), "cleanup", cut)
        monkeypatch.setattr(old.backends["inference"].source, "aclose", close)
        old.enter()
        assert server.reload(lambda: loaded(backend("openai", sim.url)))

    assert closed == ["old"]


async def test_no_backend_is_closed_while_a_load_of_its_still_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """P10: first what was under way, then what it went through."""
    happened, go_on = list[str](), anyio.Event()

    async def load(_self: object, _name: str, **_options: Any) -> AsyncGenerator[object]:
        try:
            happened.append("began")
            await anyio.sleep_forever()
            yield None  # never
        finally:
            with anyio.CancelScope(shield=True):
                await go_on.wait()
            happened.append("ended")

    async def close() -> None:
        happened.append("closed")

    monkeypatch.setattr(HTTPSource, "load", load)
    async with Simulator() as sim:
        config = backend("openai-compatible", sim.url + "/v1", preload=["simulated-model"])
        async with gateway(config) as server:
            await until(lambda: happened)
            monkeypatch.setattr(server.gateway.setup.backends["inference"].source, "aclose", close)
            assert server.reload(lambda: loaded(backend("openai", sim.url)))
            await anyio.wait_all_tasks_blocked()
            go_on.set()
            await until(lambda: len(happened) == 3)

    assert happened == ["began", "ended", "closed"]


async def test_a_configuration_that_waits_for_no_preload_makes_it_ready() -> None:
    """P22: the first one waited for a model that never came."""
    slow = Quirks(provider="lmstudio", load_seconds=60)
    async with Simulator(slow) as sim:
        config = backend("lmstudio", sim.url, preload=["simulated-model"])
        async with gateway(config | {"server": {"ready_after_preload": True}}) as server:
            assert server.reload(lambda: loaded(config | {"server": {"ready_after_preload": True}}))
            assert server.gateway.phase is Phase.STARTING
            assert server.reload(lambda: loaded(config))

            assert (await get(f"{server.url}/health/ready")).status == 200


async def test_a_preload_that_fails_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """P22, P23: answers come meanwhile, and it is not ready before the model is there."""
    monkeypatch.setattr(warm, "FIRST_PAUSE", 0.01)
    failures, served = 2, list[str]()

    async def load(_self: object, name: str, **_options: Any) -> AsyncGenerator[object]:
        nonlocal failures
        if failures:
            failures -= 1
            raise KeyError(name)
        served.append(name)
        return
        yield

    monkeypatch.setattr(HTTPSource, "load", load)
    async with Simulator() as sim:
        config = backend("openai-compatible", sim.url + "/v1", preload=["simulated-model"])
        async with gateway(config | {"server": {"ready_after_preload": True}}) as server:
            got = await post(server.url + CHAT, STREAM)
            assert (server.gateway.phase, served) == (Phase.STARTING, []) or failures == 0
            await until(lambda: server.gateway.phase is Phase.READY)

    assert got.content == ABOUT.text
    assert (failures, served) == (0, ["simulated-model"])


async def test_no_order_of_a_source_that_is_broken_ends_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """P18: load, unload and keep warm may raise anything: the client of that is told, and no other."""

    def odd(*_args: object, **_options: Any) -> Any:
        raise KeyError("sk-canary-1")

    for name in ("load", "unload", "warming"):
        monkeypatch.setattr(HTTPSource, name, odd)
    async with Simulator(Quirks(rate=400)) as sim:
        settings = {"keep_warm": {"models": ["simulated-model"], "every_secs": 0.05}}
        config = backend("openai-compatible", sim.url + "/v1", preload=["simulated-model"], **settings)
        async with gateway(config) as server:
            texts = list[str]()

            async def ask() -> None:
                texts.append((await post(server.url + CHAT, STREAM)).content)

            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                await flowing(server)
                for order in ("load", "unload"):
                    got = await post(f"{server.url}/v1/models/simulated-model/{order}", None)
                    assert (got.status, "canary" in got.text) == (502, False)
                assert not texts

    assert texts == [ABOUT.text]


@pytest.mark.parametrize("where", ["reading", "making"])
async def test_a_reload_that_breaks_changes_nothing(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """C12, P24: a plug-in's settings or a file may raise anything; the log tells its type alone."""

    def odd(*_args: object, **_options: Any) -> Any:
        raise KeyError("sk-canary-1")

    async with Simulator() as sim, gateway(backend("openai", sim.url)) as server:
        if where == "making":
            monkeypatch.setattr("tokenweir.gateway.setup.connect", odd)
        with capture_logs() as logs:
            assert not server.reload(
                odd if where == "reading" else lambda: loaded(backend("openai", sim.url))
            )
        got = await post(server.url + CHAT, STREAM)

    assert got.content == ABOUT.text
    assert server.gateway.failed_reloads == 1
    assert [(line["event"], line["why"]) for line in logs[:1]] == [("reload_refused", "it broke: KeyError")]
    assert "canary" not in str(logs)


@pytest.mark.parametrize("fault", ["unreadable", "impossible"])
async def test_a_bad_configuration_changes_nothing(fault: str) -> None:
    """P21, C12: the old one goes on."""

    def read() -> Loaded:
        if fault == "unreadable":
            raise ConfigError(("x.yaml:1: no",))
        return loaded(backend("ollama", "http://localhost:11434/v1"))

    async with Simulator() as sim, gateway(backend("openai", sim.url)) as server:
        setup = server.gateway.setup
        assert not server.reload(read)
        got = await post(server.url + CHAT, STREAM)

    assert got.content == ABOUT.text
    assert server.gateway.setup is setup
    assert (server.gateway.generation, server.gateway.failed_reloads) == (1, 1)


async def test_a_thousand_clients_that_all_leave_leave_nothing() -> None:
    """R20: the streams are gone, the backends' connections too, and nobody got a 500."""
    count = 200
    async with Simulator(Quirks(fault="stall")) as sim, gateway(backend("openai", sim.url)) as server:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session, anyio.create_task_group() as group:

            async def ask() -> None:
                async with session.post(server.url + CHAT, json=STREAM) as answer:
                    await answer.read()

            for _ in range(count):
                group.start_soon(ask)
            while sim.active < count:  # noqa: ASYNC110 - the simulator has no event for a beginning
                await anyio.sleep(0.005)
            group.cancel_scope.cancel()
        await server.gateway.live.until_idle()
        await sim.until_idle()

    assert {exchange.outcome for exchange in sim.log} == {"client_left"}
    assert {answer.outcome for answer in server.gateway.live.recent} == {"cancelled"}


async def test_a_server_that_is_cancelled_is_closed_too() -> None:
    """P18: its port is free, and its answers have their ends."""
    texts, urls = list[str](), list[str]()

    async def ask(url: str) -> None:
        with anyio.CancelScope(shield=True):
            texts.append((await post(url + CHAT, STREAM)).text)

    async with Simulator(Quirks(fault="stall")) as sim:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group, gateway(backend("openai", sim.url)) as server:
                urls.append(server.url)
                group.start_soon(ask, server.url)
                await flowing(server)
                scope.cancel()
                await anyio.sleep_forever()
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(f"{urls[0]}/health/live")
        await sim.until_idle()

    assert texts[0].endswith("data: [DONE]\n\n")
