"""Waiting for what another task or another process does.

Law of this file: bounded, and as short as what is waited for takes.
"""

from collections.abc import Callable

import anyio


async def until(true: Callable[[], object], seconds: float = 6.0) -> None:
    """Wait until it is. Raises TimeoutError where it does not come to be so."""
    with anyio.fail_after(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for has no event of its own
            await anyio.sleep(0.005)
