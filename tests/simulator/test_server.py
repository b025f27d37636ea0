"""The server's life: addresses, endpoints, loads, its log, and clients that leave."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import anyio
import pytest

from tests.simulator.raw import CHAT, PROMPT, STREAM, Raw, post, talk, until
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import MisuseError
from tokenweir.simulator.answer import CREATED
from tokenweir.simulator.exchange import Exchange
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import ABOUT, script_of

pytestmark = pytest.mark.anyio
SILENT = Quirks(load_seconds=3600)
STALLED = Quirks(fault="stall", fault_after=1)


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


@pytest.fixture
async def web() -> AsyncIterator[aiohttp.ClientSession]:
    """aiohttp's client."""
    async with aiohttp.ClientSession() as session:
        yield session


def transport_of(server: Simulator) -> asyncio.Transport:
    """The server's end of its one connection."""
    runner = server._runner  # pyright: ignore[reportPrivateUsage] - nobody else needs to see its sockets
    assert runner is not None
    assert runner.server is not None
    (handler,) = runner.server.connections
    assert handler.transport is not None
    return handler.transport


async def test_models_and_health(web: aiohttp.ClientSession) -> None:
    """Each model in the four fields that OpenAI's typed client asks for."""
    async with Simulator(Quirks(models=("a", "b/c"))) as server:
        async with web.get(f"{server.url}/v1/models") as response:
            models = await response.json()
        async with web.get(f"{server.url}/health") as response:
            health = response.status, await response.json()

    assert models == {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": CREATED, "owned_by": "simulator"}
            for name in ("a", "b/c")
        ],
    }
    assert health == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nowhere", 404), ("POST", "/v1/nowhere", 404), ("GET", CHAT, 405)],
)
async def test_what_nothing_serves(web: aiohttp.ClientSession, method: str, path: str, status: int) -> None:
    """R13: in OpenAI's form too."""
    async with Simulator() as server, web.request(method, server.url + path) as response:
        body = await response.json()

        assert response.status == status
        assert body["error"]["message"] == f"Invalid URL ({method} {path})"


async def test_503_from_the_start_until_it_is_loaded(web: aiohttp.ClientSession) -> None:
    """PROTOCOLS 11.3: the models load from the server's start; health and chat agree."""
    async with Simulator(Quirks(fault="status-503-loading", load_seconds=0.2)) as server:
        async with web.get(f"{server.url}/health") as response:
            loading = response.status
        refused = await post(server.url, STREAM)
        await anyio.sleep(0.21)
        async with web.get(f"{server.url}/health") as response:
            loaded = response.status
        answered = await post(server.url, STREAM)

    assert (loading, refused.status, loaded, answered.status) == (503, 503, 200, 200)


async def test_one_load_for_all_who_wait() -> None:
    """P23: ten requests at once wait for one load, the next one for none, and after unload() again."""
    async with Simulator(Quirks(load_seconds=0.1, script=script_of("x"))) as server:
        clock = running_clock()
        began = clock()
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(post, server.url, STREAM)
        first = clock() - began
        await post(server.url, STREAM)
        second = server.log[-1].ended - server.log[-1].started
        server.unload()
        await post(server.url, STREAM)
        third = server.log[-1].ended - server.log[-1].started

    assert 0.1 <= first < 0.9, "ten loads one after another would be 1 s"
    assert second < 0.09
    assert third >= 0.1


async def test_the_log_is_the_upstream_s_side() -> None:
    """What was asked, what was written, how it ended; and the hook is told the same."""
    told: list[Exchange] = []
    async with Simulator(on_exchange=told.append) as server:
        answer = await post(server.url, {**STREAM, "model": "x"})
        await post(server.url, b"not JSON")
        await server.until_idle()

        first, second = server.log
        assert first.body == {**STREAM, "model": "x"}
        assert (first.model, first.status, first.outcome) == ("simulated-model", 200, "finished")
        assert first.bytes_written == len(answer.body)
        assert first.ended >= first.started
        assert (second.body, second.model, second.status, second.outcome) == (None, None, 400, "finished")
        assert told == [first, second]
        assert server.active == 0


@pytest.mark.parametrize("quirks", [SILENT, STALLED], ids=["before the headers", "in the middle"])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_in_silence_is_noticed(quirks: Quirks, *, stream: bool) -> None:
    """P11, D01: at once, though nothing is being written (PITFALLS 0.13)."""
    async with Simulator(quirks) as server:
        async with talk(server.url, {"messages": PROMPT, "stream": stream}) as connection:
            if quirks is STALLED:
                await connection.receive()
            await until(lambda: server.active == 1)
            left = running_clock()()
        with anyio.fail_after(5):
            await server.until_idle()

        assert server.log[-1].outcome == "client_left"
        assert server.log[-1].ended - left < 1


async def test_a_client_that_leaves_while_it_is_written_to() -> None:
    """D01: between tokens; what had been written until then is known."""
    async with Simulator(Quirks(rate=500, script=script_of("word " * 5000))) as server:
        async with talk(server.url, STREAM) as connection:
            await connection.receive()
        with anyio.fail_after(5):
            await server.until_idle()

        assert server.log[-1].outcome == "client_left"
        assert 0 < server.log[-1].bytes_written < 500_000


async def test_clients_that_leave_a_fast_stream_are_no_errors(caplog: pytest.LogCaptureFixture) -> None:
    """D01, X04: whether a write fails or the handler is cancelled, it is one outcome and no traceback."""
    async with Simulator(Quirks(script=script_of("word " * 5000))) as server:
        for _ in range(20):
            async with talk(server.url, STREAM) as connection:
                await connection.receive(1)
            with anyio.fail_after(5):
                await server.until_idle()

        assert {exchange.outcome for exchange in server.log} == {"client_left"}
        assert caplog.records == []


async def test_a_reader_that_stops_holds_the_writer() -> None:
    """P13: back-pressure reaches the simulator: a 50 MB line is not swallowed whole."""
    async with Simulator(Quirks(fault="long-line")) as server:
        async with talk(server.url, STREAM) as connection:
            await connection.receive(1)
            await until(lambda: transport_of(server).get_write_buffer_size() > 0)
        with anyio.fail_after(5):
            await server.until_idle()

        assert server.log[-1].outcome == "client_left"
        assert server.log[-1].bytes_written < 40_000_000


async def test_closing_ends_stalled_streams_at_once() -> None:
    """P19: three stalled streams do not hold it, and none of them ends as if it were whole."""
    server = Simulator(STALLED)
    await server.start()
    answers: list[Raw] = []
    times: list[float] = []

    async def ask() -> None:
        answers.append(await post(server.url, STREAM))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)
        await until(lambda: server.active == 3)
        times.append(running_clock()())
        await server.aclose()
        times.append(running_clock()())

    assert times[1] - times[0] < 1
    assert [exchange.outcome for exchange in server.log] == ["stopped"] * 3
    assert [answer.end for answer in answers] == ["fin"] * 3


async def test_closing_twice_is_nothing() -> None:
    """And what was never started can be closed."""
    server = Simulator()
    await server.aclose()
    async with server:
        pass
    await server.aclose()

    assert server.active == 0


async def test_a_port_that_is_taken() -> None:
    """C11: OSError, as the system says it, and nothing is left behind."""
    async with Simulator() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            await Simulator(port=port).start()


async def test_misuse_is_told() -> None:
    """No address before the start; one start only."""
    server = Simulator()
    with pytest.raises(MisuseError, match="has not started"):
        _ = server.url
    async with server:
        with pytest.raises(MisuseError, match="has started already"):
            await server.start()


async def test_ipv6_has_its_brackets() -> None:
    """C06: the URL can be used as it is."""
    async with Simulator(host="::1") as server:
        answer = await post(server.url, STREAM)

    assert server.url.startswith("http://[::1]:")
    assert answer.status == 200


async def test_tokens_are_not_held_back() -> None:
    """Each token is its own packet: Nagle's algorithm is off on the connection."""
    async with Simulator(STALLED) as server, talk(server.url, STREAM) as connection:
        await connection.receive()
        made = transport_of(server).get_extra_info("socket")

        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_fifty_streams_at_once(web: aiohttp.ClientSession) -> None:
    """Every one whole, and together they take as long as one."""
    bodies: list[bytes] = []
    async with Simulator(Quirks(rate=500)) as server:
        clock = running_clock()
        began = clock()

        async def ask() -> None:
            async with web.post(server.url + CHAT, json=STREAM) as response:
                bodies.append(await response.read())

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(ask)
        took = clock() - began
        await server.until_idle()

    assert len({body.replace(b'"id":"chatcmpl-', b"").count(b"data: ") for body in bodies}) == 1
    assert len(bodies) == 50
    assert took < 10 * len(ABOUT.tokens) / 500
    assert {exchange.outcome for exchange in server.log} == {"finished"}


async def test_who_ignores_cancel_lets_the_next_one_wait() -> None:
    """It generates on for a client that has left, for as long as that answer would have taken."""
    quirks = Quirks(script=script_of("a b c d e f"), rate=20.0, ignore_cancel=True)
    async with Simulator(quirks) as server:
        async with talk(server.url, STREAM) as connection:
            await connection.receive()
        await until(lambda: bool(server.log))
        next_one = await post(server.url, STREAM)
        left, answered = server.log

    assert (left.outcome, answered.outcome) == ("client_left", "finished")
    assert answered.started - left.started >= 0.3 - 0.001, "six tokens at 20 a second"
    assert next_one.end == "whole"
