"""Streams without an event loop: the same events, and every way to leave them, from any thread."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.servers import Script, Server, Visit, framed, http_chunk, serve, silent
from tests.transcripts import DONE, HELLO, STOP, text
from tokenweir import (
    Delta,
    End,
    Event,
    MisuseError,
    Phase,
    Pipeline,
    Source,
    Stage,
    Start,
    StreamError,
    connect,
)
from tokenweir.pipeline.errors import TruncatedError
from tokenweir.pipeline.iterate import SyncStream
from tokenweir.simulator.text import ABOUT
from tokenweir.testing import ScriptedSource

ROOT = Path(__file__).parents[2]

SOON = 2.0
"""Seconds in which the other side must have seen the end; in life it is a millisecond."""


class Backend:
    """A server on real sockets in a thread of its own, and a source that asks it."""

    def __init__(self, portal: BlockingPortal, server: Server) -> None:
        self.server = server
        self.source: Source = connect("openai-compatible", server.url)
        self._portal = portal

    @property
    def visit(self) -> Visit:
        """The one connection."""
        assert len(self.server.visits) == 1
        return self.server.visits[0]

    def saw_the_client_leave(self) -> bool:
        """Whether it did, soon."""
        return self._portal.call(self._left)

    async def _left(self) -> bool:
        with anyio.move_on_after(SOON):
            await self.visit.left.wait()
        return self.visit.left.is_set()

    def was_asked(self) -> None:
        """Wait until the request has come: `connecting` is told before it is sent."""
        self._portal.call(self.server.asked.wait)


@contextmanager
def backend(script: Script) -> Generator[Backend]:
    """A backend that plays a script."""
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serve(script)) as server,
    ):
        yield Backend(portal, server)


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


async def busy(visit: Visit) -> None:
    """Nobody is served now, and the connection stays open."""
    await visit.asked()
    visit.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nRetry-After: 30\r\n\r\nbusy")
    await visit.left.wait()


def reach(stream: SyncStream, until: type[Event] | Callable[[Event], bool]) -> None:
    """Read up to an event of a kind."""
    for event in stream:
        if isinstance(event, until) if isinstance(until, type) else until(event):
            return
    pytest.fail(f"ended before: {stream.end}")


def said(events: list[Event]) -> list[Event]:
    """Without what tells the time."""
    return [event for event in events if not isinstance(event, Phase | End)]


def test_the_events_are_those_of_the_async_stream() -> None:
    """P1: the same events in the same order, `End` last, and then nothing more."""
    pipeline = Pipeline(ScriptedSource([HELLO[:70], HELLO[70:]]))

    async def asynchronously() -> list[Event]:
        return [event async for event in pipeline.stream("hi")]

    stream = pipeline.iterate("hi")
    events = list(stream)

    assert said(events) == said(anyio.run(asynchronously))
    assert [type(event) for event in said(events)][:3] == [Start, Delta, Delta]
    assert events[-1] is stream.end
    assert list(stream) == []


def test_nothing_is_read_ahead() -> None:
    """P13: a consumer that stops asking stops the backend: one read at a time crosses the threads."""
    source = ScriptedSource([text("a"), text("b"), text("c"), STOP + DONE])
    with Pipeline(source).iterate("hi") as stream:
        assert source.connections == []
        reach(stream, Delta)
        time_to_read_ahead()

        assert len(source.connections[0].left) == 3


def time_to_read_ahead() -> None:
    """A whole answer passes through the background loop meanwhile."""
    assert list(Pipeline(ScriptedSource([HELLO])).iterate("hi"))


def test_a_broken_end_is_raised_here() -> None:
    """P2: after `End(truncated)`, the error; once."""
    stream = Pipeline(ScriptedSource([text("a")])).iterate("hi")
    events: list[Event] = []
    with pytest.raises(TruncatedError) as broken:
        events.extend(stream_into(events, stream))

    assert events[-1] is stream.end is broken.value.end
    assert list(stream) == []


def stream_into(events: list[Event], stream: SyncStream) -> list[Event]:
    """Keep what comes before an exception too."""
    for event in stream:
        events.append(event)  # noqa: PERF402 - extend would keep nothing of a broken stream
    return []


def test_a_broken_end_can_stay_an_event() -> None:
    """Options are those of `stream`."""
    events = list(Pipeline(ScriptedSource([text("a")])).iterate("hi", check=False))

    assert isinstance(events[-1], End)
    assert events[-1].outcome == "truncated"


PHASES: dict[str, tuple[Script, type[Event] | Callable[[Event], bool]]] = {
    "before the headers": (silent, Phase),
    "before the first token": (headers_only, Phase),
    "between two tokens": (middle, Delta),
    "between two attempts": (busy, lambda event: isinstance(event, Phase) and event.detail is not None),
}


@pytest.mark.parametrize("phase", PHASES)
def test_cancelled_from_another_thread(phase: str) -> None:
    """P10: the stop button. One thread waits in silence, another one says `cancel`: the backend sees
    the client leave, and the waiting loop ends without an error."""
    script, until = PHASES[phase]
    with backend(script) as far, Pipeline(far.source).iterate("hi") as stream:
        reach(stream, until)
        rest: list[Event] = []
        reading = threading.Thread(target=lambda: rest.extend(stream))
        reading.start()
        time_to_read_ahead()
        far.was_asked()
        stream.cancel()
        reading.join(SOON)

        assert not reading.is_alive()
        assert stream.end is not None
        assert stream.end.outcome == "cancelled"
        assert [event for event in rest if not isinstance(event, Phase)] == []
        if phase != "between two attempts":
            assert far.saw_the_client_leave()


@pytest.mark.parametrize("way", ["break in with", "break", "exception", "close"])
def test_left_early(way: str) -> None:
    """P10, D18: every way to leave closes the backend, and none of them says anything."""
    with backend(middle) as far:
        pipeline = Pipeline(far.source)
        if way == "break in with":
            with pipeline.iterate("hi") as stream:
                reach(stream, Delta)
            assert stream.end is not None
        elif way == "break":
            reach(pipeline.iterate("hi"), Delta)
            gc.collect()
        elif way == "exception":
            with suppress(ZeroDivisionError), pipeline.iterate("hi") as stream:
                reach(stream, Delta)
                raise ZeroDivisionError
        else:
            stream = pipeline.iterate("hi")
            reach(stream, Delta)
            stream.close()
            assert list(stream) == []

        assert far.saw_the_client_leave()


def test_closed_before_it_began() -> None:
    """Nothing is sent, and the end stands."""
    source = ScriptedSource([HELLO])
    with Pipeline(source).iterate("hi") as stream:
        pass

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"
    assert source.connections == []


def test_closed_by_a_stage() -> None:
    """A stage runs on the background loop: one that says `close` does not wait for itself."""

    class Closing:
        def feed(self, items: Sequence[Event]) -> Sequence[Event]:
            streams[0].close()
            return items

        def finish(self) -> list[Event]:
            return []

    closing: Stage[Event, Event] = Stage(Closing)
    streams = [Pipeline(ScriptedSource([text("a"), 60.0]), closing).iterate("hi")]
    began = time.perf_counter()
    list(streams[0])

    assert time.perf_counter() - began < SOON
    assert streams[0].end is not None
    assert streams[0].end.outcome == "cancelled"


def test_twenty_at_once() -> None:
    """P4: twenty threads, one backend, one background loop: each gets its whole answer."""
    pipeline = Pipeline(connect("simulator", cumulative=True))

    def ask(number: int) -> str:
        events = pipeline.iterate(f"{number}?")
        return "".join(event.text for event in events if isinstance(event, Delta))

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(20)))

    assert answers == [ABOUT.text] * 20
    assert [thread.name for thread in threading.enumerate()].count("tokenweir") == 1


def test_twenty_cancelled_at_once() -> None:
    """P10: twenty threads that wait in silence are all let go."""
    source = ScriptedSource([text("a"), 60.0])
    streams = [Pipeline(source).iterate("hi") for _ in range(20)]
    waiting = threading.Barrier(21, timeout=SOON)

    def read(stream: SyncStream) -> list[Event]:
        reach(stream, Delta)
        waiting.wait()
        return list(stream)

    with ThreadPoolExecutor(20) as threads:
        reading = [threads.submit(read, stream) for stream in streams]
        waiting.wait()
        for stream in streams:
            stream.cancel()
        rests = [read.result(SOON) for read in reading]

    assert rests == [[]] * 20
    assert [stream.end.outcome for stream in streams if stream.end] == ["cancelled"] * 20
    assert [connection.closed for connection in source.connections] == [1] * 20


def test_one_reader() -> None:
    """Two threads at one stream: the second is told so, the first goes on."""
    source = ScriptedSource([text("a"), 60.0])
    stream = Pipeline(source).iterate("hi")
    reach(stream, Delta)
    reading = threading.Thread(target=list, args=(stream,))
    reading.start()
    time_to_read_ahead()
    with pytest.raises(MisuseError, match="give each reader its own stream"):
        next(stream)

    assert reading.is_alive()
    stream.close()
    reading.join(SOON)
    assert not reading.is_alive()


@pytest.mark.anyio
async def test_refused_where_a_loop_runs() -> None:
    """Waiting would stop the loop of whoever calls: asyncio's and trio's."""
    with pytest.raises(MisuseError, match="runs an event loop: use `async with"):
        Pipeline(ScriptedSource([HELLO])).iterate("hi")


@pytest.mark.anyio
async def test_refused_where_a_loop_runs_later() -> None:
    """An iterator that came from elsewhere does not stop the loop either."""
    pipeline = Pipeline(ScriptedSource([HELLO]))
    stream = await anyio.to_thread.run_sync(lambda: pipeline.iterate("hi"))
    with pytest.raises(MisuseError, match="in a worker thread"):
        next(stream)

    assert await anyio.to_thread.run_sync(list[Event], stream)


@pytest.fixture
def ctrl_c() -> Generator[None]:
    """Ctrl-C interrupts, also where whoever started the tests (a shell's `&`) has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupted_thread_leaves() -> None:
    """D18: Ctrl-C while waiting in silence is an exception here, and the backend sees the client leave."""
    with backend(middle) as far:
        stream = Pipeline(far.source).iterate("hi")
        reach(stream, Delta)
        pressing = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        pressing.start()
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        pressing.join()

        assert far.saw_the_client_leave()


def test_a_thread_interrupted_as_it_begins_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """D18: Ctrl-C between asking for a batch and waiting for it leaves too."""
    with backend(middle) as far:
        stream = Pipeline(far.source).iterate("hi")
        reach(stream, Delta)
        ask = asyncio.run_coroutine_threadsafe

        def interrupted(asked: Any, loop: asyncio.AbstractEventLoop) -> None:
            monkeypatch.undo()
            ask(asked, loop)
            raise KeyboardInterrupt

        monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(stream)

        assert far.saw_the_client_leave()


PROLOGUE = """
import gc, os, sys, threading
from tokenweir import Delta, Pipeline, connect

def reach(stream):
    for event in stream:
        if isinstance(event, Delta):
            return stream

pipeline = Pipeline(connect("openai-compatible", sys.argv[1]))
"""

PROGRAMS = {
    "held": "held = reach(pipeline.iterate('hi'))",
    "collected": "reach(pipeline.iterate('hi'))",
    "in a circle": "circle = [reach(pipeline.iterate('hi'))]; circle.append(circle); del circle",
    "waiting in a daemon thread": """
stream = reach(pipeline.iterate("hi"))
threading.Thread(target=list, args=(stream,), daemon=True).start()
""",
    "waiting in a thread that is cancelled": """
stream = reach(pipeline.iterate("hi"))
waiting = threading.Thread(target=list, args=(stream,))
waiting.start()
threading.Timer(0.1, stream.cancel).start()
""",
    "an exception": "held = reach(pipeline.iterate('hi')); raise SystemExit(0)",
    "after a fork": """
held = reach(pipeline.iterate("hi"))
child = os.fork()
if child == 0:
    reach(pipeline.iterate("hi"))
    try:
        next(held)
    except Exception as refused:
        os._exit("before a fork" not in str(refused))
else:
    assert os.waitpid(child, 0)[1] == 0
""",
    "sources in circles, collected while their loop lives": """
simulator = connect("simulator")
list(Pipeline(simulator).iterate("hi"))
for _ in range(3):
    circle = [Pipeline(connect("openai-compatible", simulator.base_url))]
    assert list(circle[0].iterate("hi"))
    circle.append(circle)
    del circle
    gc.collect()
list(Pipeline(simulator).iterate("hi"))
""",
    "a simulator": "held = reach(Pipeline(connect('simulator', rate=50.0)).iterate('hi'))",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_quiet_end_of_a_program(name: str) -> None:
    """P18, D18: a program ends at once and says nothing, whatever it left open; every warning is shown."""
    if name == "after a fork" and sys.platform == "win32":
        pytest.skip("nothing forks there")
    with backend(middle) as far:
        ended = subprocess.run(
            [sys.executable, "-W", "always", "-c", PROLOGUE + PROGRAMS[name], far.server.url],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
            cwd=ROOT,
        )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_errors_are_the_readers_own() -> None:
    """A refused request raises in the thread that reads, with the backend's own end."""
    stream = Pipeline(ScriptedSource([b"no"], status=200, headers={})).iterate("hi")
    with pytest.raises(StreamError) as broken:
        list(stream)

    assert broken.value.end is stream.end
    assert repr(stream).startswith("<SyncStream over <Stream of scripted: ")
