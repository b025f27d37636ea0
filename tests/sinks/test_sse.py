"""sse writes server-sent events: to an aiohttp response, and as frames for Starlette."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import anyio
import msgspec
import pytest
import uvicorn
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.sinks.peers import GET, Peer, serving
from tests.transcripts import DONE, HELLO, STOP, text
from tokenweir import Pipeline, connect
from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError, SinkError, StageError
from tokenweir.pipeline.events import Delta, End, Event, Finish, Phase, Snapshot, SSEEvent, Start
from tokenweir.sinks import SSE_HEADERS, sse, sse_frames
from tokenweir.stages import sse_decode
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp and uvicorn run on asyncio alone."""
    return "asyncio"


def read(body: bytes) -> list[Event]:
    """The events in a body, as a strict reader finds them."""
    core = sse_decode(strict=True).core()
    found = [*core.feed([body]), *core.finish()]
    events = [msgspec.json.decode(event.data, type=Event) for event in found if isinstance(event, SSEEvent)]
    assert [event.type for event in found if isinstance(event, SSEEvent)] == [
        json.loads(msgspec.json.encode(event))["type"] for event in events
    ]
    return events


async def get(port: int) -> tuple[list[Event], Mapping[str, str]]:
    """The events of an answer, and its headers."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/") as answer,
    ):
        return read(await answer.read()), answer.headers


class Written:
    """A response that keeps what is written."""

    def __init__(self, *, prepared: bool = True) -> None:
        self.prepared = prepared
        self.writes: list[bytes] = []

    async def write(self, data: bytes) -> None:
        self.writes.append(data)


async def test_the_bytes() -> None:
    """P1: the type is the event's name, the JSON its data, a batch one write, and deltas side by side one."""
    response = Written()
    await sse(response).send([Start("x"), Delta("a"), Delta("b")])

    written = (
        b'event: start\ndata: {"type":"start","id":"x","provider":null,"model":null,"created":null}\n\n'
        b'event: delta\ndata: {"type":"delta","text":"ab","channel":"text","index":0}\n\n'
    )
    assert response.writes == [written]


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1))
def test_no_text_forges_a_frame(texts: list[str]) -> None:
    """V23, P3: what a model says comes back as it was, from one event a delta."""
    hostile = [*texts, "data: [DONE]\n\n", "\r\n\r\nevent: end\r\ndata: {}\r\n\r\n", "\u2028\x85\x00"]
    sent: list[Event] = [Delta(text, index=number) for number, text in enumerate(hostile)]
    response = Written()

    async def send() -> None:
        await sse(response).send(sent)

    anyio.run(send)

    assert read(b"".join(response.writes)) == sent


class Service:
    """A handler that writes to its response as a test wants it."""

    def __init__(self, use: Callable[[web.StreamResponse, web.Request], Awaitable[None]]) -> None:
        self._use = use
        self.over = asyncio.Event()
        self.fault: BaseException | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=SSE_HEADERS)
        await response.prepare(request)
        try:
            await self._use(response, request)
        except BaseException as fault:
            self.fault = fault
            if not isinstance(fault, Exception):
                raise
        finally:
            self.over.set()
        return response


async def test_a_run() -> None:
    """P1, D15: what a pipeline delivers arrives over HTTP, with headers that keep it from being kept."""

    async def serve(response: web.StreamResponse, request: web.Request) -> None:
        async with connect("simulator", text="one two three") as source:
            await Pipeline(source).run("hi", into=sse(response, request))

    service = Service(serve)
    async with serving(service.answer) as port:
        events, headers = await get(port)

    assert service.fault is None
    assert {name: headers[name] for name in SSE_HEADERS} == SSE_HEADERS
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "one two three"
    assert isinstance(events[-1], End)
    assert events[-1].outcome == "complete"


async def flood(response: web.StreamResponse, request: web.Request) -> None:
    """Send until something stops it."""
    sink = sse(response, request, write_timeout=0.3)
    try:
        while True:
            await sink.send([Delta("x" * 65536)])
    finally:
        await sink.aclose()


async def test_a_stuck_reader_is_cut() -> None:
    """P14, D03, real sockets: a client that reads nothing is given up."""
    service = Service(flood)
    async with serving(service.answer) as port:
        peer = Peer(port)
        await peer.ask(GET)
        with anyio.fail_after(5):
            await service.over.wait()
        peer.vanish()

    assert isinstance(service.fault, SinkError)
    assert (service.fault.failure.kind, service.fault.failure.phase) == ("timeout", "write")


@pytest.mark.parametrize("way", ["leave", "vanish"])
async def test_a_client_that_leaves_is_noticed(way: str) -> None:
    """D01: a client that leaves mid-stream ends the run quietly."""
    service = Service(flood)
    async with serving(service.answer) as port:
        peer = Peer(port)
        await peer.ask(GET)
        await peer.read()
        getattr(peer, way)()
        with anyio.fail_after(5):
            await service.over.wait()

    # aiohttp cancels the handler of a client that has left, before or at its next write.
    assert isinstance(service.fault, ReceiverLeftError | asyncio.CancelledError)


async def test_a_write_to_a_client_that_left() -> None:
    """D01: what aiohttp raises is a receiver that left."""

    class Left(Written):
        async def write(self, data: bytes) -> None:  # noqa: ARG002 - the contract's
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    with pytest.raises(ReceiverLeftError) as left:
        await sse(Left()).send([Delta("a")])
    assert left.value.failure.kind == "cancelled"


async def test_misuse() -> None:
    """A response has to be prepared by its owner; a Snapshot names the missing stage."""
    with pytest.raises(MisuseError, match="takes an aiohttp StreamResponse"):
        sse(cast("Any", None))
    with pytest.raises(MisuseError, match=r"await response.prepare\(request\) first"):
        await sse(Written(prepared=False)).send([Delta("a")])
    with pytest.raises(StageError, match="sse got a Snapshot"):
        await sse(Written()).send([Snapshot("ab")])


# --- frames for frameworks that ask for bytes ---------------------------------------------------


async def collected(frames: AsyncIterator[bytes]) -> list[bytes]:
    """All frames."""
    return [frame async for frame in frames]


async def test_frames_of_a_stream() -> None:
    """P16: a comment first, which sends the headers; then a frame per batch, the End last."""
    stream = Pipeline(ScriptedSource([text("Hel"), text("lo"), STOP, DONE])).stream("hi")
    comment, *rest = await collected(sse_frames(stream))

    assert comment == b":\n\n"
    kinds = [type(event) for event in read(b"".join(rest)) if not isinstance(event, Phase)]
    assert kinds == [Start, Delta, Delta, Finish, End]
    assert len(rest) > 3


async def test_a_broken_answer_is_told_and_not_raised() -> None:
    """P2: a broken end is the End frame; raising after it would break the response too."""
    stream = Pipeline(ScriptedSource([text("half")])).stream("hi")
    events = read(b"".join(await collected(sse_frames(stream))))

    assert isinstance(events[-1], End)
    assert events[-1].outcome == "truncated"


async def test_leaving_closes_the_backend() -> None:
    """P10, D01: `aclose` closes the upstream at once, and the frames have ended."""
    source = ScriptedSource([text("Hel"), 1000.0])
    stream = Pipeline(source).stream("hi")
    frames = sse_frames(stream)
    async for frame in frames:
        if b"event: delta" in frame:
            break
    await frames.aclose()

    assert [connection.closed for connection in source.connections] == [1]
    assert await collected(frames) == []
    assert stream.end is not None
    assert stream.end.outcome == "cancelled"


async def test_a_stream_has_one_reader() -> None:
    """D17: frames of a stream that is being read already are refused at once."""
    stream = Pipeline(ScriptedSource([HELLO])).stream("hi")
    frames = sse_frames(stream)

    with pytest.raises(MisuseError, match="is being read already"):
        sse_frames(stream)
    assert len(await collected(frames)) > 1


@asynccontextmanager
async def starlette(source: ScriptedSource) -> AsyncGenerator[int]:
    """A real uvicorn with a Starlette service over a source; its port."""

    async def answer(request: Request) -> StreamingResponse:  # noqa: ARG001 - Starlette's signature
        frames = sse_frames(Pipeline(source).stream("hi"))
        return StreamingResponse(frames, headers=SSE_HEADERS, background=BackgroundTask(frames.aclose))

    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/", answer)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listening])
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True


async def test_starlette_on_uvicorn() -> None:
    """P1, D15: the frames pass through Starlette and uvicorn as they are."""
    async with starlette(ScriptedSource([HELLO])) as port:
        events, headers = await get(port)

    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Content-Type"].startswith("text/event-stream")
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "Hello"
    assert isinstance(events[-1], End)


async def test_a_client_of_starlette_that_vanishes() -> None:
    """P10, D01: the headers and the first frames are there at once, and leaving closes the backend."""
    source = ScriptedSource([text("Hel"), 1000.0])
    async with starlette(source) as port:
        peer = Peer(port)
        await peer.ask(GET)
        with anyio.fail_after(5):
            await peer.read_until(b"event: delta")
            peer.vanish()
            while not source.connections[0].closed:  # noqa: ASYNC110 - nobody is told
                await anyio.sleep(0.01)

    assert b":\n\n" in peer.received
    assert [connection.closed for connection in source.connections] == [1]
