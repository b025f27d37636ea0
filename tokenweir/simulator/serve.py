"""`tokenweir simulate`: the simulator until it is told to stop.

Law of this file: a running server and one log line for each request; options and output belong to
the command line.
"""

import anyio
import structlog
from anyio.abc import TaskStatus

from tokenweir.simulator.exchange import Exchange
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

_log = structlog.stdlib.get_logger("tokenweir.simulator")


async def serve(
    quirks: Quirks,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    task_status: TaskStatus[str] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled. `task_group.start(serve, quirks)` gives the URL when it listens.

    Raises OSError where the address cannot be had.
    """
    async with Simulator(quirks, host, port, on_exchange=_tell) as server:
        _log.info("simulator.listening", url=server.url, provider=quirks.provider, fault=quirks.fault)
        task_status.started(server.url)
        await anyio.sleep_forever()


def _tell(exchange: Exchange) -> None:
    _log.info(
        "simulator.request",
        model=exchange.model,
        status=exchange.status,
        outcome=exchange.outcome,
        bytes=exchange.bytes_written,
        seconds=round(exchange.ended - exchange.started, 3),
    )
