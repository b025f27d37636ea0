"""What looks after the clients' connections: one task for all of them, once a second.

Law of this file: silence is filled (PROMISES P16), and a client that takes no byte is cut (P14). A timer or a
scope for each write would cost more than the write; here a second's tick looks at all streams at once, those
of answers, those of loads, and websockets.
"""

import anyio

from tokenweir.gateway.gateway import Gateway
from tokenweir.gateway.log import log_trouble
from tokenweir.pipeline.clock import running_clock

LOOK = 1.0
"""Seconds between two looks."""


async def attend(gateway: Gateway) -> None:
    """Look after all connections until cancelled. How late a look comes is how busy the event loop is."""
    clock = running_clock()
    while True:
        due = clock() + LOOK
        await anyio.sleep(LOOK)
        now = clock()
        gateway.metrics.ticked(max(0.0, now - due))
        for beat in list(gateway.beats):
            try:
                beat(now)
            except Exception as bug:  # noqa: BLE001 - one connection's is not the others'
                gateway.beats.discard(beat)
                log_trouble("bug", where="beat", error=type(bug).__name__)
