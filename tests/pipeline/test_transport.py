"""The edge to aiohttp: its contract as a connection, what it sends, and its one timer."""

# A test may look inside.
# pyright: reportPrivateUsage=false

import asyncio
import time

import anyio
import msgspec
import pytest

from tests.servers import Visit, answer, framed, http_chunk, reply, serve, settle, silent
from tests.transcripts import HELLO, text
from tokenweir import Deadlines, Delta, Pipeline, connect
from tokenweir.pipeline.aiohttp_connection import AiohttpConnection
from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.transport import READ_SIZE, AiohttpTransport

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Real sockets: aiohttp runs on asyncio."""
    return "asyncio"


def asking(url: str) -> HTTPRequest:
    """A request with a credential in it."""
    headers = {"Authorization": "Bearer canary-5cf1", "Accept-Encoding": "identity"}
    return HTTPRequest("POST", f"{url}/v1?key=canary-91aa", headers, b"canary-prompt")


def test_a_request_shows_nothing_of_itself() -> None:
    """P24, S06: neither credential nor prompt nor query stands in its repr."""
    assert repr(asking("http://backend.test:1")) == "<HTTPRequest POST http://backend.test:1>"


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_not_on_trio() -> None:
    """PITFALLS A39: said where it happens, with the way out."""
    transport = AiohttpTransport()

    with pytest.raises(MisuseError, match="give the source a transport= of your own"):
        transport.open(asking("http://backend.test:1"), None)
    await transport.aclose()


async def test_a_connection_step_by_step() -> None:
    """The contract of a connection: nothing is sent before the first read; None at the headers, then
    bytes, then `b""`; a cancelled read goes on where it was."""
    gate = anyio.Event()

    async def play(visit: Visit) -> None:
        await visit.asked()
        await gate.wait()
        visit.send(framed("length", [HELLO])[0])
        await settle()
        await gate.wait()
        visit.send(HELLO)

    async with serve(play) as server:
        transport = AiohttpTransport()
        connection = transport.open(asking(server.url), 5.0)
        await settle()
        assert (server.visits, connection.status, connection.connected) == ([], None, False)

        with anyio.move_on_after(0.02):
            await connection.read()
        assert (connection.status, connection.connected) == (None, True)
        gate.set()
        assert await connection.read() is None
        assert (connection.status, connection.headers["content-type"]) == (200, "text/event-stream")
        with anyio.move_on_after(0):
            await connection.read()
        assert await connection.read() == HELLO
        assert await connection.read() == b""
        connection.close()
        connection.close()
        assert len(server.visits) == 1
        await transport.aclose()
        await transport.aclose()


async def test_what_is_sent() -> None:
    """P25, U22: one POST to the configured path, with our headers, the bearer token and the body, and
    nothing that aiohttp or another answer added."""
    async with serve(reply("200 OK", HELLO, "Set-Cookie: tasty=1", kind="text/event-stream")) as server:
        async with connect(
            "mlx", server.url, model="m", api_key="k-123456", headers={"X-Mine": "yes"}
        ) as source:
            for _ in range(2):
                await Pipeline(source).text("Grüße", temperature=0)
        requests = server.visits[0].received.split(b"POST ")[1:]

    assert requests[0] == requests[1]
    head, _, body = requests[0].partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    assert first == "/v1/chat/completions HTTP/1.1"
    assert sorted(fields) == sorted(
        [
            f"Host: {server.url.removeprefix('http://')}",
            "Content-Type: application/json",
            "Accept: text/event-stream, application/json",
            "Accept-Encoding: identity",
            "User-Agent: tokenweir",
            "X-Mine: yes",
            "Authorization: Bearer k-123456",
            f"Content-Length: {len(body)}",
        ]
    )
    assert msgspec.json.decode(body) == {
        "messages": [{"role": "user", "content": "Grüße"}],
        "stream": True,
        "model": "m",
        "stream_options": {"include_usage": True},
        "temperature": 0,
    }


async def test_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """P25: what is in the environment chooses no other way for a request."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with serve(answer(HELLO)) as server, connect("mlx", server.url) as source:
        assert await Pipeline(source).text("hi") == "Hello"


async def test_a_source_may_be_used_again() -> None:
    """DESIGN 5: closing a source closes what is pooled, and nothing else."""
    async with serve(answer(HELLO)) as server:
        source = connect("mlx", server.url)
        for _ in range(2):
            assert await Pipeline(source).text("hi") == "Hello"
            await source.aclose()
            with anyio.fail_after(1):
                await server.visits[-1].left.wait()

        assert len(server.visits) == 2


async def test_a_blocked_loop_is_not_the_backends_fault() -> None:
    """T03, T04: when the loop was blocked past a deadline and data had come meanwhile, data wins."""
    gate = anyio.Event()

    async def play(visit: Visit) -> None:
        await visit.asked()
        visit.send(framed("chunked", [])[0], http_chunk(text("a")))
        for piece in (text("b"), text("c")):
            await gate.wait()
            await settle()
            visit.send(http_chunk(piece))
            time.sleep(0.15)  # noqa: TID251, ASYNC251 - the fault itself
            await settle()
        visit.send(http_chunk(HELLO))
        await visit.left.wait()

    limits = Deadlines(first_token=0.1, silence=0.1, between_tokens=0.1)
    async with serve(play) as server, connect("mlx", server.url, deadlines=limits) as source:
        found = ""
        async with Pipeline(source).stream("hi", check=False) as stream:
            async for event in stream:
                found += event.text if isinstance(event, Delta) else ""
                gate.set()

    assert stream.end is not None
    assert (found, stream.end.outcome) == ("abcHello", "complete")


async def test_one_timer_for_all_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 6, 9: five hundred reads with three deadlines arm a timer once or twice, not five hundred
    times."""
    loop = asyncio.get_running_loop()
    armed: list[float] = []
    call_at = loop.call_at

    def counted(when: float, *arguments: object, **options: object) -> asyncio.TimerHandle:
        armed.append(when)
        return call_at(when, *arguments, **options)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - passed on

    limits = Deadlines(silence=30.0, between_tokens=40.0, total=50.0)
    async with (
        serve(answer(*[text("a")] * 500, HELLO)) as server,
        connect("mlx", server.url, deadlines=limits) as source,
        Pipeline(source).stream("hi") as stream,
    ):
        reads = 0
        async for batch in stream.batches():
            if reads == 3:
                monkeypatch.setattr(loop, "call_at", counted)
            reads += isinstance(batch[0], Delta)

    assert reads > 200
    assert len([when for when in armed if when > loop.time() + 20]) <= 2


async def test_time_passes_for_nobody_who_is_not_reading() -> None:
    """P15, A36: a consumer that is busy for longer than every deadline meets the data that came."""

    async def play(visit: Visit) -> None:
        await visit.asked()
        visit.send(framed("chunked", [])[0], http_chunk(text("a")), http_chunk(text("b")))
        await settle()
        visit.send(http_chunk(HELLO))
        await visit.left.wait()

    limits = Deadlines(first_token=0.05, silence=0.05, between_tokens=0.05)
    async with serve(play) as server, connect("mlx", server.url, deadlines=limits) as source:
        found = ""
        async with Pipeline(source).stream("hi") as stream:
            async for event in stream:
                if isinstance(event, Delta):
                    found += event.text
                    await anyio.sleep(0.08)

    assert found == "abHello"


async def test_a_consumer_that_does_not_read_stops_the_backend() -> None:
    """P8, P13, V26: what waits is in the kernel and in two read buffers, and no more is taken; when the
    consumer goes on, everything is there."""
    stuck = anyio.Event()
    sent = 0

    async def flood(visit: Visit) -> None:
        nonlocal sent
        await visit.asked()
        visit.send(framed("chunked", [])[0])
        while not visit.full.is_set():
            visit.send(http_chunk(text("x" * 8000)))
            sent += 8000
            await settle()
        stuck.set()
        await visit.left.wait()

    async with (
        serve(flood, send_buffer=65_536) as server,
        connect("mlx", server.url) as source,
        Pipeline(source).stream("hi") as stream,
    ):
        characters = 0
        async for event in stream:
            if isinstance(event, Delta):
                characters += len(event.text)
                break
        with anyio.fail_after(10):
            await stuck.wait()
        connection = stream._connection
        assert isinstance(connection, AiohttpConnection)
        assert connection._response is not None
        taken = connection._response.content.total_bytes
        while characters < sent:
            event = await anext(stream)
            characters += len(event.text) if isinstance(event, Delta) else 0

    assert taken < 4 * READ_SIZE
    assert characters == sent


async def test_a_silent_peer_is_closed_with_its_source() -> None:
    """P10: what waits for headers goes too when the source is closed."""
    async with serve(silent) as server, connect("mlx", server.url) as source:
        stream = Pipeline(source).stream("hi", check=False)
        async with anyio.create_task_group() as waiting:

            async def wait() -> None:
                async for _ in stream:
                    pass

            waiting.start_soon(wait)
            await server.asked.wait()
            await source.aclose()
        with anyio.fail_after(1):
            await server.visits[0].left.wait()

    assert stream.end is not None
    assert stream.end.failure is not None
    assert stream.end.failure.kind == "shutting_down"


async def test_data_between_two_looks_at_the_clock() -> None:
    """T04: a deadline that has passed is looked at twice; what comes between the two looks wins, for the
    read that waits and for the next one."""

    async def play(visit: Visit) -> None:
        await visit.asked()
        visit.send(framed("length", [HELLO])[0])
        await visit.left.wait()

    async with serve(play) as server:
        transport = AiohttpTransport()
        connection = transport.open(asking(server.url), 5.0)
        assert await connection.read() is None
        assert connection._response is not None
        content = connection._response.content

        async def look() -> None:
            connection.deadline = anyio.current_time() - 1
            connection._due()
            content.feed_data(b"in time")
            connection._due()
            connection.deadline = anyio.current_time() + 60

        async with anyio.create_task_group() as both:
            both.start_soon(look)
            assert await connection.read() == b"in time"
        with anyio.move_on_after(0.01) as scope:
            await connection.read()
        assert scope.cancelled_caught
        connection.close()
        await transport.aclose()
