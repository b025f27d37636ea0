"""One client's connection, over real sockets: what is cut, and what every refusal says."""

import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest
from aiohttp import web

from tests.gateway.configured import backend, loaded
from tests.gateway.raw import connected, parsed, request, rest_of
from tests.gateway.small import small
from tests.gateway.until import until
from tokenweir.gateway.connection import GRACE
from tokenweir.gateway.gateway import GATEWAY, Gateway
from tokenweir.gateway.runner import runner_for
from tokenweir.pipeline.clock import running_clock

pytestmark = pytest.mark.anyio

PATIENCE = 5.0
LARGE = b"x" * 20_000_000
KEPT = request("GET /", [], b"").replace(b"Connection: close\r\n", b"")


class Serving:
    """A server whose one route is silent, or answers all at once; `left` is set when a handler was left."""

    def __init__(self) -> None:
        limits = {"limits": {"write_timeout_secs": PATIENCE}}
        self.gateway = Gateway(loaded(backend("openai", "http://127.0.0.1:9") | limits))
        self.port = 0
        self.silent = False
        self.asked = 0
        self.left = anyio.Event()

    async def answer(self, _request: web.Request) -> web.Response:
        """All at once, or never."""
        self.asked += 1
        try:
            if self.silent:
                await anyio.sleep_forever()
            return web.Response(body=LARGE)
        except BaseException:
            self.left.set()
            raise


@asynccontextmanager
async def serving() -> AsyncGenerator[Serving]:
    """One that listens."""
    made, app = Serving(), web.Application()
    app[GATEWAY] = made.gateway
    app.router.add_get("/", made.answer)
    runner = runner_for(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.port = runner.addresses[0][1]
        yield made
    finally:
        await runner.cleanup()
        await made.gateway.setup.aclose()


@pytest.mark.parametrize("reads", [False, True], ids=["dead", "slow"])
async def test_who_reads_nothing_of_a_whole_answer_is_cut(*, reads: bool) -> None:
    """P14, D03, D04: also where its handler has returned long ago; a slow one is not cut."""
    async with serving() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            await anyio.to_thread.run_sync(peer.sendall, KEPT)
            await until(lambda: server.asked)
            await anyio.wait_all_tasks_blocked()
            [beat], now = server.gateway.beats, running_clock()()
            for second in range(int(PATIENCE + GRACE) + 1):
                assert server.gateway.beats
                beat(now + second)
                if reads:
                    await anyio.to_thread.run_sync(peer.recv, 1 << 20, socket.MSG_WAITALL)
                    await anyio.wait_all_tasks_blocked()
            if reads:
                assert server.gateway.beats == {beat}
            else:
                await until(lambda: not server.gateway.beats)


async def test_nobody_is_cut_where_nothing_waits() -> None:
    """P14: a client that has read everything may be silent for as long as it likes."""
    async with serving() as server:
        server.silent = True
        async with await anyio.connect_tcp("127.0.0.1", server.port) as peer:
            await peer.send(KEPT)
            await until(lambda: server.asked)
            [beat] = server.gateway.beats
            for second in range(100):
                beat(running_clock()() + second)
            await anyio.wait_all_tasks_blocked()
            assert server.gateway.beats
        await server.left.wait()
        await until(lambda: not server.gateway.beats)


async def test_who_asks_on_and_on_is_cut() -> None:
    """P11: a few questions may wait behind one that is not answered yet; with more, nobody would be heard
    leaving."""
    async with serving() as server:
        server.silent = True
        async with await anyio.connect_tcp("127.0.0.1", server.port) as peer:
            await peer.send(KEPT * 9)
            await until(lambda: server.asked)
            await anyio.wait_all_tasks_blocked()
            assert not server.left.is_set()
            await peer.send(KEPT * 200)
            with anyio.fail_after(1):
                await server.left.wait()
            assert await rest_of(peer) == b""

    assert server.asked == 1


@pytest.mark.parametrize("together", [False, True], ids=["later", "in one piece"])
async def test_who_sends_much_behind_a_question_is_cut(*, together: bool) -> None:
    """P11: aiohttp stops reading for a body that nobody asks for yet, and would not hear of a client that
    leaves. A second's tick finds what had come before there was a handler."""
    behind = request("POST /", ["Content-Length: 900000"], b" " * 400_000)
    async with serving() as server:
        server.silent = True
        async with await anyio.connect_tcp("127.0.0.1", server.port) as peer:
            await peer.send(KEPT + behind if together else KEPT)
            await until(lambda: server.asked)
            await anyio.wait_all_tasks_blocked()
            with contextlib.suppress(anyio.BrokenResourceError):
                await peer.send(behind)
            for beat in list(server.gateway.beats):
                beat(running_clock()())
            with anyio.fail_after(1):
                await server.left.wait()
            assert await rest_of(peer) == b""

    assert server.asked == 1


@pytest.mark.parametrize("size", [10, 150_000, 900_000])
async def test_a_large_body_in_front_of_a_question_is_read(size: int) -> None:
    """P29: aiohttp pauses for the body that is being read, and nobody is cut for that."""
    body = b'{"a":"' + b"x" * size + b'"}'
    first = request("POST /echo", ["Content-Type: application/json"], body)
    async with small() as server, await connected(server) as peer:
        await peer.send(first.replace(b"Connection: close\r\n", b"") + request("GET /public", [], b""))
        got = await rest_of(peer)

    assert got.count(b"HTTP/1.1 200") == 2


async def test_a_few_questions_at_once_are_all_answered() -> None:
    """In their order: pipelining is what HTTP allows."""
    async with small() as server, await connected(server) as peer:
        ask = request("GET /public", [], b"")
        await peer.send(ask.replace(b"Connection: close\r\n", b"") * 8 + ask)
        got = await rest_of(peer)

    assert got.count(b"HTTP/1.1 200") == 9


async def test_what_is_no_request_has_an_id_too() -> None:
    """R03: like every other refusal, and the same headers."""
    async with small() as server, await connected(server) as peer:
        await peer.send(b"no HTTP\r\n\r\n")
        told = parsed(await rest_of(peer))

    assert told.status == 400
    assert len(told.headers["x-request-id"]) == 32
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["server"] == "tokenweir"
