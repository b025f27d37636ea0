"""A conversation over a websocket of aiohttp: opening, hearing, saying, leaving; over real sockets."""

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from aiohttp import WSMsgType, web
from anyio.lowlevel import checkpoint

from tokenweir.pipeline import aiohttp_socket
from tokenweir.pipeline.aiohttp_socket import AiohttpSocket
from tokenweir.pipeline.connection import DeadlinePassed, HTTPRequest
from tokenweir.pipeline.errors import error_for
from tokenweir.pipeline.events import End, Failure
from tokenweir.pipeline.transport import AiohttpTransport

pytestmark = pytest.mark.anyio
Script = Callable[[web.WebSocketResponse], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio."""
    return "asyncio"


class Echo:
    """Says hello, answers `?`, and says goodbye."""

    def begin(self) -> list[str]:
        return ["hello"]

    def heard(self, message: str) -> list[str]:
        if message == "!":
            raise error_for(End("error", Failure("bad_request", "no")))
        return ["yes"] if message == "?" else []

    def leave(self) -> list[str]:
        return ["bye"]


class Peer:
    """The other side: what it was told, and when it was left."""

    def __init__(self, script: Script) -> None:
        self.told: list[str] = []
        self.left = anyio.Event()
        self.script = script

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(timeout=0.1, autoping=False)
        await ws.prepare(request)
        self.told.append((await ws.receive()).data)
        await self.script(ws)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                self.told.append(message.data)
            elif message.type is WSMsgType.PONG:
                self.told.append(f"pong {message.data.decode()}")
        self.left.set()
        return ws


@asynccontextmanager
async def talking(
    script: Script, path: str = "/talk", **options: Any
) -> AsyncGenerator[tuple[AiohttpSocket, Peer]]:
    """A connection to a peer that plays a script."""
    peer, transport, app = Peer(script), AiohttpTransport(), web.Application()
    app.router.add_get("/talk", peer.serve)
    app.router.add_get("/moved", _moved)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    connection = transport.converse(
        HTTPRequest("GET", url, {"X-Own": "1"}, b""), Echo(), **{"connect": 5.0, **options}
    )
    try:
        yield connection, peer
    finally:
        connection.close()
        await transport.aclose()
        await runner.cleanup()


async def fault_of(connection: AiohttpSocket) -> Failure | None:
    """What a read fails with."""
    try:
        await connection.read()
    except Exception as fault:  # noqa: BLE001 - whatever it is, it has to mean something
        return connection.failure(fault)
    raise AssertionError("nothing failed")


async def _moved(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/talk")


def saying(*messages: str | bytes) -> Script:
    """A peer that says these and waits."""

    async def script(ws: web.WebSocketResponse) -> None:
        for message in messages:
            await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))

    return script


async def closing(ws: web.WebSocketResponse) -> None:
    """A peer that says one thing and goes."""
    await ws.send_str("a")
    await ws.close()


async def test_a_conversation() -> None:
    """A line for each message, binary ones too, and what is said to them; then the last word."""
    async with talking(saying("a", "?", b"b")) as (connection, peer):
        assert (connection.status, connection.connected) == (None, False)
        assert await connection.read() is None
        assert (connection.status, connection.connected) == (200, True)
        assert [await connection.read() for _ in range(3)] == [b"a\n", b"?\n", b"b\n"]
        connection.arm()
        assert connection.rescue() == b""
        connection.close()
        await peer.left.wait()

    assert peer.told == ["hello", "yes", "bye"]


async def test_released_it_has_nothing_to_call_off() -> None:
    """The peer had its last word."""
    async with talking(saying("a")) as (connection, peer):
        await connection.read()
        await connection.read()
        connection.release()
        await peer.left.wait()

    assert peer.told == ["hello"]


async def test_a_ping_is_answered_and_is_a_byte() -> None:
    """P15: whoever pings is alive: a keep-alive ends a silence, as a comment does over HTTP; so does a pong
    that nobody asked for."""

    async def pinging(ws: web.WebSocketResponse) -> None:
        await ws.ping(b"1")
        await ws.send_str("a")
        await ws.pong(b"2")

    async with talking(pinging) as (connection, peer):
        await connection.read()
        assert [await connection.read() for _ in range(3)] == [b"\n", b"a\n", b"\n"]
        connection.close()
        await peer.left.wait()

    assert peer.told == ["hello", "pong 1", "bye"]


async def test_the_peer_goes() -> None:
    """The end of the body; what it said before is there."""
    async with talking(closing) as (connection, _peer):
        await connection.read()

        assert [await connection.read() for _ in range(2)] == [b"a\n", b""]


async def test_a_cancelled_wait_loses_nothing() -> None:
    """While it opens, and while it hears."""
    go = anyio.Event()

    async def later(ws: web.WebSocketResponse) -> None:
        await go.wait()
        await ws.send_str("a")

    async with talking(later) as (connection, _peer):
        with anyio.move_on_after(0):
            await connection.read()
        assert await connection.read() is None
        with anyio.move_on_after(0):
            await connection.read()
        go.set()
        assert await connection.read() == b"a\n"


async def test_a_deadline() -> None:
    """It is looked at while waiting, and the next read goes on."""
    async with talking(saying()) as (connection, _peer):
        await connection.read()
        connection.deadline = anyio.current_time() + 0.01
        with pytest.raises(DeadlinePassed):
            await connection.read()


async def test_a_dialog_ends_it() -> None:
    """With its own failure."""
    async with talking(saying("!")) as (connection, _peer):
        await connection.read()
        assert await fault_of(connection) == Failure("bad_request", "no")


async def test_a_handshake_that_is_refused() -> None:
    """Its status is told; its body is not kept."""
    async with talking(saying(), "/elsewhere") as (connection, _peer):
        assert await connection.read() is None
        assert connection.status == 404
        assert await connection.read() == b""


async def test_a_redirect_is_not_followed() -> None:
    """It would carry the conversation to another origin (PITFALLS 0.4)."""
    async with talking(saying(), "/moved") as (connection, peer):
        failure = await fault_of(connection)

    assert failure is not None
    assert "redirects" in failure.message
    assert peer.told == []


async def test_a_message_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a bound."""
    monkeypatch.setattr(aiohttp_socket, "MESSAGE_LIMIT", 10)
    async with talking(saying("x" * 20)) as (connection, _peer):
        await connection.read()
        failure = await fault_of(connection)

    assert failure is not None
    assert failure.kind == "limit"
    assert "more than 10 bytes" in failure.message


async def test_nobody_there_and_nobody_that_answers() -> None:
    """Refused at once; and a peer that accepts and is silent is left when the deadline comes."""
    transport = AiohttpTransport()
    refused = transport.converse(HTTPRequest("GET", "http://127.0.0.1:1/", {}, b""), Echo(), 5.0)
    failure = await fault_of(refused)
    assert failure is not None
    assert failure.kind == "connect"

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        silent = transport.converse(HTTPRequest("GET", url, {}, b""), Echo(), 0.02)
        failure = await fault_of(silent)
    await transport.aclose()

    assert failure is not None
    assert (failure.kind, failure.phase) == ("timeout", "connect")


@pytest.mark.parametrize("when", ["opening", "hearing"])
async def test_closed_by_another_task(when: str) -> None:
    """Who waits is told, and nothing is left behind."""
    async with talking(saying()) as (connection, _peer), anyio.create_task_group() as group:
        if when == "hearing":
            await connection.read()
        faults: list[Exception] = []

        async def wait() -> None:
            try:
                await connection.read()
            except ConnectionAbortedError as fault:
                faults.append(fault)

        group.start_soon(wait)
        await checkpoint()
        await checkpoint()
        connection.close()
        connection.close()
        while not faults:
            await checkpoint()

        assert connection.failure(faults[0]) == Failure(
            "shutting_down", "the source was closed while it answered"
        )
