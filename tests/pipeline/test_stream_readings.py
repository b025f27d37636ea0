"""Bugs that a reading of the stream found, each with the test that shows it."""

from collections.abc import Sequence

import pytest

from tests.transcripts import text
from tokenweir import Event, Failure, Pipeline, Stage
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio

BUSY = b'data: {"error":{"message":"overloaded","type":"overloaded_error"}}\n\n'
WHOLE = b'data: {"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\n'


class Miscounts:
    """A core whose figures cannot be had."""

    def feed(self, items: Sequence[Event]) -> list[Event]:
        return list(items)

    def finish(self) -> list[Event]:
        return []

    def figures(self) -> dict[str, float]:
        raise ValueError("no figures")


async def test_a_core_without_figures_still_has_its_end() -> None:
    """P1: exactly one End, and the connection is let go, whatever a stage does at the end."""
    source = ScriptedSource([text("Hi"), WHOLE])

    async with Pipeline(source, Stage(Miscounts)).stream("hi", check=False) as stream:
        events = [event async for event in stream]

    assert stream.end is not None
    assert events[-1] is stream.end
    assert (stream.end.outcome, source.connections[0].closed) == ("error", 1)
    assert stream.end.failure is not None
    assert stream.end.failure.kind == "stage"


async def test_a_retry_that_rescued_bytes_ask_for_is_made() -> None:
    """P6: the connection breaks behind an error frame that may pass: the frame decides."""
    source = ScriptedSource([Failure("truncated", "gone")], [WHOLE], rescue=BUSY)

    async with Pipeline(source).stream("hi", check=False) as stream:
        _ = [event async for event in stream]

    assert stream.end is not None
    assert (stream.end.outcome, stream.end.stats.attempts) == ("complete", 2)
