"""Composition with aiostream: our streams are its sources, its streams are what our stages read."""

import ast
from pathlib import Path
from typing import TypeVar

import pytest
from aiostream import Stream as AioStream
from aiostream import pipe, stream

from tests.transcripts import DONE, STOP, text
from tokenweir import Delta, Event, Pipeline, Stream, Usage
from tokenweir.pipeline.errors import TruncatedError
from tokenweir.stages import append_only, token_count
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio

Item = TypeVar("Item")

ROOT = Path(__file__).parents[1]


@pytest.fixture
def anyio_backend() -> str:
    """aiostream runs on asyncio alone."""
    return "asyncio"


def is_text(event: Event) -> bool:
    """Whether it is text of the answer."""
    return isinstance(event, Delta)


def text_of(event: Event, *_others: Event) -> str:
    """The text of a Delta; aiostream's `map` could give the items of other sources too."""
    assert isinstance(event, Delta)
    return event.text


def backend(*words: str) -> ScriptedSource:
    """A backend that says these words, and then nothing for a minute."""
    return ScriptedSource([*map(text, words), 60.0])


async def collected(xs: AioStream[Item]) -> list[Item]:
    """All that an aiostream stream gives, iterated as it should be."""
    found: list[Item] = []
    async with xs.stream() as items:
        found += [item async for item in items]
    return found


def outcomes(*streams: Stream) -> list[str | None]:
    """How they ended."""
    return [each.end.outcome if each.end else None for each in streams]


async def test_two_backends_merged() -> None:
    """Both answers come, each in its own order; leaving after the fourth word closes both backends."""
    one, two = backend("1a", "1b"), backend("2a", "2b")
    first, second = Pipeline(one).stream("hi"), Pipeline(two).stream("hi")
    merged = stream.merge(first, second) | pipe.filter(is_text) | pipe.map(text_of) | pipe.take(4)
    told = await collected(merged)

    assert sorted(told) == ["1a", "1b", "2a", "2b"]
    assert [word for word in told if word[0] == "1"] == ["1a", "1b"]
    assert outcomes(first, second) == ["cancelled"] * 2
    assert [source.connections[0].closed for source in (one, two)] == [1, 1]


async def test_a_merge_left_by_break() -> None:
    """P10, D18: `break` in `async with xs.stream()` closes both backends, of which one is being read."""
    one, two = backend("1a"), backend("2a")
    first, second = Pipeline(one).stream("hi"), Pipeline(two).stream("hi")
    heard: set[str] = set()
    async with stream.merge(first, second).stream() as events:
        async for event in events:
            if isinstance(event, Delta):
                heard.add(event.text)
            if len(heard) == 2:
                break

    assert outcomes(first, second) == ["cancelled"] * 2
    assert [source.connections[0].closed for source in (one, two)] == [1, 1]


async def test_a_broken_backend_in_a_merge() -> None:
    """P2: the error of one passes through, and the other one is closed."""
    broken = Pipeline(ScriptedSource([text("1"), 0.01])).stream("hi")
    waiting = Pipeline(backend("2")).stream("hi")
    with pytest.raises(TruncatedError):
        await stream.merge(broken, waiting)

    assert outcomes(broken, waiting) == ["truncated", "cancelled"]


async def test_operators_around_a_stage() -> None:
    """A stage between two of aiostream's operators: inside `stream.iterate`, as any async iterable."""
    source = ScriptedSource([text("one "), text("two "), text("three"), STOP + DONE])
    async with Pipeline(source).stream("hi") as answer:
        counted = (
            stream.iterate(answer | append_only() | token_count())
            | pipe.filter(is_text)
            | pipe.map(text_of)
            | pipe.take(2)
        )
        assert await collected(counted) == ["one ", "two "]

    assert outcomes(answer) == ["cancelled"]
    assert source.connections[0].closed == 1


async def test_a_stage_around_an_aiostream_stream() -> None:
    """`stage(streamer)`: what aiostream gives is what the stage reads."""
    answer = Pipeline(ScriptedSource([text("one "), text("two"), STOP + DONE])).stream("hi")
    counted: list[Event] = []
    async with (stream.iterate(answer) | pipe.filter(is_text)).stream() as events:
        counted += [event async for event in token_count()(events)]

    assert [event.text for event in counted if isinstance(event, Delta)] == ["one ", "two"]
    assert [event.source for event in counted if isinstance(event, Usage)] == ["estimated"]


async def test_leaving_a_stage_around_an_aiostream_stream() -> None:
    """P10: breaking off behind the stage closes the backend before it."""
    source = backend("a")
    async with stream.iterate(Pipeline(source).stream("hi")).stream() as events:
        async for event in token_count()(events):
            if isinstance(event, Delta):
                break

    assert source.connections[0].closed == 1


def test_the_library_never_imports_it() -> None:
    """It is an extra: nothing of ours may need it, not even inside a function."""
    importing = [
        path
        for room in ("pipeline", "stages", "sinks", "tokenweir")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Import) and any(name.name.startswith("aiostream") for name in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aiostream"))
    ]

    assert importing == []
