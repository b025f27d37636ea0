"""Measure and print: `python -m benchmarks [--quick] [--only W1,W3,W4,...,gateway]`.

Law of this file: which workloads there are, how large they are, and in which order they run. The exit
code is 0 where everything was measured, whatever the figures say: they are read by people, and judged
on their own machine.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec

import anyio

from benchmarks import gateway, memory, micro
from benchmarks.bodies import Workload
from benchmarks.measure import measure
from benchmarks.peers import PEERS
from benchmarks.report import table
from benchmarks.server import serving

_PACED = Workload("paced", streams=40, chunks=150, rate=50.0)
_PACED_QUICK = Workload("paced", streams=10, chunks=10, rate=100.0)
FULL: Mapping[str, Workload] = {
    "W1": Workload("W1", streams=1, chunks=100_000),
    "W3": Workload("W3", streams=1, chunks=2_000, cumulative=True, repeat=5),
    "W4": Workload("W4", streams=500, chunks=200),
    "paced": _PACED,
    "paced-uvloop": _PACED._replace(name="paced-uvloop"),
}
QUICK: Mapping[str, Workload] = {
    "W1": Workload("W1", streams=1, chunks=2_000),
    "W3": Workload("W3", streams=1, chunks=200, cumulative=True),
    "W4": Workload("W4", streams=20, chunks=40),
    "paced": _PACED_QUICK,
    "paced-uvloop": _PACED_QUICK._replace(name="paced-uvloop"),
}
ABOUT: Mapping[str, str] = {
    "W1": "{chunks:,} small chunks, as fast as they are read",
    "W3": "{chunks:,} cumulative chunks, as fast as they are read ({repeat} times, one after another)",
    "W4": "{streams} streams of {chunks} chunks at once, as fast as they are read, opening included",
    "paced": "{streams} open streams, {rate:g} chunks a second each, one a network read",
    "paced-uvloop": "the same on uvloop",
}
OTHERS = {"stages": micro.lines, "memory": memory.lines, "gateway": gateway.lines}
ROUNDS, QUICK_ROUNDS = 5, 1


def main() -> int:
    """Measure what was asked for, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What a token event costs.")
    known = [*FULL, *OTHERS]
    parser.add_argument(
        "--quick", action="store_true", help="small workloads: it runs; the figures mean little"
    )
    parser.add_argument("--only", default="", metavar="NAMES", help=f"some of {','.join(known)}")
    parser.add_argument(
        "--rounds", type=int, default=0, metavar="N", help=f"rounds per workload (default {ROUNDS})"
    )
    asked = parser.parse_args()
    names = [name for name in asked.only.split(",") if name] or known
    if unknown := set(names) - set(known):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    works = {name: work for name, work in (QUICK if asked.quick else FULL).items() if name in names}
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {rounds} rounds")
    if works:
        with serving(works) as address:
            for work in works.values():
                _measure(work, address, rounds)
    for name in names:
        if name in OTHERS:
            print(f"\n{name}", flush=True)
            for line in OTHERS[name](quick=asked.quick):
                print(line, flush=True)
    return 0


def _measure(work: Workload, address: str, rounds: int) -> None:
    print(f"\n{work.name}: {ABOUT[work.name].format(**work._asdict())}", flush=True)
    uvloop = work.name.endswith("-uvloop")
    if uvloop and find_spec("uvloop") is None:
        print("not measured: uvloop is not installed")
        return
    began = time.perf_counter()
    options = {"use_uvloop": True} if uvloop else {}
    figures = anyio.run(measure, work, address, PEERS, rounds, _tell, backend_options=options)
    _tell("")
    for line in table(work, figures):
        print(line)
    print(f"({time.perf_counter() - began:.0f} s)", flush=True)


def _tell(doing: str) -> None:
    """What is being measured now, where somebody looks on."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{doing}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
