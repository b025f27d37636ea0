"""What each stage costs, in nanoseconds per event, without a network.

Law of this file: the stages of the default chain one after another, each fed with what the one before
it made; then the whole stream, driven by a connection that always has its next read at hand. Three
columns: large reads (a burst), reads of one event (a paced stream), and reads of one event after
something else has used the processor's caches, as it does between two events of a paced stream. The
last one, less what calling nothing costs, is nearest to life; each of its rows fetches anew what the
stages share, so they add up to more than the whole.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from statistics import median
from typing import Any, ClassVar

import anyio

from benchmarks.bodies import Workload, frames, text
from tokenweir import Delta, Pipeline, Source
from tokenweir.pipeline.core import Part
from tokenweir.pipeline.meter import Meter
from tokenweir.pipeline.request import Request
from tokenweir.stages import token_count
from tokenweir.stages.cumulative_detect import Mode

READ = 65_536
REPEATS, QUICK_REPEATS = 9, 2
_OTHER_WORK = bytes(6 * 1024 * 1024), bytearray(6 * 1024 * 1024)


class _Reads:
    """A connection that has everything already."""

    def __init__(self, reads: Sequence[bytes]) -> None:
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.connected = True
        self.armed = -inf  # nothing to arm: no read waits
        self.deadline = inf
        self.read = self._read
        self._left = iter(reads)

    async def _read(self) -> bytes | None:
        if self.status is None:
            self.status = 200
            return None
        return next(self._left, b"")

    def arm(self) -> None:
        """Nothing waits."""

    def rescue(self) -> bytes:
        """Nothing has failed."""
        return b""

    def failure(self, fault: Exception) -> None:
        """No exception is this connection's."""

    def close(self) -> None:
        """Nothing is open."""


class _Memory(Source):
    """A backend whose whole answer is there."""

    remote: ClassVar[bool] = False
    default_mode: ClassVar[Mode] = "auto"

    def __init__(self, reads: Sequence[bytes]) -> None:
        super().__init__()
        self._reads = reads

    def open(self, request: Request) -> _Reads:  # noqa: ARG002 - as every source
        return _Reads(self._reads)


def lines(*, quick: bool) -> Iterator[str]:
    """The table, line by line."""
    work = Workload("stages", streams=1, chunks=1_000 if quick else 20_000)
    few = work._replace(chunks=200 if quick else 1_500)
    body = b"".join(frames(work))
    repeats = QUICK_REPEATS if quick else REPEATS
    burst = _warm([body[at : at + READ] for at in range(0, len(body), READ)], work, repeats)
    paced = _warm(frames(work), work, repeats)
    cold = _cold(frames(few))
    yield f"{'ns per event':<34}{'64 KiB a read':>16}{'one event a read':>18}{'that, cold':>14}"
    for name, cost in burst.items():
        yield f"{name:<34}{cost:>16.0f}{paced[name]:>18.0f}{cold[name]:>14.0f}"


_Feed = Callable[[Sequence[Any]], Any]


def _stages(flow: list[Sequence[Any]]) -> Iterator[tuple[str, Callable[[], _Feed], list[Sequence[Any]]]]:
    """Each stage's name, what makes a fresh `feed` of it, and what it is fed with."""
    for part in (_Memory(()).stage | token_count()).parts:
        yield part.name, partial(_fresh, part), flow
        feed = _fresh(part)
        flow = [made for items in flow if (made := list(feed(items)))]
    yield "meter", _meter, flow


def _fresh(part: Part) -> _Feed:
    return part.make().feed


def _meter() -> _Feed:
    count, clock = Meter(0.0).count, iter(range(1_000_000_000))
    return lambda batch: count(batch, float(next(clock)))


def _warm(reads: Sequence[bytes], work: Workload, repeats: int) -> dict[str, float]:
    """CPU time of all calls together; the best of all repeats."""
    rows = {
        name: min(_time_all(make(), flow) for _ in range(repeats)) / work.chunks
        for name, make, flow in _stages([[data] for data in reads])
    }
    pipeline = Pipeline(_Memory(reads), token_count())
    whole = min(anyio.run(_iterate, pipeline, text(work)) for _ in range(repeats)) / work.chunks
    return {**rows, "the whole stream": whole}


def _time_all(feed: _Feed, flow: list[Sequence[Any]]) -> float:
    gc.collect()
    begun = time.process_time_ns()
    for items in flow:
        feed(items)
    return time.process_time_ns() - begun


async def _iterate(pipeline: Pipeline, expected: str) -> float:
    parts = list[str]()
    gc.collect()
    begun = time.process_time_ns()
    async with pipeline.stream("Tell me something.") as stream:
        async for event in stream:
            if type(event) is Delta:
                parts.append(event.text)
    spent = time.process_time_ns() - begun
    assert "".join(parts) == expected
    return spent


def _cold(reads: Sequence[bytes]) -> dict[str, float]:
    """Time of each call, after other work; the median call."""
    flow: list[Sequence[Any]] = [[data] for data in reads]
    nothing = _time_each(len, flow)
    rows = {name: _time_each(make(), flow) - nothing for name, make, flow in _stages(flow)}
    whole = anyio.run(_iterate_cold, Pipeline(_Memory(reads), token_count())) - nothing
    return {**rows, "the whole stream": whole}


def _time_each(feed: _Feed, flow: list[Sequence[Any]]) -> float:
    spent = list[int]()
    for items in flow:
        _use_the_caches()
        begun = time.perf_counter_ns()
        feed(items)
        spent.append(time.perf_counter_ns() - begun)
    return median(spent)


async def _iterate_cold(pipeline: Pipeline) -> float:
    spent = list[int]()
    async with pipeline.stream("Tell me something.") as stream:
        while stream.end is None:
            _use_the_caches()
            begun = time.perf_counter_ns()
            await anext(stream)
            spent.append(time.perf_counter_ns() - begun)
    return median(spent)


def _use_the_caches() -> None:
    there, here = _OTHER_WORK
    here[:] = there
