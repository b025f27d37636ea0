"""What becomes of an exception that nobody expected: a source of somebody else's may raise anything.

Law of this file: it is told, and goes no further than what it happened to. The gateway's own tasks share task
groups, where an exception of one would end them all, and every answer with them.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from tokenweir.gateway.log import log_trouble


@contextmanager
def harmless(where: str, **values: Any) -> Generator[None]:
    """What is raised in the block ends the block, and is a `bug` in the log, with these values and its type:
    its text might hold anything (PROMISES P24).

    >>> with harmless("a test"):
    ...     raise KeyError("odd")
    """
    try:
        yield
    except (Exception, asyncio.CancelledError) as bug:
        if stops_us(bug):
            raise
        log_trouble("bug", where=where, error=type(bug).__name__, **values)


def stops_us(error: BaseException) -> bool:
    """Whether this is the cancellation of the task that runs, and not one that something which it called has
    raised of itself: a future of a source's own that was cancelled, say. A task group takes either for the
    wish to end all of it."""
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
