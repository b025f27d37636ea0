"""Measuring: CPU seconds of this process, reader after reader, round after round.

Law of this file: every reader is warmed up, then measured in turn within each round, so that what the
machine does besides meets all of them alike. What counts is CPU time and never the wall, and a run in
which a reader did not get everything is no figure but an error.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from statistics import median
from typing import NamedTuple

import anyio

from benchmarks import bodies
from benchmarks.bodies import Workload
from benchmarks.peers import Ask, Peer

Figures = Mapping[str, list[float]]
"""Reader -> CPU seconds per event, one for each round."""


class WrongAnswerError(AssertionError):
    """A reader did not get what was sent: its cost would be that of doing less."""


class Expected(NamedTuple):
    """What one stream must come to."""

    text: str
    size: int

    def check(self, peer: str, got: str | int) -> None:
        """Raises WrongAnswerError."""
        want = self.text if isinstance(got, str) else self.size
        if got != want:
            shown = f"{len(got)} characters" if isinstance(got, str) else f"{got} bytes"
            sent = f"{len(self.text)} characters, {self.size} bytes"
            raise WrongAnswerError(f"{peer} got {shown}, which is not what was sent ({sent})")


async def measure(
    work: Workload, address: str, peers: Mapping[str, Peer], rounds: int, tell: Callable[[str], None]
) -> Figures:
    """CPU per event of each reader, in as many rounds, after one that does not count."""
    url, expected = f"{address}/{work.name}", Expected(bodies.text(work), bodies.size(work))
    figures: dict[str, list[float]] = {name: [] for name in peers}
    async with AsyncExitStack() as open_peers:
        asks = {
            name: await open_peers.enter_async_context(peer(url, work.cumulative))
            for name, peer in peers.items()
        }
        for number in range(rounds + 1):
            for name, ask in asks.items():
                tell(f"{work.name}: {name}, " + (f"round {number} of {rounds}" if number else "warming up"))
                answers, seconds = await _run(work, address, ask)
                for got in answers:
                    expected.check(name, got)
                if number:
                    figures[name].append(seconds / work.events)
    return figures


async def _run(work: Workload, address: str, ask: Ask) -> tuple[list[str | int], float]:
    gc.collect()
    if work.rate is not None:
        return await _run_paced(work, address, ask)
    begun = time.process_time()
    answers = list[str | int]()
    for _ in range(work.repeat):
        answers += [await ask()] if work.streams == 1 else await _together(ask, work.streams)
    return answers, time.process_time() - begun


async def _together(ask: Ask, streams: int) -> list[str | int]:
    answers = list[str | int]()

    async def one() -> None:
        answers.append(await ask())

    async with anyio.create_task_group() as group:
        for _ in range(streams):
            group.start_soon(one)
    return answers


async def _run_paced(work: Workload, address: str, ask: Ask) -> tuple[list[str | int], float]:
    """Only what flows is measured: the clock starts when every stream has been opened."""
    begun, answers = 0.0, list[str | int]()

    async def start() -> None:
        nonlocal begun
        await _go(address, work.name)
        begun = time.process_time()

    async with anyio.create_task_group() as group:
        group.start_soon(start)
        answers = await _together(ask, work.streams)
    return answers, time.process_time() - begun


async def _go(address: str, name: str) -> None:
    """Ask the server to begin; it answers when all streams are there."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /{name}/go HTTP/1.1\r\n\r\n".encode())
    await reader.read()
    writer.close()
    await writer.wait_closed()


def ratio(figures: Figures, one: str, other: str) -> float:
    """How many times what `other` costs `one` does: the median over the rounds."""
    return median(mine / its for mine, its in zip(figures[one], figures[other], strict=True))
