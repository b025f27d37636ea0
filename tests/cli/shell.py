"""The real command in a real process, on real terminals and pipes, against a backend of this process.

Law of this file: how to start, watch and stop; no claim about what a command does.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from anyio.from_thread import start_blocking_portal

from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

COMMAND = (sys.executable, "-W", "error", "-m", "tokenweir")
Output = int | IO[bytes] | None

PATIENCE = 60
"""Seconds after which a process is stuck. None is needed: it is a bound, not a wait."""


@contextmanager
def backend(**quirks: Any) -> Generator[Simulator]:
    """A simulated backend in a thread, for as long as the block lasts."""
    server = Simulator(Quirks(**quirks))
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(server):
        yield server


def start(
    *arguments: str,
    stdout: Output = subprocess.PIPE,
    stderr: Output = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """The command, started, with nothing to read. Ctrl-C works in it whatever started us."""
    command = [*COMMAND, *arguments]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env)
    finally:
        signal.signal(signal.SIGINT, before)


def run(
    *arguments: str, stdout: Output = subprocess.PIPE, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """The command, run to its end: its exit code, standard output and error."""
    return finish(start(*arguments, stdout=stdout, env=env))


def watch(process: subprocess.Popen[bytes], screen: int) -> str:
    """All that a process writes to a terminal until it has ended; `screen` is the terminal's other end."""
    seen = b""
    while True:
        ended = process.poll() is not None  # asked first: what it wrote before its end is there then
        if select.select([screen], [], [], 0 if ended else 0.05)[0]:
            seen += os.read(screen, 65536)
        elif ended:
            return seen.decode()


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Wait for the end: exit code, and what is left of standard output and error."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, (out or b"").decode(), (err or b"").decode()
