"""An exception that nobody expected goes no further than what it happened to."""

import asyncio

import anyio
import pytest
from structlog.testing import capture_logs

from tests.gateway.logged import kept_log
from tokenweir.gateway.mishap import harmless, stops_us

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("odd", [KeyError("sk-canary-1"), ExceptionGroup("two", [KeyError("sk-canary-1")])])
def test_what_breaks_in_a_block_is_told_and_goes_no_further(odd: Exception) -> None:
    """P24: with its type alone."""
    log = kept_log()
    with capture_logs() as logs, harmless("here", backend="b"):
        raise odd

    assert log.getvalue() == ""
    assert logs == [
        {
            "event": "bug",
            "log_level": "warning",
            "where": "here",
            "error": type(odd).__name__,
            "backend": "b",
        }
    ]


async def test_our_own_cancellation_goes_through() -> None:
    """P10: and one that something else raised of itself does not."""
    with harmless("here"):
        raise asyncio.CancelledError
    went_on = False
    with anyio.move_on_after(0.01) as scope:
        with harmless("here"):
            await anyio.sleep_forever()
        went_on = True  # never

    assert scope.cancelled_caught
    assert not went_on
    assert not stops_us(asyncio.CancelledError())


async def test_the_end_of_a_task_group_goes_through_too() -> None:
    """P10: also after a scope of the block's own has ended."""
    ended = list[str]()

    async def work() -> None:
        with harmless("here"):
            with anyio.move_on_after(0):
                await anyio.sleep_forever()
            await anyio.sleep_forever()
        ended.append("went on")

    with anyio.fail_after(2):
        async with anyio.create_task_group() as group:
            group.start_soon(work)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()

    assert ended == []
