"""A recorded exchange as a connection: its times on the loop's clock, its pieces, its end."""

from typing import Any

import anyio
import pytest

from tests.virtual import virtual
from tokenweir.pipeline.connection import DeadlinePassed
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.recording import Ended, Exchange, Piece
from tokenweir.pipeline.sources.playing import Playing

pytestmark = pytest.mark.anyio

GONE = Failure("truncated", "gone")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both loops, in virtual time."""
    return virtual(request.param)


def playing(ended: Ended = "body", failure: Failure | None = None) -> Playing:
    """Headers after a second, two pieces, and an end at five."""
    pieces = (Piece(2.0, b"a"), Piece(2.0, b"b"))
    headers = {"Retry-After": "3"}
    return Playing(
        Exchange(
            status=200,
            headers=headers,
            head_at=1.0,
            pieces=pieces,
            ended=ended,
            ended_at=5.0,
            failure=failure,
        )
    )


async def test_times_and_pieces() -> None:
    """DESIGN 5: counted from the first read; pieces of one moment are reads of their own."""
    connection = playing()
    await anyio.sleep(7)
    began = anyio.current_time()
    seen = [(await connection.read(), round(anyio.current_time() - began, 3)) for _ in range(4)]

    assert seen == [(None, 1.0), (b"a", 2.0), (b"b", 2.0), (b"", 5.0)]
    assert (connection.status, connection.headers.get("retry-after")) == (200, "3")
    assert "RETRY-AFTER" in connection.headers
    assert (list(connection.headers), len(connection.headers)) == (["retry-after"], 1)


async def test_who_is_late_waits_for_nothing() -> None:
    """P15: as with a network: what came meanwhile is there."""
    connection = playing()
    await connection.read()
    await anyio.sleep(9)
    began = anyio.current_time()
    seen = [await connection.read() for _ in range(3)]

    assert seen == [b"a", b"b", b""]
    assert anyio.current_time() == began


async def test_a_cancelled_read_goes_on() -> None:
    """P18: nothing is lost, and no time is added."""
    connection = playing()
    began = anyio.current_time()
    for _ in range(3):
        with anyio.move_on_after(0.25):
            await connection.read()

    assert await connection.read() is None
    assert anyio.current_time() - began == pytest.approx(1.0)


async def test_a_broken_end() -> None:
    """P2: the fault that was recorded, when it came."""
    connection = playing("broken", GONE)
    for _ in range(3):
        await connection.read()
    with pytest.raises(Exception, match="gone") as raised:
        await connection.read()

    assert connection.failure(raised.value) == GONE
    assert connection.rescue() == b""


async def test_no_answer_at_all() -> None:
    """A connection that was refused has no headers."""
    connection = Playing(Exchange(ended="broken", ended_at=1.0, failure=GONE))
    with pytest.raises(Exception, match="gone"):
        await connection.read()

    assert connection.status is None


async def test_a_deadline_and_silence_for_ever() -> None:
    """T03: a read that waits past its deadline says so, however long the silence is."""
    connection = playing("stall")
    for _ in range(3):
        await connection.read()
    connection.deadline = anyio.current_time() + 2
    connection.arm()
    began = anyio.current_time()
    with pytest.raises(DeadlinePassed):
        await connection.read()

    assert anyio.current_time() - began == pytest.approx(2.0)


async def test_closed_by_another() -> None:
    """P18: a waiting read raises, and says why."""
    connection = playing("stall")
    for _ in range(3):
        await connection.read()
    told: list[Failure | None] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read_on, connection, told)
        await anyio.sleep(3)
        connection.close()

    assert [failure.kind for failure in told if failure] == ["shutting_down"]
    assert connection.failure(ValueError()) is None


async def _read_on(connection: Playing, told: list[Failure | None]) -> None:
    with pytest.raises(ConnectionAbortedError) as raised:
        await connection.read()
    told.append(connection.failure(raised.value))
