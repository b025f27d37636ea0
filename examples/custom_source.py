"""A source of your own: the backend is whatever a program prints.

    python examples/custom_source.py

Here the program is a line of Python that asks a simulated backend; put any other in its place that reads
a request from its standard input and prints an OpenAI stream:

    Program("ssh", "gpu-box", "curl", "-sN", "http://localhost:8080/v1/chat/completions", "-d", "@-")

A source opens connections, a connection gives bytes as they come, and what they mean is known already.
(A backend over HTTP needs less than this: subclass HTTPSource, as docs/third-parties.md shows.)
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from math import inf

import anyio
import msgspec
from anyio.abc import Process

from tokenweir import Failure, Pipeline, Source
from tokenweir.pipeline.connection import DeadlinePassed
from tokenweir.pipeline.protocols import openai_chat
from tokenweir.pipeline.request import Request
from tokenweir.simulator.server import Simulator
from tokenweir.sinks import stdout

ASK = "import sys, shutil, urllib.request as u; \
shutil.copyfileobj(u.urlopen(sys.argv[1], sys.stdin.buffer.read()), sys.stdout.buffer, 1)"


class Program(Source):
    """Starts `command` for each answer, and ends it when the answer is left."""

    provider = "program"
    remote = False  # there is nobody to connect to

    def __init__(self, *command: str) -> None:
        super().__init__()
        self._command = command
        self._running: set[Run] = set()

    def open(self, request: Request) -> "Run":
        self._running = {
            run for run in self._running if run.process is None or run.process.returncode is None
        }
        run = Run(self._command, msgspec.json.encode(openai_chat.body(request)))
        self._running.add(run)
        return run

    async def aclose(self) -> None:
        """End what still runs, and wait for it."""
        for run in self._running:
            run.close()
            if run.process is not None:
                await run.process.aclose()


class Run:
    """The connection: one run of the program."""

    def __init__(self, command: tuple[str, ...], request: bytes) -> None:
        self.read: Callable[[], Awaitable[bytes | None]] = self._read
        self.process: Process | None = None
        self.status: int | None = None  # a program has none, and no headers
        self.headers: Mapping[str, str] = {}
        self.connected = True
        self.deadline = inf  # the stream sets it before each read
        self.armed = inf  # a read looks at it itself
        self._command = command
        self._request = request

    async def _read(self) -> bytes | None:
        """What it has printed next, and b"" at its end. A read that is cancelled has lost nothing."""
        with anyio.CancelScope(deadline=self.deadline) as waiting:
            if self.process is None:
                with anyio.CancelScope(shield=True):  # begun is begun: it is asked once
                    await self._start()
            return await self._next()
        if waiting.cancelled_caught:
            raise DeadlinePassed
        return b""

    async def _start(self) -> None:
        process = self.process = await anyio.open_process(self._command, stderr=subprocess.DEVNULL)
        if process.stdin is not None:
            with suppress(anyio.BrokenResourceError):  # it did not even listen: its exit code tells why
                await process.stdin.send(self._request)
                await process.stdin.aclose()

    async def _next(self) -> bytes:
        if self.process is None or self.process.stdout is None:
            return b""
        with suppress(anyio.EndOfStream):
            return await self.process.stdout.receive()
        if code := await self.process.wait():
            raise ChildProcessError(f"{self._command[0]} ended with exit code {code}")
        return b""

    def failure(self, fault: Exception) -> Failure | None:
        """What an exception of `read` means, for those that are the program's own."""
        return Failure("upstream", str(fault)) if isinstance(fault, OSError) else None

    def arm(self) -> None:
        """Never called: `armed` is for ever."""

    def rescue(self) -> bytes:
        """Nothing is kept back here."""
        return b""

    def close(self) -> None:
        """At once, without waiting."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)  # process.kill() would race with asyncio's own wait


async def main() -> None:
    """The program's answer, as it comes."""
    async with (
        Simulator() as server,
        Program(sys.executable, "-c", ASK, f"{server.url}/v1/chat/completions") as source,
    ):
        await Pipeline(source).run("Who are you?", into=stdout())


if __name__ == "__main__":
    asyncio.run(main())
