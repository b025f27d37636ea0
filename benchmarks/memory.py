"""What an open stream weighs while nothing comes: KiB of memory, from the growth of a process.

Law of this file: each reader in a process of its own, which opens some streams, then many more; what
the process grew by, divided by how many there were. The first ones pay for what is made once, so they
do not count. The kernel's own socket buffers are in no figure.
"""

import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import anyio

from benchmarks.bodies import Workload
from benchmarks.peers import PEERS
from benchmarks.server import serving

STATM = Path("/proc/self/statm")
_NEVER = 1_000_000
"""Streams that the server waits for before it goes on after their first event: more than will come."""
IDLE = Workload("idle", streams=_NEVER, chunks=2, rate=1.0)


def lines(*, quick: bool) -> Iterator[str]:
    """The table, line by line."""
    if not STATM.exists():
        yield "not measured: this system does not tell how large a process is in /proc/self/statm"
        return
    few, many = (20, 60) if quick else (100, 500)
    yield f"{f'KiB per open stream, of {many}':<34}{'median of 3':>12}    (required 20, aim 18)"
    with serving({"idle": IDLE}) as address:
        for name in PEERS:
            sizes = sorted(grown(name, f"{address}/idle", few, many) for _ in range(1 if quick else 3))
            yield f"{name:<34}{sizes[len(sizes) // 2] / 1024:>12.1f}"


def grown(name: str, url: str, few: int, many: int) -> float:
    """Bytes per stream: those of `many`, after `few` that do not count."""
    spawn = multiprocessing.get_context("spawn")
    mine, its = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_main, args=(its, name, url, few, many), daemon=True)
    process.start()
    its.close()
    try:
        return float(mine.recv())
    finally:
        process.join()


def _main(told: Connection, name: str, url: str, few: int, many: int) -> None:
    told.send(anyio.run(_hold, name, url, few, many))


async def _hold(name: str, url: str, few: int, many: int) -> float:
    async with PEERS[name](url, False) as ask, anyio.create_task_group() as group:  # noqa: FBT003 - as every Peer
        sizes = list[int]()
        for count in (few, many):
            for _ in range(count):
                group.start_soon(ask)
            sizes.append(await _settled())
        group.cancel_scope.cancel()
        return (sizes[1] - sizes[0]) / many
    raise AssertionError  # a cancelled group swallows its own cancellation only


async def _settled() -> int:
    """The size of this process when it grows no more."""
    sizes = [0]
    while len(sizes) < 4 or len(set(sizes[-4:])) > 1:
        await anyio.sleep(0.15)
        sizes.append(_size())
    return sizes[-1]


def _size() -> int:
    return int(STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
