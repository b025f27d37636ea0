"""What had arrived before a fault of the connection is delivered before the fault is told."""

import itertools

import anyio
import pytest

from tests.reader import hear, judged
from tests.servers import Ending, Framing, Visit, answer, framed, serve, settle
from tests.transcripts import DONE, HELLO, STOP, text
from tokenweir import Pipeline, connect
from tokenweir.pipeline.errors import TokenweirError, TruncatedError
from tokenweir.pipeline.events import Delta, Event

pytestmark = pytest.mark.anyio

TWENTY = [text(f"{number} ") for number in range(20)]
TWENTY_TEXT = "".join(f"{number} " for number in range(20))
FRAMINGS: tuple[Framing, ...] = ("chunked", "length", "close")
FAULTS: tuple[Ending, ...] = ("fin", "rst")
EVERY_FAULT = pytest.mark.parametrize(("framing", "fault"), list(itertools.product(FRAMINGS, FAULTS)))


@pytest.fixture
def anyio_backend() -> str:
    """Real sockets: aiohttp runs on asyncio."""
    return "asyncio"


@EVERY_FAULT
async def test_slow_consumer_loses_nothing(framing: Framing, fault: Ending) -> None:
    """P1, U07, U08, U09, U10: twenty events arrive while the consumer is busy with the first one, then
    the backend is gone: all twenty are delivered, then the one End, then the exception."""
    gate = anyio.Event()

    async def play(visit: Visit) -> None:
        start, body = framed(framing, TWENTY, missing=100)
        await visit.asked()
        visit.send(start)
        await visit.send_apart(body)
        visit.fin() if fault == "fin" else visit.rst()
        await settle()
        gate.set()

    async with serve(play) as server, connect("openai-compatible", server.url) as source:
        events: list[Event] = []
        error: TokenweirError | None = None
        async with Pipeline(source).stream("hi") as stream:
            try:
                async for event in stream:
                    events.append(event)
                    if isinstance(event, Delta):
                        await gate.wait()
            except TokenweirError as told:
                error = told

    heard = judged(events, stream, error)
    assert heard.text == TWENTY_TEXT
    assert (heard.end.outcome, heard.kind) == ("truncated", "truncated")
    assert isinstance(error, TruncatedError)


@EVERY_FAULT
async def test_fast_consumer_loses_nothing(framing: Framing, fault: Ending) -> None:
    """P1, P2, U07, U08, U09: the same with a consumer that is always there."""
    script = answer(*TWENTY, framing=framing, ending=fault)
    async with serve(script) as server, connect("openai-compatible", server.url) as source:
        heard = await hear(Pipeline(source).stream("hi"))

    assert heard.text == TWENTY_TEXT
    assert heard.end.outcome == "truncated"


@EVERY_FAULT
async def test_fault_in_the_middle_of_a_frame(framing: Framing, fault: Ending) -> None:
    """P1, U07: half a frame is not text, and what stands before it is."""
    script = answer(TWENTY[0], TWENTY[1], STOP[:30], framing=framing, ending=fault)
    async with serve(script) as server, connect("openai-compatible", server.url) as source:
        heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("0 1 ", "truncated")


@EVERY_FAULT
async def test_fault_after_the_last_word(framing: Framing, fault: Ending) -> None:
    """P2: a backend that said [DONE] may leave as rudely as it likes."""
    script = answer(HELLO, framing=framing, ending=fault)
    async with serve(script) as server, connect("openai-compatible", server.url) as source:
        heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")


@EVERY_FAULT
async def test_fault_after_every_choice_has_finished(framing: Framing, fault: Ending) -> None:
    """P2, V17: with every finish reason there, the answer is whole; only the marker is missing."""
    script = answer(HELLO.removesuffix(DONE), framing=framing, ending=fault)
    async with serve(script) as server, connect("openai-compatible", server.url) as source:
        heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")


async def test_every_framing_ends_well() -> None:
    """P2: a whole answer is complete in each framing, and says nothing of the framing."""
    for framing in FRAMINGS:
        script = answer(*TWENTY, HELLO, framing=framing)
        async with serve(script) as server, connect("openai-compatible", server.url) as source:
            heard = await hear(Pipeline(source).stream("hi"))

        assert (heard.text, heard.end.outcome) == (TWENTY_TEXT + "Hello", "complete")


async def test_surplus_after_the_promised_length() -> None:
    """U10: bytes beyond Content-Length belong to nobody, and their connection is not used again."""

    async def play(visit: Visit) -> None:
        start, body = framed("length", [HELLO])
        await visit.asked()
        await visit.send_apart([start, *body, text("surplus")])
        await visit.left.wait()

    async with serve(play) as server, connect("openai-compatible", server.url) as source:
        heard = await hear(Pipeline(source).stream("hi"))
        with anyio.fail_after(1):
            await server.visits[0].left.wait()

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")


async def test_surplus_in_the_same_read_as_the_head() -> None:
    """U10: aiohttp drops an answer whose head, body and surplus come in one read (a limit of its parser);
    then at least nobody takes the nothing for a whole answer."""

    async def play(visit: Visit) -> None:
        start, body = framed("length", [HELLO])
        await visit.asked()
        visit.send(start + b"".join(body) + text("surplus"))
        await visit.left.wait()

    async with serve(play) as server, connect("openai-compatible", server.url) as source:
        heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.text, heard.end.outcome, heard.kind) == ("", "error", "protocol")
