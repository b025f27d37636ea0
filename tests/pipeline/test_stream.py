"""The contract of a stream, seen by its consumer, on both event loops."""

import gc
from collections.abc import AsyncIterator, Sequence
from typing import Self

import anyio
import anyio.lowlevel
import pytest

from tests.reader import hear
from tests.scripted import Attempt, scripted
from tests.transcripts import DONE, HELLO, PING, STOP, USAGE, text
from tokenweir import (
    Delta,
    End,
    Event,
    Failure,
    Finish,
    Phase,
    Pipeline,
    Stage,
    Start,
    Stream,
    Usage,
    connect,
)
from tokenweir.pipeline.errors import MisuseError, StageError, StreamError, TruncatedError
from tokenweir.pipeline.request import Request
from tokenweir.testing import ScriptedConnection, ScriptedSource, Step

pytestmark = pytest.mark.anyio

LONG = 1000.0
"""Seconds of silence that no test waits for."""


def stream_of(source: ScriptedSource, *, check: bool = True) -> Stream:
    """A stream from a script."""
    return Pipeline(source).stream("hi", check=check)


async def text_of(events: AsyncIterator[Event]) -> str:
    """The text, to the end."""
    return "".join([event.text async for event in events if isinstance(event, Delta)])


async def test_events_in_order() -> None:
    """P1: the events of an answer as they came, and one End."""
    source = ScriptedSource([text("Hel"), text("lo"), STOP, USAGE, DONE])
    heard = await hear(stream_of(source))

    assert heard.events == [
        Start("a1", "scripted", "m", 1),
        Delta("Hel"),
        Delta("lo"),
        Finish("stop", "stop"),
        Usage(3, 2, 5),
    ]
    assert (heard.end.outcome, heard.end.failure) == ("complete", None)
    assert (heard.end.stats.characters, heard.end.stats.attempts) == (5, 1)
    assert heard.end.stats.wire_bytes == len(text("Hel") + text("lo") + STOP + USAGE + DONE)


async def test_the_end_is_the_end() -> None:
    """P1: after a whole answer there is nothing more, however often one asks."""
    stream = stream_of(ScriptedSource([HELLO]))

    assert await text_of(stream) == "Hello"
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_broken_end_raises_once_after_its_end() -> None:
    """P2: nobody takes a broken answer for a whole one by accident; the exception tells it all."""
    stream = stream_of(ScriptedSource([text("Hel")]))
    events = [await anext(stream) for _ in range(3)]

    with pytest.raises(TruncatedError) as told:
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert events[-1] is stream.end is told.value.end
    assert stream.end is not None
    assert told.value.failure is stream.end.failure


async def test_check_false_leaves_the_end_alone() -> None:
    """DESIGN 6: as in subprocess.run, the outcome is then the caller's to look at."""
    events = [event async for event in stream_of(ScriptedSource([text("Hel")]), check=False)]

    assert isinstance(events[-1], End)
    assert events[-1].outcome == "truncated"


async def test_nothing_is_sent_before_the_first_step() -> None:
    """DESIGN 6: making a stream costs nothing and needs no closing."""
    source = ScriptedSource([HELLO])
    stream_of(source)

    assert source.connections == []


async def test_batches_are_the_same_events() -> None:
    """DESIGN 6: what one read brought comes together, and nothing is lost or doubled."""
    script = [text("a") + text("b"), text("c"), HELLO]
    batches = [batch async for batch in stream_of(ScriptedSource(script)).batches()]
    events = [event async for event in stream_of(ScriptedSource(script))]

    assert [event for batch in batches for event in batch][:-1] == events[:-1]
    assert [len(batch) for batch in batches] == [3, 1, 4]


async def test_second_iteration_is_refused() -> None:
    """D17: iterating twice is answered at once, and the first reader goes on."""
    stream = stream_of(ScriptedSource([text("Hel"), HELLO]))
    reader = aiter(stream)
    assert isinstance(await anext(reader), Start)

    with pytest.raises(MisuseError, match=r"read already.*pipeline\.stream"):
        aiter(stream)
    with pytest.raises(MisuseError, match="fan out"):
        stream.batches()
    assert await text_of_rest(stream) == "HelHello"


async def text_of_rest(stream: Stream) -> str:
    """The text of a stream that is being read already."""
    found = ""
    while True:
        try:
            event = await anext(stream)
        except StopAsyncIteration:
            return found
        found += event.text if isinstance(event, Delta) else ""


async def test_two_readers_at_once() -> None:
    """D17: the second task is told at once; the first one loses nothing."""
    stream = stream_of(ScriptedSource([0.01, HELLO]))
    told: list[MisuseError] = []

    async def second() -> None:
        try:
            await anext(stream)
        except MisuseError as misuse:
            told.append(misuse)

    async with anyio.create_task_group() as both:
        both.start_soon(second)
        both.start_soon(second)

    assert [str(misuse) for misuse in told] == [
        "another task is reading this stream: give each reader its own stream, or fan out"
    ]
    assert await text_of_rest(stream) == "Hello"


async def test_leaving_by_context() -> None:
    """P10, D18: leaving the block closes the upstream, once, and records the end."""
    source = ScriptedSource([text("Hel"), LONG])
    async with stream_of(source) as stream:
        async for event in stream:
            if isinstance(event, Delta):
                break

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"
    assert stream.end.failure == Failure("cancelled", "the consumer left before the end")
    assert source.connections[0].closed == 1
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_exception_in_the_body() -> None:
    """D18: an exception of the consumer's own comes out as it is, and the upstream is closed."""
    source = ScriptedSource([text("Hel"), LONG])

    async def consume() -> None:
        async with stream_of(source) as stream:
            async for _ in stream:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await consume()
    assert source.connections[0].closed == 1


@pytest.mark.parametrize("begun", [False, True])
async def test_closing_more_than_once(begun: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """P10: closing is idempotent, and fine before the first step; the end is recorded once."""
    source = ScriptedSource([text("Hel"), LONG])
    stream = stream_of(source)
    if begun:
        await anext(stream)
    await stream.aclose()
    end = stream.end
    await stream.aclose()

    assert end is stream.end
    assert end is not None
    assert end.outcome == "cancelled"
    assert [connection.closed for connection in source.connections] == [1] * begun
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_what_was_whole_stays_whole() -> None:
    """P2: closing after the end changes nothing."""
    async with stream_of(ScriptedSource([HELLO])) as stream:
        assert await text_of(stream) == "Hello"
        end = stream.end

    assert stream.end is end
    assert end is not None
    assert end.outcome == "complete"


@pytest.mark.parametrize("before", [[], [text("Hel")]], ids=["before the first token", "after it"])
async def test_closed_by_another_task(before: list[bytes]) -> None:
    """P10, D09: the reader that waits is let go, quietly, and gets nothing more."""
    source = ScriptedSource([*before, LONG])
    stream = stream_of(source)
    events: list[Event] = []

    async def read() -> None:
        events.extend([event async for event in stream])

    with anyio.fail_after(5):
        async with anyio.create_task_group() as both:
            both.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            await stream.aclose()

    assert not any(isinstance(event, End) for event in events)
    assert stream.end is not None
    assert stream.end.outcome == "cancelled"
    assert source.connections[0].closed == 1


@pytest.mark.parametrize(
    ("script", "until"),
    [([LONG], Phase), ([text("Hel"), LONG], Delta)],
    ids=["before the first token", "after it"],
)
async def test_collected(script: list[Step], until: type[Event]) -> None:
    """D18: a stream that nobody holds any more closes its upstream, and says what should have been done."""
    source, transport = scripted(Attempt(200, *script))

    async def leave(stream: Stream) -> None:
        async for event in stream:
            if isinstance(event, until):
                break
        del stream
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed <Stream of openai-compatible: .*async with"):
        await leave(Pipeline(source).stream("hi"))
    await anyio.lowlevel.checkpoint()
    await anyio.lowlevel.checkpoint()

    assert [connection.closed for connection in transport.connections] == [1]


class Cancelling(ScriptedSource):
    """Cancels its reader in the middle of read number `at`."""

    reads = 0

    def cancel(self, scope: anyio.CancelScope, at: int) -> Self:
        """Where."""
        self._scope, self._at = scope, at
        return self

    def open(self, request: Request) -> ScriptedConnection:
        connection = super().open(request)
        read = connection.read

        async def counted() -> bytes | None:
            self.reads += 1
            if self.reads == self._at:
                self._scope.cancel()
            return await read()

        connection.read = counted
        return connection


async def test_cancelled_at_every_read() -> None:
    """P1, P10: wherever a consumer is cancelled, what it got was a prefix, the upstream is closed once,
    and the end is recorded without having been delivered."""
    script = [PING, text("a"), text("b"), USAGE, HELLO]
    whole = (await hear(stream_of(ScriptedSource(script)))).events
    for at in range(1, 7):
        events: list[Event] = []
        scope = anyio.CancelScope()
        source = Cancelling(script).cancel(scope, at)
        stream = stream_of(source)
        with scope:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - a comprehension loses what came before an exception

        assert source.reads == at
        assert events == whole[: len(events)]
        assert stream.end is not None
        assert stream.end.outcome == "cancelled"
        assert stream.end.stats.characters == sum(len(e.text) for e in events if isinstance(e, Delta))
        assert [connection.closed for connection in source.connections] == [1]
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_cancelled_task_is_healthy_afterwards() -> None:
    """P1: leaving a stream in any way poisons nothing (PITFALLS 0.8)."""
    for _ in range(3):
        with anyio.move_on_after(0.01):
            async for _ in stream_of(ScriptedSource([text("Hel"), LONG])):
                pass
        async with stream_of(ScriptedSource([HELLO])) as stream:
            async for _ in stream:
                break
        await anyio.lowlevel.checkpoint()

    assert await text_of(stream_of(ScriptedSource([HELLO]))) == "Hello"


class Breaks:
    """A core with a bug in its second feed."""

    def __init__(self) -> None:
        self._feeds = 0

    def feed(self, items: Sequence[Event], /) -> Sequence[Event]:
        """Pass on, once."""
        self._feeds += 1
        if self._feeds > 1:
            msg = "a bug"
            raise LookupError(msg)
        return items

    def finish(self) -> list[Event]:
        """Nothing is held."""
        return []


async def test_a_stage_that_breaks() -> None:
    """A stage's bug ends the stream as an error; what was made before it is delivered, and the traceback
    of the bug stands behind the exception."""
    source = ScriptedSource([text("a"), text("b"), LONG])
    heard = await hear(Pipeline(source, Stage(Breaks, "breaks")).stream("hi"))

    assert (heard.text, heard.end.outcome, heard.kind) == ("a", "error", "stage")
    assert isinstance(heard.error, StageError)
    assert "stage breaks broke: LookupError: a bug" in str(heard.error)
    assert isinstance(heard.error.__cause__, LookupError)
    assert heard.error.__cause__.__traceback__ is not None
    assert source.connections[0].closed == 1


def test_a_stage_that_cannot_begin() -> None:
    """What a stage raises while it is made comes out as it is; nothing is left behind to complain."""

    def make() -> Breaks:
        raise LookupError

    pipeline = Pipeline(ScriptedSource([HELLO]), Stage(make, "broken"))
    with pytest.raises(LookupError):
        pipeline.stream("hi")
    gc.collect()


async def test_misuse_is_told_at_the_first_step() -> None:
    """A request that cannot be sent is the caller's to mend; the stream is over then."""
    stream = Pipeline(connect("vllm")).stream("hi")

    with pytest.raises(MisuseError, match=r"vllm needs a model: connect\('vllm', model='...'\)"):
        await anext(stream)
    assert stream.end is not None
    assert stream.end.outcome == "error"


async def test_a_transport_that_breaks() -> None:
    """What no transport should raise is an end like any other, with its cause behind it."""

    class Broken(ScriptedSource):
        def open(self, request: Request) -> ScriptedConnection:
            connection = super().open(request)

            async def read() -> bytes | None:
                await anyio.lowlevel.checkpoint()
                raise LookupError

            connection.read = read
            return connection

    source = Broken([HELLO])
    heard = await hear(stream_of(source))

    assert (heard.end.outcome, heard.kind, heard.message) == (
        "error",
        "upstream",
        "the transport broke: LookupError",
    )
    assert isinstance(heard.error, StreamError)
    assert isinstance(heard.error.__cause__, LookupError)
    assert source.connections[0].closed == 1


@pytest.mark.parametrize("word", ["connecting", "flowing", "complete", "cancelled"])
async def test_repr(word: str) -> None:
    """A stream says whose it is and how far it has come, and nothing of its text."""
    stream = stream_of(ScriptedSource([text("secret"), LONG] if word == "flowing" else [HELLO]))
    match word:
        case "flowing":
            await anext(stream)
        case "complete":
            await text_of(stream)
        case "cancelled":
            await stream.aclose()
        case _:
            pass

    assert repr(stream) == f"<Stream of scripted: {word}>"
    await stream.aclose()


async def test_text_after_the_last_word_is_ignored() -> None:
    """V17, U26: [DONE] twice, and what stands behind it, is nobody's text."""
    source = ScriptedSource([HELLO + text("more") + DONE, text("even more")])
    heard = await hear(stream_of(source))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert source.connections[0].left == [text("even more")]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_with_aiostream() -> None:
    """DESIGN 6, 7: a stream is an async iterable like any other: its operators map, cut and merge it, and
    leaving them closes it."""
    operators = pytest.importorskip("aiostream").stream
    one, other = stream_of(ScriptedSource([text("a"), HELLO])), stream_of(ScriptedSource([text("b"), HELLO]))
    async with operators.merge(one, other).stream() as merged:
        all_events: list[Event] = [event async for event in merged]
    source = ScriptedSource([text("a"), LONG])
    stream = stream_of(source)
    async with operators.take(stream, 2).stream() as taken:
        events = [event async for event in taken]

    assert sum(isinstance(event, Delta) for event in all_events) == 6
    assert sum(isinstance(event, End) for event in all_events) == 2
    assert events == [Start("a1", "scripted", "m", 1), Delta("a")]
    assert stream.end is not None
    assert (stream.end.outcome, source.connections[0].closed) == ("cancelled", 1)
