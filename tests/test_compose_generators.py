"""Plain async generators compose with tokenweir: as what a stage reads, and around a stream."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

import anyio.lowlevel
import pytest

from tests.transcripts import DONE, HELLO, STOP, text
from tokenweir import Delta, Event, Pipeline, Usage
from tokenweir.pipeline.errors import TruncatedError
from tokenweir.stages import decode_protocol, sse_decode, token_count
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio


async def words(events: AsyncIterable[Event]) -> AsyncGenerator[str]:
    """The text of a stream, and nothing else: a generator as everybody writes it."""
    async for event in events:
        if isinstance(event, Delta):
            yield event.text


async def test_a_generator_feeds_a_stage() -> None:
    """Bytes that come from anywhere: `generator | stage | stage`, and `stage(generator)`."""

    async def recorded() -> AsyncGenerator[bytes]:
        for at in range(0, len(HELLO), 7):
            await anyio.lowlevel.checkpoint()
            yield HELLO[at : at + 7]

    decode = sse_decode() | decode_protocol("openai-chat")

    assert "".join([word async for word in words(recorded() | decode)]) == "Hello"
    assert "".join([word async for word in words(decode(recorded()))]) == "Hello"


async def test_leaving_a_stage_ends_its_generator() -> None:
    """D18: `aclosing` around a stage closes what the stage reads."""
    left: list[str] = []

    async def forever() -> AsyncGenerator[Event]:
        try:
            while True:
                await anyio.lowlevel.checkpoint()
                yield Delta("a")
        finally:
            left.append("generator")

    async with aclosing(forever() | token_count()) as events:
        async for _ in events:
            break

    assert left == ["generator"]


async def test_a_generator_around_a_stream() -> None:
    """P10, D18: leaving a generator early closes the stream that it reads, where it says `async with`."""
    source = ScriptedSource([text("a"), text("b"), 60.0])
    pipeline = Pipeline(source)

    async def answer(prompt: str) -> AsyncGenerator[str]:
        async with pipeline.stream(prompt) as stream:
            async for event in stream:
                if isinstance(event, Delta):
                    yield event.text

    async with aclosing(answer("hi")) as told:
        async for word in told:
            if word == "b":
                break

    assert source.connections[0].closed == 1


async def test_a_broken_end_passes_through_a_generator() -> None:
    """P2: what is between does not hide that the answer was cut."""
    async with Pipeline(ScriptedSource([text("a")])).stream("hi") as stream:
        told = words(stream)

        assert await anext(told) == "a"
        with pytest.raises(TruncatedError):
            await anext(told)


async def test_a_stage_around_a_stream() -> None:
    """A stage reads a stream as it reads any async iterable."""
    async with Pipeline(ScriptedSource([text("a b c"), STOP + DONE])).stream("hi") as stream:
        usages = [event async for event in stream | token_count() if isinstance(event, Usage)]

    assert [usage.source for usage in usages] == ["estimated"]
