"""A write is cut where its peer takes nothing, and only there."""

import asyncio
import socket
import struct
from typing import Any

import anyio
import pytest

from tests.virtual import virtual
from tokenweir.pipeline.errors import MisuseError, SinkError
from tokenweir.sinks.write_watch import WRITE_TIMEOUT, WriteWatch

pytestmark = pytest.mark.anyio

ACKED = 120


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """As aiohttp, on asyncio alone; in virtual time."""
    return virtual("asyncio")


class Reader:
    """A connection whose peer has taken so many bytes."""

    def __init__(self) -> None:
        self.taken = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self if name == "socket" else default

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        assert (level, option) == (socket.IPPROTO_TCP, socket.TCP_INFO)
        return struct.pack("=Q", self.taken).rjust(size, b"\0")

    async def take(self, every: float, times: int) -> None:
        """Take a byte every so many seconds."""
        for _ in range(times):
            await anyio.sleep(every)
            self.taken += 1


async def cut_after(watch: WriteWatch) -> float:
    """Seconds until a write that never ends is cut."""
    began = anyio.current_time()
    with pytest.raises(SinkError) as cut:
        await watch.write(anyio.sleep_forever())

    assert (cut.value.failure.kind, cut.value.failure.phase) == ("timeout", "write")
    assert "write_timeout" in cut.value.failure.message
    return anyio.current_time() - began


async def test_a_dead_reader_is_cut() -> None:
    """P14, D03: no byte for 30 s, and the write is given up, a second late at most."""
    assert await cut_after(WriteWatch(Reader())) == pytest.approx(WRITE_TIMEOUT, abs=1.01)


@pytest.mark.parametrize("connection", [None, "no socket", "a socket that does not tell"])
async def test_where_nobody_tells(connection: str | None) -> None:
    """P14: without the kernel's figures, the limit is one for the whole write."""

    class Silent:
        def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - the contract's
            return default if connection == "no socket" else object()

    assert await cut_after(WriteWatch(Silent() if connection else None)) == pytest.approx(
        WRITE_TIMEOUT, abs=1.01
    )


async def test_a_slow_reader_is_not_cut() -> None:
    """P14, D04: a byte every 29 s is progress, for as long as it lasts; then the limit counts anew."""
    reader = Reader()
    took: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.take, 29.0, 100)
        took.append(await cut_after(WriteWatch(reader)))

    assert took[0] == pytest.approx(2900 + WRITE_TIMEOUT, abs=2.02)


async def test_a_write_that_is_through_is_not_cut() -> None:
    """P14: the limit counts while a write waits; silence between two writes is nobody's fault."""
    watch = WriteWatch(Reader())
    for _ in range(5):
        await watch.write(anyio.sleep(WRITE_TIMEOUT - 1.5))
        await anyio.sleep(10 * WRITE_TIMEOUT)

    assert await cut_after(watch) == pytest.approx(WRITE_TIMEOUT, abs=1.01)


async def test_never_early() -> None:
    """P14: the limit is the peer's in full, also where a look comes right after the write began."""
    watch = WriteWatch(Reader())
    await watch.write(anyio.sleep(0.9))

    assert WRITE_TIMEOUT <= await cut_after(watch) <= WRITE_TIMEOUT + 1


async def test_writes_in_turn_cost_no_timer_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speed: a thousand writes that need not wait share one timer."""
    loop, timers = asyncio.get_running_loop(), list[float]()
    watch, call_later = WriteWatch(Reader()), loop.call_later

    def count(delay: float, *rest: Any) -> asyncio.TimerHandle:
        timers.append(delay)
        return call_later(delay, *rest)

    monkeypatch.setattr(loop, "call_later", count)
    for _ in range(1000):
        await watch.write(anyio.lowlevel.checkpoint())
    watch.close()

    assert timers == [1.0]


async def test_faults_and_cancellation_pass() -> None:
    """The watch adds its own reason to end, and hides no other one."""
    watch = WriteWatch(Reader())

    async def fail() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await watch.write(fail())
    with anyio.move_on_after(5) as scope:
        await watch.write(anyio.sleep_forever())
    assert scope.cancelled_caught


async def test_a_cancellation_that_nobody_asked_for() -> None:
    """P10: a write that awaits what was cancelled earlier is a failure, and not the end of its task."""
    waiter = asyncio.get_running_loop().create_future()
    waiter.cancel()
    with pytest.raises(SinkError, match="an earlier write") as failed:
        await WriteWatch(Reader()).write(waiter)

    assert failed.value.failure.kind == "sink"


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_misuse(limit: float) -> None:
    """A limit that nobody can keep is refused when the sink is made."""
    with pytest.raises(MisuseError, match="write_timeout"):
        WriteWatch(None, limit)
