"""What the gateway costs: CPU per event beside a plain pass-through, added latency, and many streams at once.

Law of this file: who is measured, and the figures. The gateway is `tokenweir serve` in a process of its own,
as it is without any option; the pass-through is the least that an aiohttp server can do with the same bytes,
in a process of its own too. Who asks stands in crowd.py, the backend and the pass-through in relay.py.
"""

import asyncio
import os
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.crowd import Shape, ask
from benchmarks.relay import backend, gateway, pass_through

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

BURST, PACED, CROWD = Shape(20, 5000), Shape(40, 150, 50.0), Shape(500, 40, 4.0)
BURST_QUICK, PACED_QUICK, CROWD_QUICK = Shape(2, 50), Shape(4, 10, 50.0), Shape(20, 4, 20.0)
FIRST = Shape(2, 40, 50.0)
"""Imports and buffers that are there once, whoever asks."""

_TOO_SMALL = 0.01
"""Microseconds: a quick run is over before the clock of CPU time ticks."""


class Way(NamedTuple):
    """A way to the backend: its address, and the process in between."""

    url: str
    process: int | None


def lines(*, quick: bool) -> Iterator[str]:
    """The tables, line by line."""
    if not Path("/proc/self/stat").exists():
        yield "not measured: this system does not tell a process's CPU time in /proc"
        return
    with backend() as there, pass_through(there) as through, gateway(there) as ours:
        ways = {"direct": Way(there, None), "pass-through": Way(*through), "tokenweir serve": Way(*ours)}
        yield from _burst(ways, BURST_QUICK if quick else BURST, 1 if quick else 5)
        yield ""
        yield from _latency(ways, PACED_QUICK if quick else PACED)
        yield ""
    with backend() as there, gateway(there) as ours:  # a new one: what the burst had is not free memory here
        asyncio.run(ask(ours[0], FIRST))
        yield from _crowd(Way(*ours), CROWD_QUICK if quick else CROWD)


def _burst(ways: Mapping[str, Way], shape: Shape, rounds: int) -> Iterator[str]:
    yield f"{'burst, us of CPU per event':<28}{'min':>8}{'median':>8}   ({shape.streams} x {shape.events})"
    costs: dict[str, list[float]] = {name: [] for name, way in ways.items() if way.process is not None}
    for _ in range(rounds + 1):  # in turn, so that a busy moment of the machine meets both
        for name, found in costs.items():
            url, process = ways[name]
            before = _cpu(process)
            told = asyncio.run(ask(url, shape))
            if told.whole != shape.streams:
                yield f"{name}: {shape.streams - told.whole} answers were not whole"
            found.append((_cpu(process) - before) / (shape.streams * shape.events) * 1e6)
    floor = min(costs["pass-through"][1:])  # the first round warms up
    for name, found in costs.items():
        compared = name != "pass-through" and floor > _TOO_SMALL
        ratio = f"{min(found[1:]) / floor:.1f} x (required 4, aim 2.5)" if compared else ""
        yield f"{name:<28}{min(found[1:]):>8.2f}{statistics.median(found[1:]):>8.2f}   {ratio}"


def _latency(ways: Mapping[str, Way], shape: Shape) -> Iterator[str]:
    about = f"({shape.streams} streams at {shape.rate:g}/s; required: p50 1.5)"
    yield f"{'paced, ms from the backend':<28}{'p50':>8}{'p99':>8}   {about}"
    for name, (url, _) in ways.items():
        late = sorted(asyncio.run(ask(url, shape)).late)
        yield f"{name:<28}{late[len(late) // 2] * 1e3:>8.2f}{late[int(len(late) * 0.99)] * 1e3:>8.2f}"


def _crowd(way: Way, shape: Shape) -> Iterator[str]:
    before = _resident(way.process)
    told = asyncio.run(ask(way.url, shape, midway=lambda: _resident(way.process)))
    yield f"{shape.streams} streams at once: {told.whole} whole, {shape.streams - told.whole} not"
    grown = (told.midway - before) / shape.streams / 1024
    yield f"KiB for each of them, in the gateway: {grown:.0f} (required 64, aim 48)"


def _cpu(process: int | None) -> float:
    """Seconds of CPU that a process has used."""
    told = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / TICKS


def _resident(process: int | None) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1]) * PAGE
