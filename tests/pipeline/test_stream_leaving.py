"""Leaving a stream in every way and in every phase, as the upstream sees it: over real sockets."""

import asyncio
import gc
import random
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

import anyio
import anyio.lowlevel
import pytest

from tests.reader import hear
from tests.servers import Script, Server, Visit, answer, framed, http_chunk, raw, reply, serve, settle, silent
from tests.transcripts import HELLO, text
from tokenweir import Deadlines, Delta, Event, Phase, Pipeline, Source, Start, Stream, connect
from tokenweir.pipeline.aiohttp_connection import AiohttpConnection
from tokenweir.pipeline.retry import Retry

pytestmark = pytest.mark.anyio

SOON = 1.0
"""Seconds in which the upstream must have seen the end; in life it is a millisecond."""


@pytest.fixture
def anyio_backend() -> str:
    """Real sockets: aiohttp runs on asyncio."""
    return "asyncio"


@asynccontextmanager
async def backend(script: Script) -> AsyncGenerator[tuple[Server, Source]]:
    """A server, a source that asks it, and nothing left behind by either."""
    before = asyncio.all_tasks()
    async with serve(script) as server:
        async with connect("openai-compatible", server.url) as source:
            yield server, source
        await settle()
    assert asyncio.all_tasks() == before


async def headers_only(visit: Visit) -> None:
    """Headers, and then nothing."""
    await visit.asked()
    visit.send(framed("chunked", [])[0])
    await visit.left.wait()


async def middle(visit: Visit) -> None:
    """Headers and one chunk, and then nothing."""
    await visit.asked()
    visit.send(framed("chunked", [])[0], http_chunk(text("a")))
    await visit.left.wait()


async def endless(visit: Visit) -> None:
    """Chunks without end, as fast as they are taken."""
    await visit.asked()
    visit.send(framed("chunked", [])[0])
    while not visit.left.is_set():
        visit.send(http_chunk(text("a")))
        await settle()


async def busy(visit: Visit) -> None:
    """Nobody is served now, and the connection stays open."""
    await visit.asked()
    visit.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nRetry-After: 30\r\n\r\nbusy")
    await visit.left.wait()


async def half_an_error(visit: Visit) -> None:
    """An error whose body does not come."""
    await visit.asked()
    visit.send(b"HTTP/1.1 500 No\r\nContent-Length: 400\r\n\r\nbroken")
    await visit.left.wait()


PHASES: dict[str, tuple[Script, type[Event] | None]] = {
    "waiting for headers": (silent, None),
    "headers, no body": (headers_only, None),
    "middle": (middle, Delta),
    "endless": (endless, Delta),
    "body of an error": (half_an_error, None),
}
"""Where the upstream is -> its script, and the event at which it is there (None: a moment later)."""


async def reach(stream: Stream, until: type[Event] | None) -> None:
    """Read on to a place; where the place is in a wait, forever."""
    async for event in stream:
        if until is not None and isinstance(event, until):
            return


@pytest.mark.parametrize("phase", PHASES)
async def test_cancelled(phase: str) -> None:
    """P10, D01: a consumer that is cancelled takes the upstream's connection with it, in every phase."""
    script, until = PHASES[phase]
    async with backend(script) as (server, source):
        stream = Pipeline(source).stream("hi")
        async with anyio.create_task_group() as consumers:

            async def consume() -> None:
                await reach(stream, until)
                await reach_on(stream)

            consumers.start_soon(consume)
            await server.asked.wait()
            await settle()
            consumers.cancel_scope.cancel()
        with anyio.fail_after(SOON):
            await server.visits[0].left.wait()

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"


async def reach_on(stream: Stream) -> None:
    """Go on reading a stream that is being read."""
    while True:
        await anext(stream)


@pytest.mark.parametrize("phase", ["middle", "endless"])
async def test_left_by_break(phase: str) -> None:
    """P10, D18: `break` out of `async with`."""
    script, until = PHASES[phase]
    async with backend(script) as (server, source):
        async with Pipeline(source).stream("hi") as stream:
            await reach(stream, until)
        with anyio.fail_after(SOON):
            await server.visits[0].left.wait()

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"


async def test_left_without_a_context() -> None:
    """D18: a loop that holds the only reference may just be left: the upstream is closed, and a
    ResourceWarning says that `async with` would have been better."""
    async with backend(middle) as (server, source):
        with pytest.warns(ResourceWarning, match="unclosed <Stream of openai-compatible: flowing>"):
            await reach(Pipeline(source).stream("hi"), Delta)
        with anyio.fail_after(SOON):
            await server.visits[0].left.wait()


async def test_left_by_an_exception() -> None:
    """D18: an exception in the consumer's body closes the upstream on its way out."""

    async def consume(source: Source) -> None:
        async with Pipeline(source).stream("hi") as stream:
            await reach(stream, Delta)
            raise ZeroDivisionError

    async with backend(middle) as (server, source):
        with pytest.raises(ZeroDivisionError):
            await consume(source)
        with anyio.fail_after(SOON):
            await server.visits[0].left.wait()


@pytest.mark.parametrize("phase", PHASES)
async def test_closed_by_another_task(phase: str) -> None:
    """P10, D09: `aclose()` while another task reads: the upstream is closed, the reader is let go."""
    script, _ = PHASES[phase]
    async with backend(script) as (server, source):
        stream = Pipeline(source).stream("hi")
        with anyio.fail_after(5):
            async with anyio.create_task_group() as consumers:
                consumers.start_soon(reach, stream, None)
                await server.asked.wait()
                await settle()
                await stream.aclose()
        with anyio.fail_after(SOON):
            await server.visits[0].left.wait()

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"


async def test_left_while_another_attempt_is_waited_for() -> None:
    """P10: leaving in the pause before a retry ends it at once, and nothing more is asked."""
    async with backend(busy) as (server, source), Pipeline(source).stream("hi") as stream:
        async for event in stream:
            if isinstance(event, Phase) and event.detail:
                break
        async with anyio.create_task_group() as consumers:
            consumers.start_soon(reach_on, stream)
            await settle()
            consumers.cancel_scope.cancel()

    assert [visit.received.count(b"POST ") for visit in server.visits] == [1]
    assert stream.end is not None
    assert stream.end.outcome == "cancelled"


async def test_cancelled_while_connecting() -> None:
    """P10: a peer that does not even accept is let go at once, and no task is left."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    others: list[socket.socket] = []
    for _ in range(4):
        others.append(other := socket.socket())
        other.settimeout(0)
        other.connect_ex(full.getsockname())
    before = asyncio.all_tasks()
    async with connect("openai-compatible", f"http://127.0.0.1:{full.getsockname()[1]}") as source:
        stream = Pipeline(source).stream("hi")
        with anyio.move_on_after(0.05) as scope:
            await reach(stream, Start)
        await settle()
        assert asyncio.all_tasks() == before
    for other in [*others, full]:
        other.close()

    assert scope.cancelled_caught
    assert stream.end is not None
    assert stream.end.outcome == "cancelled"


async def chatty(visit: Visit) -> None:
    """Answers a few times, slowly enough that a cancellation hits every place."""
    await visit.asked()
    await settle()
    visit.send(framed("chunked", [])[0])
    for _ in range(6):
        await settle()
        if visit.left.is_set():
            return
        visit.send(http_chunk(text("a")))
    await visit.left.wait()


async def test_cancelled_at_random_moments(record_property: Callable[[str, object], None]) -> None:
    """P1, P10: two hundred consumers, cancelled after a random number of turns of the loop: the upstream
    always sees the end, soon; no task, no event after the end, and the next consumer finds all in order."""
    chance = random.Random(1729)  # noqa: S311 - no secret
    loop = asyncio.get_running_loop()
    moments: list[float] = []
    took: list[float] = []
    async with backend(chatty) as (server, source):
        pipeline = Pipeline(source)
        for _ in range(200):
            events: list[Event] = []
            visits = len(server.visits)
            stream = pipeline.stream("hi")

            async def consume(stream: Stream = stream, events: list[Event] = events) -> None:
                async for event in stream:
                    events.append(event)  # noqa: PERF401 - a comprehension loses what came before an exception

            async with anyio.create_task_group() as consumers:
                consumers.start_soon(consume)
                for _ in range(chance.randrange(120)):
                    await anyio.lowlevel.checkpoint()
                consumers.cancel_scope.cancel()
                moments.append(loop.time())
            for visit in server.visits[visits:]:
                with anyio.fail_after(SOON):
                    await visit.left.wait()
                assert visit.left_at is not None
                took.append(visit.left_at - moments[-1])

            assert stream.end is not None
            assert stream.end.outcome == "cancelled"
            assert stream.end not in events
            assert "".join(event.text for event in events if isinstance(event, Delta)) in "aaaaaa"

    assert len(took) > 100
    hundredths = quantiles(took, n=100)
    record_property(
        "upstream sees the end after (ms, p50 and p99)", [hundredths[49] * 1e3, hundredths[98] * 1e3]
    )
    print(f"cancel to FIN: p50 {hundredths[49] * 1e3:.2f} ms, p99 {hundredths[98] * 1e3:.2f} ms")  # noqa: T201 - a figure for whoever reads with -s
    assert hundredths[98] < SOON


async def test_a_source_that_is_closed_in_the_middle() -> None:
    """P19: `source.aclose()` ends its streams with an event that says why, and no other attempt."""
    async with backend(middle) as (server, source):
        stream = Pipeline(source).stream("hi", check=False)
        events: list[Event] = []

        async def consume() -> None:
            events.extend([event async for event in stream])

        async with anyio.create_task_group() as consumers:
            consumers.start_soon(consume)
            await server.asked.wait()
            await settle()
            await source.aclose()

        assert events[-1] is stream.end
        assert stream.end is not None
        assert stream.end.failure is not None
        assert stream.end.failure.kind == "shutting_down"
        assert len(server.visits) == 1


async def test_deadlines_over_a_socket() -> None:
    """P15, U03, U06: a backend that accepts and never answers, and one that stops, are given up in time,
    and see that they are."""
    limits = Deadlines(first_token=0.1, silence=0.1)
    for script, name in ((silent, "first_token"), (headers_only, "first_token"), (middle, "silence")):
        async with backend(script) as (server, _), connect("mlx", server.url, deadlines=limits) as source:
            began = anyio.current_time()
            stream = Pipeline(source).stream("hi", check=False)
            events = [event async for event in stream]
            assert 0.09 < anyio.current_time() - began < 0.6
            with anyio.fail_after(SOON):
                await server.visits[0].left.wait()

            assert events[-1] is stream.end
            assert stream.end is not None
            assert stream.end.failure is not None
            assert (stream.end.outcome, stream.end.failure.phase) == ("timeout", name)


ENDINGS: dict[str, Script] = {
    "whole": answer(HELLO),
    "cut": answer(text("a"), ending="fin"),
    "broken": answer(text("a"), ending="rst"),
    "refused": reply("404 Not Found", b"no"),
    "no HTTP": raw(b"SSH-2.0\r\n"),
    "no answer": raw(b""),
}


def open_files() -> int:
    """How many, where the system tells."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.is_dir() else 0


@pytest.mark.parametrize("name", ENDINGS)
async def test_nothing_is_left(name: str) -> None:
    """P18: after any end, no stream, no connection and no file is kept by anybody."""

    def left() -> int:
        gc.collect()
        return sum(isinstance(thing, Stream | AiohttpConnection) for thing in gc.get_objects())

    before = left()
    async with backend(ENDINGS[name]) as (server, source):
        source.retry = Retry(attempts=1)
        pipeline = Pipeline(source)
        files: list[int] = []
        for _ in range(20):
            await hear(pipeline.stream("hi"))
            await settle()
            files.append(open_files())

        assert left() == before
        assert max(files[5:]) <= max(files[:5])
        assert server.visits
