"""Leaving a real server's answer: it stops generating, and serves the next request at once."""

import anyio
import pytest

from tests.reader import hear
from tests.real.running import Running, can_measure
from tests.real.vocabulary import SAID
from tests.real.weights import CONTEXT
from tokenweir import Delta, Pipeline
from tokenweir.pipeline.clock import running_clock

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not can_measure(), reason="processor time is read from /proc"),
]

STOPS = 1.0
"""Seconds in which a server that nobody listens to stops."""
_LOOK, _IDLE = 0.25, 0.05
"""A server is idle when it uses less than so many seconds of processor time in so many of the clock."""
_SEEN = 20
_PATIENCE = 0.2
"""Seconds that a prompt of thousands of tokens takes at least."""


async def busy_for(served: Running, seconds: float) -> float:
    """How long a server goes on working, looked at for so long."""
    clock = running_clock()
    began = last = clock()
    used = served.cpu()
    while clock() < began + seconds:
        await anyio.sleep(_LOOK)  # processor time is told by nobody: it must be looked at
        now = served.cpu()
        if now - used > _IDLE:
            last = clock()
        used = now
    return last - began


async def test_it_stops_while_it_generates(served: Running) -> None:
    """P10: within a second no more processor time is used, though thousands of tokens were to come."""
    async with served.connect() as source:
        pipeline = Pipeline(source)
        clock = running_clock()
        seen = 0
        async with pipeline.stream("[endless] Hello", max_tokens=CONTEXT - 200) as stream:
            began = clock()
            async for event in stream:
                began = clock() if seen == 0 else began
                seen += isinstance(event, Delta)
                if seen > _SEEN:
                    break
            to_come = (CONTEXT - 200 - seen) * (clock() - began) / seen
        worked = await busy_for(served, STOPS + 4 * _LOOK)
        heard = await hear(pipeline.stream("[text]", max_tokens=20))

    assert to_come > 2 * STOPS
    assert worked <= STOPS
    assert stream.end is not None
    assert stream.end.outcome == "cancelled"
    assert heard.text == SAID["[text]"]


async def test_it_serves_on_when_it_is_left_while_it_reads(served: Running) -> None:
    """P10: our side is closed at once. Some servers read the prompt to its end first, then all serve on."""
    async with served.connect() as source:
        pipeline = Pipeline(source)
        stream = pipeline.stream("w" * (CONTEXT - 500) + " [text]", max_tokens=20)
        with anyio.move_on_after(_PATIENCE):
            async with stream:
                seen = [event async for event in stream if isinstance(event, Delta)]
                assert seen == [], "the prompt was too short to be left in time"
        worked = await busy_for(served, STOPS + 4 * _LOOK)
        heard = await hear(pipeline.stream("[text]", max_tokens=20))

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"
    assert worked <= STOPS or not served.server.stops_reading
    assert heard.text == SAID["[text]"]
