"""callback calls a function with each event."""

from typing import Any, cast

import anyio
import pytest
from anyio.lowlevel import checkpoint

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, End, Event
from tokenweir.sinks import callback

pytestmark = pytest.mark.anyio

BATCH: list[Event] = [Delta("a"), Delta("b"), End("complete")]


async def test_a_sync_function() -> None:
    """P1: every event once, in order; what the function returns does not matter."""
    seen: list[Event] = []

    def keep(event: Event) -> int:
        seen.append(event)
        return len(seen)

    await callback(keep).send(BATCH)

    assert seen == BATCH


async def test_an_async_function_is_back_pressure() -> None:
    """P13: the next event waits until the function is through with this one."""
    log: list[object] = []

    async def keep(event: Event) -> None:
        log.append(event)
        await checkpoint()
        log.append("through")

    await callback(keep).send(BATCH)

    assert log == [BATCH[0], "through", BATCH[1], "through", BATCH[2], "through"]


class Stop(BaseException):
    """Not an Exception."""


@pytest.mark.parametrize("fault", [ValueError("mine"), Stop()])
async def test_faults_come_out_as_they_are(fault: BaseException) -> None:
    """D09: the run, not the sink, makes a failure of what a function raises."""
    seen: list[Event] = []

    def fail(event: Event) -> None:
        seen.append(event)
        raise fault

    with pytest.raises(type(fault)) as told:
        await callback(fail).send(BATCH)
    assert told.value is fault
    assert seen == BATCH[:1]


async def test_a_function_may_close_the_sink() -> None:
    """D09: closing from within, again and again, is safe, and ends the calls."""
    seen: list[Event] = []

    async def close(event: Event) -> None:
        seen.append(event)
        await sink.aclose()
        await sink.aclose()

    sink = callback(close)
    await sink.send(BATCH)

    assert seen == BATCH[:1]


async def test_a_function_that_never_returns_can_be_cancelled() -> None:
    """D09, P10: a stuck receiver holds nobody who cancels."""
    sink = callback(lambda _: anyio.sleep_forever())

    with anyio.move_on_after(0) as scope:
        await sink.send(BATCH)
    assert scope.cancelled_caught


def test_misuse() -> None:
    """What cannot be called is refused when the sink is made."""
    with pytest.raises(MisuseError, match=r"takes the function itself"):
        callback(cast("Any", None))
