"""Which connections serve another request, and which are closed."""

import gc

import anyio
import pytest

from tests.reader import hear
from tests.servers import LAST_CHUNK, Script, Server, Visit, framed, http_chunk, reply, serve, settle
from tests.transcripts import HELLO, text
from tokenweir import Pipeline, Source, connect
from tokenweir.pipeline.aiohttp_connection import LINGER
from tokenweir.pipeline.retry import Retry

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Real sockets: aiohttp runs on asyncio."""
    return "asyncio"


async def ask(source: Source) -> str:
    """One whole answer."""
    heard = await hear(Pipeline(source).stream("hi"))
    assert (heard.end.outcome, heard.end.stats.attempts) == ("complete", 1)
    return heard.text


def ending(*end: bytes) -> Script:
    """Answers every request, and then sends the rest of the body, each piece by itself."""

    async def play(visit: Visit) -> None:
        while True:
            await visit.asked()
            visit.send(framed("chunked", [])[0], http_chunk(HELLO))
            await settle()
            for piece in end:
                visit.send(piece)
                await settle()

    return play


@pytest.mark.parametrize("end", [[LAST_CHUNK], [b"0\r\n", b"\r\n"], [http_chunk(b"\n"), LAST_CHUNK]])
async def test_reused_after_a_clean_end(end: list[bytes]) -> None:
    """X05, P18: the connection of a whole answer serves the next request, also where the end of the body
    comes after the backend's last word: one handshake for many requests."""
    async with serve(ending(*end)) as server, connect("mlx", server.url) as source:
        for _ in range(5):
            assert await ask(source) == "Hello"
            for _ in end:
                await settle()
            await settle()

        assert len(server.visits) == 1


async def test_reused_after_a_refusal() -> None:
    """P18: an error that was read to its end leaves its connection too."""
    async with serve(reply("404 Not Found", b"no")) as server, connect("mlx", server.url) as source:
        for _ in range(3):
            assert (await hear(Pipeline(source).stream("hi"))).message == "HTTP 404: no"

        assert len(server.visits) == 1


async def goes_on(visit: Visit) -> None:
    """Answers, and goes on for ever."""
    await visit.asked()
    visit.send(framed("chunked", [])[0], http_chunk(HELLO))
    while not visit.left.is_set():
        visit.send(http_chunk(text("more")))
        await settle()


async def test_closed_where_the_backend_goes_on() -> None:
    """U26: what comes after the last word is ignored, and its connection closed, not pooled."""
    async with serve(goes_on) as server, connect("mlx", server.url) as source:
        assert await ask(source) == "Hello"
        with anyio.fail_after(LINGER + 1):
            await server.visits[0].left.wait()
        assert await ask(source) == "Hello"

        assert len(server.visits) == 2


async def test_closed_where_the_body_never_ends() -> None:
    """U26: a backend that keeps its answer open after the last word is let go, without a reader's wait."""
    async with serve(ending()) as server, connect("mlx", server.url) as source:
        began = anyio.current_time()
        assert await ask(source) == "Hello"
        assert anyio.current_time() - began < LINGER
        with anyio.fail_after(LINGER + 1):
            await server.visits[0].left.wait()


async def leaves_afterwards(visit: Visit) -> None:
    """Answers once, and closes the connection when nobody looks."""
    await visit.asked()
    visit.send(framed("length", [HELLO])[0], HELLO)
    await settle()
    visit.fin()


async def answers_one_of_two(visit: Visit) -> None:
    """Answers once, and not the second request."""
    await visit.asked()
    visit.send(framed("length", [HELLO])[0], HELLO)
    await visit.asked()


async def leaves_at_the_second(visit: Visit) -> None:
    """Answers once, and closes the connection as the second request comes."""
    await answers_one_of_two(visit)
    visit.fin()


async def breaks_at_the_second(visit: Visit) -> None:
    """The same, with a reset."""
    await answers_one_of_two(visit)
    visit.rst()


def always(server: Server) -> list[int]:
    """How many requests each visit saw."""
    return [visit.received.count(b"POST ") for visit in server.visits]


@pytest.mark.parametrize("script", [leaves_afterwards, leaves_at_the_second, breaks_at_the_second])
async def test_a_stale_connection(script: Script) -> None:
    """U23: a pooled connection that its peer closed is no failure: the request goes out on another one,
    unseen, and without a pause."""
    async with serve(script, ending(LAST_CHUNK)) as server, connect("mlx", server.url) as source:
        assert await ask(source) == "Hello"
        await settle()
        began = anyio.current_time()
        assert await ask(source) == "Hello"

        assert anyio.current_time() - began < 0.4
        assert len(server.visits) == 2


async def test_a_stale_connection_of_a_server_that_is_gone() -> None:
    """U23, U01: the pooled connection dies and nobody listens any more: one try, and then the fault is
    told."""

    async def goes(visit: Visit) -> None:
        await answers_one_of_two(visit)
        server.listener.close()
        visit.fin()

    async with serve(goes) as server, connect("mlx", server.url) as source:
        source.retry = Retry(attempts=1)
        assert await ask(source) == "Hello"
        with anyio.fail_after(5):
            heard = await hear(Pipeline(source).stream("hi"))

        assert (heard.kind, heard.end.outcome, len(server.visits)) == ("connect", "error", 1)


async def test_a_fresh_connection_is_not_sent_twice() -> None:
    """U23, P6: a backend that closes a new connection has seen the request: that is an attempt, and is
    told."""

    async def shut(visit: Visit) -> None:
        await visit.asked()
        visit.fin()

    async with serve(shut, ending(LAST_CHUNK)) as server, connect("mlx", server.url) as source:
        heard = await hear(Pipeline(source).stream("hi"))

        assert (heard.text, heard.end.stats.attempts, len(server.visits)) == ("Hello", 2, 2)
    assert any("without an answer" in (phase.detail or "") for phase in heard.phases)


async def test_streams_at_once_share_nothing() -> None:
    """P18: each stream that runs has its own connection; afterwards they are there for others."""
    async with serve(ending(LAST_CHUNK)) as server, connect("mlx", server.url) as source:
        texts: list[str] = []

        async def one() -> None:
            texts.append(await ask(source))

        for _ in range(2):
            async with anyio.create_task_group() as many:
                for _ in range(20):
                    many.start_soon(one)
            await settle()

        assert texts == ["Hello"] * 40
        assert sum(always(server)) == 40
        assert len(server.visits) <= 21


async def test_a_source_that_is_dropped() -> None:
    """P18, D18: what a source has pooled is closed when nobody holds it any more, in the running loop."""
    async with serve(ending(LAST_CHUNK)) as server:
        assert await ask(connect("mlx", server.url)) == "Hello"
        gc.collect()
        with anyio.fail_after(1):
            await server.visits[0].left.wait()
