"""What is known of each backend stays recent: its models are asked for again and again.

Law of this file: health answers from what is known and asks nobody (PROMISES P22), so somebody has to ask. A
backend that answers one of our requests is not disturbed, and a hosted one is asked seldom.
"""

import anyio

from tokenweir.gateway.gateway import Gateway
from tokenweir.gateway.log import log_life, log_trouble
from tokenweir.gateway.mishap import harmless
from tokenweir.gateway.setup import Served

EVERY = 10.0
"""Seconds between two questions to a backend."""

HOSTED_EVERY = 300.0
"""Seconds between two questions to somebody's service."""


async def watch(gateway: Gateway) -> None:
    """Ask every backend for its models, at once and from then on, until cancelled."""
    while True:
        await look(gateway)
        await anyio.sleep(EVERY)


async def look(gateway: Gateway) -> None:
    """Ask those whose list is old, all at once."""
    setup = gateway.setup
    setup.enter()
    try:
        async with anyio.create_task_group() as group:
            for served in setup.backends.values():
                group.start_soon(_look_at, served)
    finally:
        setup.leave()


async def _look_at(served: Served) -> None:
    with harmless("watch", backend=served.name):
        await _ask(served)


async def _ask(served: Served) -> None:
    catalog, before = served.catalog, served.catalog.failure
    busy = bool(served.source.activity.streams(served.source))
    if not busy or catalog.checked is None or catalog.failure is not None:
        await catalog.fresh(HOSTED_EVERY if served.source.hosted else EVERY - 1.0)
    if before is None and catalog.failure is not None:
        log_trouble("backend_down", backend=served.name, kind=catalog.failure.kind)
    elif before is not None and catalog.failure is None:
        log_life("backend_up", backend=served.name)
