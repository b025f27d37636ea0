"""How a command serves until it is told to stop: what is said, logged and answered at the end.

Law of this file: signals, the address, the log on standard error; what is served belongs to the commands.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import anyio
import click
import structlog
from anyio.abc import TaskStatus

from tokenweir.cli.app import COMPLETE, WrongUse

HOST = "127.0.0.1"


def log_to_stderr() -> None:
    """One line for each request. Values as `repr`: what a client sends must not steer the terminal."""
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper("%H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, repr_native_str=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def serve_until_told(serve: Callable[..., Any], port: int, hello: Callable[[str], str]) -> int:
    """Run `serve(task_status=...)`, which starts with its URL, until SIGTERM; the exit code. `hello` is
    what is said of the URL. Ctrl-C cancels it from outside. Raises WrongUse where `port` is taken."""
    try:
        async with anyio.create_task_group() as tasks:
            if os.name == "posix":
                await tasks.start(_stop_at_sigterm, tasks.cancel_scope)
            click.echo(hello(await tasks.start(serve)))
    except* OSError as taken:
        refused = str(taken.exceptions[0])
    else:
        return COMPLETE
    raise WrongUse(f"--port {port}: {refused}")


async def _stop_at_sigterm(
    scope: anyio.CancelScope, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()
