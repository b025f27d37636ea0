"""How soon the upstream sees that its consumer has been cancelled: over real sockets of loopback.

    python -m benchmarks.cancel_figures [--rounds 100]

Milliseconds from the cancellation to the end of the last connection, as the server sees it, for each place
where a consumer can be (tests/leaving.py), cancelled by a scope and as a task. While it connects there is
nothing to see: then it is until no task is left. The exit code is 1 where a p99 is over 50 ms (PROMISES P10).
"""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from statistics import quantiles

import anyio

from tests.leaving import PLACES, How, seconds_to_close, seconds_to_stop_connecting

ALLOWED = 0.05
"""Seconds."""

MEASURES: Mapping[str, Callable[[How], Awaitable[float]]] = {
    "connecting": seconds_to_stop_connecting,
    **{name: partial(seconds_to_close, place) for name, place in PLACES.items()},
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cancel_figures")
    parser.add_argument("--rounds", type=int, default=100, help="cancellations of each kind in each place")
    return anyio.run(_measure, parser.parse_args().rounds)


async def _measure(rounds: int) -> int:
    print(f"{'ms until the upstream is closed':<34}{'p50':>8}{'p99':>8}{'max':>8}")
    worst = 0.0
    for name, measure in MEASURES.items():
        hows: tuple[How, ...] = ("scope", "task")
        took = [await measure(how) for _ in range(max(1, rounds)) for how in hows]
        hundredths = quantiles(took, n=100, method="inclusive")
        worst = max(worst, hundredths[98])
        figures = (hundredths[49], hundredths[98], max(took))
        print(f"{name:<34}" + "".join(f"{seconds * 1e3:>8.2f}" for seconds in figures), flush=True)
    print(f"the slowest p99 {worst * 1e3:.2f} ms, allowed {ALLOWED * 1e3:.0f} ms")
    return int(worst > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
