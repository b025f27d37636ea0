"""Bugs that a reading of the stream found, each with the test that shows it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import anyio
import pytest

from tests.reader import hear
from tests.scripted import Attempt, scripted
from tests.transcripts import HELLO, text
from tests.virtual import virtual
from tokenweir import Deadlines, Delta, Event, Failure, Pipeline, Stage
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.retry import Retry
from tokenweir.testing import ScriptedConnection, ScriptedSource, Step

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


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


class BreaksAtTick:
    """Asks to be told the time at once whenever it has been fed or is new, and breaks when it is."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._quiet = where != "early"

    def feed(self, items: Sequence[Event]) -> list[Event]:
        self._quiet = False
        return list(items)

    def finish(self) -> list[Event]:
        return []

    def tick(self, _now: float) -> list[Event]:
        if not self._quiet and self._where != "deadline":
            raise ValueError("broken")
        return []

    def deadline(self) -> float | None:
        if not self._quiet and self._where == "deadline":
            raise ValueError("broken")
        return None if self._quiet else 0.0


@pytest.mark.parametrize("where", ["tick", "early", "deadline"])
async def test_a_core_that_breaks_while_nothing_comes(where: str) -> None:
    """P1, P8: told as what it is, and not when the backend's silence ends, or as that."""
    script: list[Step] = [9.0, HELLO] if where == "early" else [text("Hi"), 9.0, HELLO]
    source = ScriptedSource(script)

    heard = await hear(Pipeline(source, Stage(lambda: BreaksAtTick(where))).stream("hi"))

    assert (heard.kind, heard.end.outcome) == ("stage", "error")
    assert heard.text == ("" if where == "early" else "Hi")
    assert heard.end.stats.duration < 2


async def test_a_core_that_broke_before_the_body_ended() -> None:
    """P1: an answer cut off behind a broken deadline is told as the bug that it is, and not retried."""
    source = ScriptedSource([b": ping\n\n"], [WHOLE])

    heard = await hear(Pipeline(source, Stage(lambda: BreaksAtTick("deadline"))).stream("hi"))

    assert (heard.kind, heard.end.stats.attempts) == ("stage", 1)


class Unaskable(ScriptedSource):
    """A source that cannot make the request."""

    def open(self, request: Request) -> ScriptedConnection:  # noqa: ARG002 - as Source
        raise MisuseError("this has no form")


async def test_what_a_source_raises_is_no_cancellation() -> None:
    """P1, P8: the exception comes as it is, and the end that is recorded names it."""
    stream = Pipeline(Unaskable([WHOLE])).stream("hi")
    with pytest.raises(MisuseError, match="no form"):
        _ = [event async for event in stream]

    assert stream.end is not None
    assert stream.end.failure is not None
    assert (stream.end.outcome, stream.end.failure.kind) == ("error", "bad_request")
    assert "no form" in stream.end.failure.message


@pytest.mark.parametrize("script", [[9.0, WHOLE], [BUSY]])
async def test_silence_is_told_before_the_first_content(script: list[Any]) -> None:
    """P16: `batches(every=)` keeps its word while a model loads, and between two attempts."""
    source = ScriptedSource(script, [9.0, WHOLE])
    source.retry = Retry(jitter=lambda: 0.0)
    times: list[float] = []

    async with Pipeline(source).stream("hi") as stream:
        began = anyio.current_time()
        async for batch in stream.batches(every=0.25):
            times.append(anyio.current_time() - began)
            if any(isinstance(event, Delta) for event in batch):
                break

    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) > 30
    assert max(gaps) <= 0.25 + 1e-6


async def test_a_refusal_that_goes_on_counts_in_the_deadline() -> None:
    """P15: the body of a refusal that does not end takes no longer than the answer may."""
    limits = Deadlines(None, first_token=None, silence=None, between_tokens=None, total=2.0)
    source, _ = scripted(Attempt(400, b'{"error":{"message":"no"}}', 60.0), deadlines=limits)

    heard = await hear(Pipeline(source).stream("hi"))

    assert heard.message == "HTTP 400: no"
    assert heard.end.stats.duration == pytest.approx(2.0)
