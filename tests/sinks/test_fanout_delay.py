"""What a stuck branch costs the others, measured in real time.

The exact bounds are proved in virtual time (test_fanout.py). Here real clocks show what the machinery
itself costs; since other work may share the machine, the asserted bounds are wide, and the figures are
printed.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from tests.sinks.receivers import Kept
from tokenweir.pipeline.events import Delta, End, Event
from tokenweir.sinks import branch, fanout

pytestmark = pytest.mark.anyio

COUNT = 250
PATIENCE = 0.05
NOBODY = "nobody else"


class Stamped:
    """Notes when each batch came."""

    def __init__(self) -> None:
        self.times: list[float] = []

    async def send(self, batch: Sequence[Event]) -> None:  # noqa: ARG002 - the contract's
        self.times.append(time.perf_counter())

    async def aclose(self) -> None:
        """Nothing to close."""


class Stuck(Kept):
    """Hangs in its first `send`; once that is cancelled, it takes its End and goes."""

    async def take(self) -> None:
        if len(self.times) == 1:
            await anyio.sleep_forever()


async def delays(policy: str) -> list[float]:
    """Seconds from when a batch was ready to when a healthy branch had it, in ascending order."""
    healthy = Stamped()
    patience = PATIENCE if policy == "wait" else 0.0
    beside: Any = [] if policy == NOBODY else [branch(Stuck(), policy, patience=patience)]  # type: ignore[arg-type]  # a literal
    ready: list[float] = []
    async with fanout(healthy, *beside) as out:
        for _ in range(COUNT):
            # Ready at its time, also where the one before is still being waited for.
            await anyio.sleep(0.0005)
            ready.append(time.perf_counter())
            await out.send([Delta("token")])
        await out.send([End("complete")])
    return sorted(came - since for since, came in zip(ready, healthy.times, strict=False))


async def test_the_figures(capsys: pytest.CaptureFixture[str], anyio_backend_name: str) -> None:
    """P12: beside a stuck branch a healthy one gets its events as soon as alone."""
    found = {
        policy: await delays(policy) for policy in (NOBODY, "disconnect", "merge", "drop_oldest", "wait")
    }
    with capsys.disabled():
        sys.stdout.write(
            f"\n  fanout on {anyio_backend_name}, delay of a healthy branch, in µs: p50 / p99 / max\n"
        )
        for policy, sorted_delays in found.items():
            p50, p99, most = (sorted_delays[at] * 1e6 for at in (COUNT // 2, COUNT * 99 // 100, -1))
            sys.stdout.write(f"    beside {policy:12} {p50:6.0f} / {p99:6.0f} / {most:6.0f}\n")

    alone = statistics.median(found[NOBODY])
    assert all(statistics.median(found[policy]) - alone < 0.001 for policy in found)


async def test_waiting_costs_its_patience_once() -> None:
    """P12: under `wait` one `send` takes as long as the policy says, and all the others do not."""
    took: list[float] = []
    async with fanout(Stamped(), branch(Stuck(), "wait", patience=PATIENCE)) as out:
        for _ in range(COUNT):
            began = time.perf_counter()
            await out.send([Delta("token")])
            took.append(time.perf_counter() - began)
        await out.send([End("complete")])
    ordered = sorted(took)

    assert PATIENCE <= ordered[-1] < PATIENCE + 0.2
    assert ordered[-2] < PATIENCE
