"""websocket sends each event as a JSON text frame, over real sockets."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import aiohttp
import anyio
import msgspec
import pytest
from aiohttp import web

from tests.sinks.peers import UPGRADE, Peer, serving
from tokenweir import Pipeline, connect
from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError, SinkError, StageError
from tokenweir.pipeline.events import Delta, End, Event, Failure, Finish, Snapshot, Start
from tokenweir.sinks import close_code, websocket

pytestmark = pytest.mark.anyio

BATCH: list[Event] = [Start("x"), Delta("a"), Delta("b"), Finish("stop")]
LONG: list[Event] = [Delta("x" * 65536)]


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


class Service:
    """A handler that gives its websocket to a test, and waits until the test is through with it."""

    def __init__(self, use: Callable[[web.WebSocketResponse], Awaitable[None]]) -> None:
        self._use = use
        self.over = asyncio.Event()
        self.fault: BaseException | None = None

    async def answer(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        try:
            await self._use(ws)
        except BaseException as fault:
            self.fault = fault
            if not isinstance(fault, Exception):
                raise
        finally:
            self.over.set()
        return ws


async def talk(
    service: Service, client: Callable[[aiohttp.ClientWebSocketResponse], Awaitable[None]]
) -> None:
    """An aiohttp client at a service."""
    async with (
        serving(service.answer) as port,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/") as ws,
    ):
        await client(ws)
        await service.over.wait()


async def frames(ws: aiohttp.ClientWebSocketResponse) -> list[Event]:
    """All events that come, until the websocket is closed."""
    return [msgspec.json.decode(message.data, type=Event) async for message in ws]


async def test_from_a_server() -> None:
    """P1: an event is a frame, neighbouring deltas of a batch are one, and the close code says how it was."""
    got: list[Event] = []
    closed: list[int | None] = []

    async def serve(ws: web.WebSocketResponse) -> None:
        sink = websocket(ws)
        for batch in (BATCH, [End("complete")]):
            await sink.send(batch)
        await sink.aclose()
        assert not ws.closed
        await ws.close(code=close_code(End("complete")))

    async def listen(ws: aiohttp.ClientWebSocketResponse) -> None:
        got.extend(await frames(ws))
        closed.append(ws.close_code)

    service = Service(serve)
    await talk(service, listen)

    assert service.fault is None
    assert got == [Start("x"), Delta("ab"), Finish("stop"), End("complete")]
    assert closed == [1000]


async def test_from_a_client() -> None:
    """P1: a websocket that our side has opened takes events just so."""
    got: list[str] = []

    async def listen(ws: web.WebSocketResponse) -> None:
        got.append((await ws.receive()).data)

    async def send(ws: aiohttp.ClientWebSocketResponse) -> None:
        await websocket(ws).send([Delta("é\n")])

    await talk(Service(listen), send)

    assert [json.loads(frame) for frame in got] == [
        {"type": "delta", "text": "é\n", "channel": "text", "index": 0}
    ]


async def test_a_run() -> None:
    """P1, P2: what a pipeline delivers arrives, and its End last."""
    got: list[Event] = []
    texts: list[str] = []

    async def serve(ws: web.WebSocketResponse) -> None:
        async with connect("simulator", text="one two three") as source:
            report = await Pipeline(source).run("hi", into=websocket(ws))
        texts.append(report.text)
        await ws.close(code=close_code(report.end))

    async def listen(ws: aiohttp.ClientWebSocketResponse) -> None:
        got.extend(await frames(ws))

    service = Service(serve)
    await talk(service, listen)

    assert service.fault is None
    assert "".join(event.text for event in got if isinstance(event, Delta)) == texts[0] == "one two three"
    assert [event.outcome for event in got if isinstance(event, End)] == ["complete"]
    assert isinstance(got[-1], End)


async def flood(ws: web.WebSocketResponse, write_timeout: float) -> None:
    """Send until something stops it."""
    sink = websocket(ws, write_timeout=write_timeout)
    try:
        while True:
            await sink.send(LONG)
    finally:
        await sink.aclose()


async def test_a_stuck_reader_is_cut() -> None:
    """P14, D03, real sockets: a peer that reads nothing is given up when the limit has passed."""
    times: list[float] = []

    async def serve(ws: web.WebSocketResponse) -> None:
        times.append(anyio.current_time())
        try:
            await flood(ws, 0.3)
        finally:
            times.append(anyio.current_time())

    service = Service(serve)
    async with serving(service.answer) as port:
        peer = Peer(port)
        await peer.ask(UPGRADE)
        with anyio.fail_after(5):
            await service.over.wait()
        peer.vanish()

    assert isinstance(service.fault, SinkError)
    assert (service.fault.failure.kind, service.fault.failure.phase) == ("timeout", "write")
    assert 0.3 <= times[1] - times[0] < 1.5


async def test_a_slow_reader_is_not_cut() -> None:
    """P14, D04, real sockets: one write takes many times the limit, since its peer reads little at once."""
    limit = 0.1
    took: list[float] = []

    async def serve(ws: web.WebSocketResponse) -> None:
        sink = websocket(ws, write_timeout=limit)
        for _ in range(3):
            began = anyio.current_time()
            await sink.send([Delta("x" * 262_144)])
            took.append(anyio.current_time() - began)
        await sink.aclose()

    service = Service(serve)
    async with serving(service.answer) as port:
        peer = Peer(port)
        await peer.ask(UPGRADE)
        with anyio.fail_after(20):
            while not service.over.is_set():
                await peer.read(4096)
                await anyio.sleep(0.005)
        peer.vanish()

    assert service.fault is None
    assert max(took) > 3 * limit


async def test_a_write_that_was_left_halfway() -> None:
    """P10, real sockets: who cancels a write that waits, and writes on, gets a failure: aiohttp would
    give a cancellation that nobody asked for."""
    given_up: list[bool] = []

    async def serve(ws: web.WebSocketResponse) -> None:
        with anyio.move_on_after(0.2) as scope:
            await flood(ws, 30.0)
        given_up.append(scope.cancelled_caught)
        await flood(ws, 30.0)

    service = Service(serve)
    async with serving(service.answer) as port:
        peer = Peer(port)
        await peer.ask(UPGRADE)
        with anyio.fail_after(5):
            await service.over.wait()
        peer.vanish()

    assert given_up == [True]
    assert isinstance(service.fault, SinkError)
    assert "an earlier write" in service.fault.failure.message


@pytest.mark.parametrize("way", ["leave", "vanish"])
async def test_a_peer_that_leaves_is_noticed(way: str) -> None:
    """D01, D10: FIN or RST while the sink writes is a receiver that left, and no fault of ours."""
    service = Service(lambda ws: flood(ws, 30.0))
    async with serving(service.answer) as port:
        peer = Peer(port)
        await peer.ask(UPGRADE)
        await peer.read()
        getattr(peer, way)()
        with anyio.fail_after(5):
            await service.over.wait()

    # A handler whose client has left may also be cancelled by aiohttp, before or at the next write.
    assert isinstance(service.fault, ReceiverLeftError | asyncio.CancelledError)


async def test_a_websocket_that_was_closed() -> None:
    """D10: after a close, by whichever side, the receiver has left."""
    faults: list[str] = []

    async def serve(ws: web.WebSocketResponse) -> None:
        sink = websocket(ws)
        await ws.close()
        try:
            await sink.send(BATCH)
        except ReceiverLeftError as left:
            faults.append(str(left))

    await talk(Service(serve), frames)  # type: ignore[arg-type]  # what it gives is not looked at

    assert faults == ["cancelled: the websocket is closed"]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (End("complete"), 1000),
        (End("cancelled", Failure("cancelled", "left")), 1001),
        (End("cancelled", Failure("shutting_down", "bye")), 1012),
        (End("error", Failure("overloaded", "busy", retryable=True)), 1013),
        (End("error", Failure("upstream", "broken")), 1011),
        (End("truncated", Failure("truncated", "cut")), 1011),
        (End("timeout", Failure("timeout", "late", "first_token")), 1011),
    ],
)
def test_close_codes(end: End, code: int) -> None:
    """P19: how it ended, for those who look at the close frame alone."""
    assert close_code(end) == code


class Socket:
    """A websocket that keeps what is sent, or raises."""

    closed = False

    def __init__(self, fault: Exception | None = None) -> None:
        self.sent: list[str] = []
        self.fault = fault

    async def send_str(self, data: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append(data)

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - the contract's
        return default


async def test_a_frame_to_a_peer_that_left() -> None:
    """D01: what aiohttp raises then is a receiver that left."""
    fault = aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    with pytest.raises(ReceiverLeftError) as left:
        await websocket(Socket(fault)).send(BATCH)

    assert (left.value.failure.kind, left.value.__suppress_context__) == ("cancelled", True)


async def test_misuse() -> None:
    """What is no websocket is refused; so is a Snapshot, after what came before it."""
    with pytest.raises(MisuseError, match="takes a prepared aiohttp websocket"):
        websocket(cast("Any", "ws://localhost"))
    socket = Socket()
    sink = websocket(socket)
    with pytest.raises(StageError, match="websocket got a Snapshot"):
        await sink.send([Delta("a"), Snapshot("ab")])
    await sink.aclose()
    await sink.aclose()

    assert len(socket.sent) == 1
