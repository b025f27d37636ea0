"""Frames written when they are due, in virtual time. Sockets: test_wire.py."""

import asyncio

import anyio
import looptime
import pytest
from trio.testing import MockClock

from tokenweir.pipeline.clock import running_clock
from tokenweir.simulator.exchange import pace
from tokenweir.simulator.frames import Frame
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.reply import reply_to
from tokenweir.simulator.text import script_of

BODY = b'{"messages": [{"role": "user", "content": "Hi"}], "stream": true}'


async def timed(found: list[Frame], pause: float = 0.0) -> list[tuple[float, bytes]]:
    """When each frame was written, to a receiver that takes `pause` seconds for each."""
    clock = running_clock()
    began = clock()
    seen: list[tuple[float, bytes]] = []

    async def send(data: bytes) -> None:
        seen.append((round(clock() - began, 6), data))
        await anyio.sleep(pause)

    await pace(found, send, clock)
    return seen


def test_a_cold_load_of_90_seconds_takes_no_time_to_test() -> None:
    """P16, T06: comments each 30 s, the first token at 90, the rest at its rate."""
    quirks = Quirks(script=script_of("a b"), load_seconds=90, keep_alive=30, rate=2)
    found = list(reply_to(BODY, quirks, Loads(90), 0.0, "i").frames)
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        seen = runner.run(timed(found))

    assert [at for at, _ in seen] == [0.0, 30.0, 60.0, 90.0, 90.5, 91.0, 91.0]
    assert [data for _, data in seen[:3]] == [
        b": loading 0.00\n\n",
        b": loading 0.33\n\n",
        b": loading 0.67\n\n",
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})])
async def test_who_is_late_catches_up() -> None:
    """A receiver that takes its time delays nothing but what is due meanwhile: no drift."""
    frames = [Frame(float(second), b"x") for second in range(4)]

    assert [at for at, _ in await timed(frames, 1.5)] == [0.0, 1.5, 3.0, 4.5]
    assert [at for at, _ in await timed(frames, 0.5)] == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.anyio
@pytest.mark.parametrize(("size", "turns"), [(1, 100), (2, 4)])
async def test_other_tasks_run_meanwhile(size: int, turns: int) -> None:
    """A21: as fast as possible still lets others run; between single bytes every time."""
    found = [Frame(0.0, b"x" * size)] * 100
    count = 0

    async def others() -> None:
        nonlocal count
        while True:
            await anyio.lowlevel.checkpoint()
            count += 1

    async def send(_data: bytes) -> None:
        pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(others)
        await pace(found, send, running_clock())
        tasks.cancel_scope.cancel()
        assert turns - 2 <= count <= 2 * turns + 2
