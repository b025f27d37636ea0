"""Time, as the running event loop tells it.

Law of this file: the one place that knows how to read a clock. Logic uses the loop's monotonic
clock only (never the wall clock), so that virtual time in tests (trio's MockClock, looptime) moves
deadlines, phases and figures alike.
"""

import asyncio
import time
from collections.abc import Callable

import anyio

Clock = Callable[[], float]
"""Seconds, monotonic, from an arbitrary zero."""


def running_clock() -> Clock:
    """The clock of the event loop that is running now.

    The loop's own method is read directly on asyncio, since a stream asks twice per network read.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return anyio.current_time
    own = type(loop).time is asyncio.BaseEventLoop.time
    return time.monotonic if own else loop.time  # noqa: TID251 - what the loop's own method calls, without its frame


def wall_time() -> float:
    """Unix seconds, only for comparing with a date that a backend sent; no logic waits on it."""
    return time.time()  # noqa: TID251 - the one place
