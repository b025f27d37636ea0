"""Every place where a consumer can be when it is cancelled, and how soon the upstream sees it.

Law of this file: for tests and figures alone, over real sockets of loopback. A place is reached by what
has happened, never by waiting for a time.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

import anyio
import anyio.lowlevel

from tests.servers import Script, Visit, framed, http_chunk, serve, settle, silent
from tests.transcripts import text
from tokenweir import Delta, Event, Phase, Pipeline, Source, connect, first_token_wins
from tokenweir.stages import throttle

SOON = 1.0
"""Seconds in which the upstream must have seen the end; in life it is a millisecond."""

How = Literal["scope", "task"]
"""Whether a scope of anyio is cancelled, or the task itself."""

Consume = Callable[[Source, anyio.Event], Awaitable[object]]
"""Reads, and sets the event once it is where it is to be; where nothing comes, when its request is there."""


class Place(NamedTuple):
    """Where a consumer is. `visits` are the connections that it has opened there."""

    script: Script
    consume: Consume
    visits: int = 1
    provider: str = "openai-compatible"
    options: Mapping[str, Any] = {}


def saying(*pieces: bytes) -> Script:
    """A script: headers, these pieces, and then nothing."""

    async def play(visit: Visit) -> None:
        await visit.asked()
        visit.send(framed("chunked", [])[0], *[http_chunk(piece) for piece in pieces])
        await visit.left.wait()

    return play


async def endless(visit: Visit) -> None:
    """A script: chunks without end, as fast as they are taken."""
    await visit.asked()
    visit.send(framed("chunked", [])[0])
    while not visit.left.is_set():
        visit.send(http_chunk(text("a")))
        await settle()


async def busy(visit: Visit) -> None:
    """A script: nobody is served now. The connection is of no further use, and none is open between two
    attempts."""
    await visit.asked()
    visit.send(b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 4\r\nRetry-After: 30\r\n\r\nbusy")
    await visit.left.wait()


async def half_an_error(visit: Visit) -> None:
    """A script: an error whose body does not come."""
    await visit.asked()
    visit.send(b"HTTP/1.1 500 No\r\nContent-Length: 400\r\n\r\nbroken")
    await visit.left.wait()


def reading(until: Callable[[Event], bool] | None = None, *stages: Any) -> Consume:
    """Reads a stream on and on, past the event that is the place."""

    async def consume(source: Source, there: anyio.Event) -> None:
        if until is None:
            there.set()
        async for event in Pipeline(source, *stages).stream("hi"):
            if until is not None and until(event):
                there.set()

    return consume


def is_text(event: Event) -> bool:
    """Whether it is text."""
    return isinstance(event, Delta)


async def whole(source: Source, there: anyio.Event) -> None:
    """Waits for an answer in one piece."""
    there.set()
    await Pipeline(source).text("hi", stream=False)


async def raced(source: Source, there: anyio.Event) -> None:
    """Waits for the first of two backends, which stand at one address."""
    there.set()
    await Pipeline(first_token_wins(source, source)).text("hi")


class Blocked:
    """A sink that takes no text, and no leave."""

    def __init__(self, there: anyio.Event) -> None:
        self._there = there

    async def send(self, batch: Sequence[Event]) -> None:
        """Wait forever where there is text."""
        if any(is_text(event) for event in batch):
            self._there.set()
            await anyio.sleep_forever()

    async def aclose(self) -> None:
        """Nothing to close."""


async def into_a_blocked_sink(source: Source, there: anyio.Event) -> None:
    """Delivers into it."""
    await Pipeline(source).run("hi", into=Blocked(there))


_PREFILL = Phase("prefill", 0.25, "keepalive 1/4")
_HELD = reading(is_text, throttle(rate=1, lag=10))

PLACES: Mapping[str, Place] = {
    "waiting for headers": Place(silent, reading()),
    "loading, a question under way": Place(
        silent, reading(), 2, "lmstudio", {"model": "m", "face": "openai"}
    ),
    "headers, no body": Place(saying(), reading()),
    "prefill": Place(saying(b": keepalive 1/4\n\n"), reading(lambda event: event == _PREFILL), 1, "mlx"),
    "body of an error": Place(half_an_error, reading()),
    "between attempts": Place(busy, reading(lambda event: isinstance(event, Phase) and bool(event.detail))),
    "middle of the answer": Place(saying(text("a")), reading(is_text)),
    "endless answer": Place(endless, reading(is_text)),
    "throttled": Place(saying(text("a"), text("one two three four five six seven")), _HELD),
    "blocked sink": Place(saying(text("a")), into_a_blocked_sink),
    "answer in one piece": Place(silent, whole),
    "a race of two": Place(silent, raced, 2),
}


async def seconds_to_close(place: Place, how: How = "scope") -> float:
    """How long after the cancellation the last of the upstream's connections saw the end; 0 where all had
    seen it before. Raises TimeoutError after SOON seconds."""
    async with serve(place.script) as server, connect(place.provider, server.url, **place.options) as source:

        async def asked() -> None:
            while len(server.visits) < place.visits or not all(visit.received for visit in server.visits):
                await settle()

        cancelled_at = await _cancelled(place.consume, source, how, asked)
        for visit in server.visits:
            with anyio.fail_after(SOON):
                await visit.left.wait()
        assert len(server.visits) == place.visits
        ends = [visit.left_at for visit in server.visits if visit.left_at is not None]
        return max(0.0, max(ends) - cancelled_at)


async def seconds_to_stop_connecting(how: How = "scope") -> float:
    """The same for a peer that does not even accept, and sees nothing: until no task of ours is left."""
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    with _nobody_accepts() as url:
        async with connect("openai-compatible", url) as source:
            cancelled_at = await _cancelled(reading(), source, how, settle)
            with anyio.fail_after(SOON):
                while asyncio.all_tasks() != before:
                    await anyio.lowlevel.checkpoint()
            return loop.time() - cancelled_at


async def _cancelled(
    consume: Consume, source: Source, how: How, reached: Callable[[], Awaitable[None]]
) -> float:
    """Bring a consumer to its place, cancel it there, and wait until it is gone; when it was cancelled, on
    the loop's clock."""
    loop = asyncio.get_running_loop()
    there = anyio.Event()

    async def run() -> None:
        await consume(source, there)

    async def get_there() -> None:
        with anyio.fail_after(10 * SOON):
            await there.wait()
            await reached()
            await settle()

    with patch("tokenweir.pipeline.inquiry.HEAD_START", 0.0), patch("tokenweir.pipeline.run.GOODBYE", 0.02):
        if how == "task":
            task = loop.create_task(run())
            await get_there()
            task.cancel()
            cancelled_at = loop.time()
            await asyncio.wait({task})
            return cancelled_at
        cancelled_at = 0.0
        async with anyio.create_task_group() as consumers:
            consumers.start_soon(run)
            await get_there()
            consumers.cancel_scope.cancel()
            cancelled_at = loop.time()
    return cancelled_at


@contextmanager
def _nobody_accepts() -> Generator[str]:
    """The address of a listener whose queue is full."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            other = stack.enter_context(socket.socket())
            other.settimeout(0)
            other.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"
