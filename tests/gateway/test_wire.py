"""One streaming client's connection, over real sockets: headers, heartbeats, and a cut that is deserved."""

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from aiohttp import ClientSession, web

from tokenweir.gateway.wire import HEARTBEAT, Wire
from tokenweir.pipeline.clock import running_clock

pytestmark = pytest.mark.anyio

CHUNK = b": " + b"x" * 65_536 + b"\n\n"
Use = Callable[[Wire], Awaitable[None]]


@asynccontextmanager
async def serving(
    use: Use, *, heartbeat: float = 5.0, patience: float = 30.0, before: bytes = b""
) -> AsyncGenerator[int]:
    """A server whose one handler uses a wire; its port. `before` stands in the socket's buffer already."""

    async def handle(request: web.Request) -> web.StreamResponse:
        wire = Wire(request, heartbeat, patience)
        assert request.transport is not None
        request.transport.write(before)
        await use(wire)
        return wire.response

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.02)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_headers_go_out_with_the_first_bytes() -> None:
    """D15: none of what lies between keeps or packs the stream; and the end is a clean one."""

    async def use(wire: Wire) -> None:
        assert not wire.open
        await wire.write(b"data: 1\n\n")
        assert wire.open
        await wire.write(b"data: 2\n\n")
        assert wire.written == 18
        await wire.end()

    async with (
        serving(use) as port,
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/") as got,
    ):
        assert await got.text() == "data: 1\n\ndata: 2\n\n"

    assert got.headers["Content-Type"] == "text/event-stream"
    assert got.headers["X-Accel-Buffering"] == "no"
    assert "no-cache" in got.headers["Cache-Control"]
    assert "Content-Length" not in got.headers


async def test_silence_is_filled() -> None:
    """P16: once it has lasted for as long as is configured; writing anything is no silence."""
    clock, over = running_clock(), anyio.Event()
    wires: list[Wire] = []

    async def use(wire: Wire) -> None:
        wire.beat(clock() + 100)  # nothing has been sent: there is no stream to fill
        assert not wire.open
        await wire.write(b"data: 1\n\n")
        wires.append(wire)
        await over.wait()
        await wire.end()

    async with (
        serving(use) as port,
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/") as got,
    ):
        assert await got.content.readany() == b"data: 1\n\n"
        [wire] = wires
        now = clock()
        wire.beat(now + 4.0)
        wire.beat(now + 4.7)
        wire.beat(now + 6.0)
        assert await got.content.readany() == HEARTBEAT
        over.set()
        assert await got.content.read() == b""


@pytest.mark.parametrize("reads", [False, True], ids=["dead", "slow"])
async def test_a_reader_that_takes_nothing_is_cut(*, reads: bool) -> None:
    """P14, D03, D04: after the configured patience; one that takes a little now and then is not."""
    clock = running_clock()
    wires: list[Wire] = []
    began, left = anyio.Event(), anyio.Event()

    async def use(wire: Wire) -> None:
        wires.append(wire)
        began.set()
        try:
            while True:
                await wire.write(CHUNK)
        finally:
            left.set()

    async with serving(use) as port:
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await began.wait()
            await anyio.wait_all_tasks_blocked()
            [wire], now = wires, clock()
            for second in range(31):
                assert not wire.reader.dead
                wire.beat(now + second)
                if reads:
                    await anyio.to_thread.run_sync(peer.recv, 1 << 20, socket.MSG_WAITALL)
                    await anyio.wait_all_tasks_blocked()
            assert wire.reader.dead is (not reads)
            if not reads:
                await left.wait()


async def test_a_reader_that_takes_nothing_of_the_end_is_cut() -> None:
    """P14: the last bytes wait for the client as all others do, and no heartbeat comes behind the end."""
    clock = running_clock()
    wires: list[Wire] = []
    began, left = anyio.Event(), anyio.Event()

    async def use(wire: Wire) -> None:
        wires.append(wire)
        await wire.write(b"data: 1\n\n")
        began.set()
        try:
            await wire.end()
        finally:
            left.set()

    async with serving(use, heartbeat=2.0, patience=5.0, before=CHUNK * 100) as port:
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await began.wait()
            await anyio.wait_all_tasks_blocked()
            [wire], now = wires, clock()
            for second in range(6):
                assert not wire.reader.dead
                wire.beat(now + second)
            assert wire.reader.dead
            await left.wait()

    assert wire.written == 9


async def test_nothing_is_said_behind_the_end() -> None:
    """P19: the end is the last that a client sees, however late the next look comes."""
    clock = running_clock()

    async def use(wire: Wire) -> None:
        await wire.write(b"data: 1\n\n")
        await wire.end()
        wire.beat(clock() + 100)
        assert wire.written == 9

    async with (
        serving(use) as port,
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/") as got,
    ):
        assert await got.read() == b"data: 1\n\n"
