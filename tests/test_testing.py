"""The fakes that ship do what real backends do, on both event loops and on any clock."""

from typing import Any

import anyio
import pytest

from tests.reader import hear
from tests.transcripts import HELLO, text
from tests.virtual import virtual
from tokenweir import Deadlines, Failure, Pipeline
from tokenweir.pipeline.connection import DeadlinePassed
from tokenweir.pipeline.errors import MisuseError
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def test_the_contract_of_a_connection() -> None:
    """Headers first, then reads as they are written down, then the end of the body."""
    source = ScriptedSource([b"a", b"b"], status=201, headers={"X": "y"})
    connection = source.open(source.request("hi"))

    assert (connection.status, connection.connected) == (None, True)
    assert await connection.read() is None
    assert (connection.status, connection.headers) == (201, {"X": "y"})
    assert [await connection.read() for _ in range(4)] == [b"a", b"b", b"", b""]
    assert (connection.left, connection.closed) == ([], 0)


async def test_silence_takes_its_time() -> None:
    """A cancelled read goes on where it was: silence ends when it would have."""
    source = ScriptedSource([5.0, 5.0, b"a"])
    connection = source.open(source.request("hi"))
    assert await connection.read() is None
    began = anyio.current_time()
    for _ in range(3):
        with anyio.move_on_after(3.0):
            await connection.read()
    assert await connection.read() == b"a"

    assert anyio.current_time() - began == pytest.approx(10.0)


async def test_a_deadline_passes() -> None:
    """A read that waits past its deadline says so, at the deadline; data at the very moment comes."""
    source = ScriptedSource([5.0, b"a", 5.0, b"b"])
    connection = source.open(source.request("hi"))
    await connection.read()
    connection.deadline = anyio.current_time() + 5.0
    assert await connection.read() == b"a"
    began = anyio.current_time()
    connection.deadline = began + 4.9
    with pytest.raises(DeadlinePassed):
        await connection.read()

    assert anyio.current_time() - began == pytest.approx(4.9)
    connection.deadline = began + 60.0
    assert await connection.read() == b"b"
    assert anyio.current_time() - began == pytest.approx(5.0)


async def test_a_fault_and_what_had_arrived() -> None:
    """A fault comes out of a read; its meaning and the last bytes are asked for afterwards, once."""
    failure = Failure("truncated", "gone")
    source = ScriptedSource([failure], rescue=b"rest")
    connection = source.open(source.request("hi"))
    await connection.read()
    with pytest.raises(Exception, match="gone") as fault:
        await connection.read()

    assert isinstance(fault.value, Exception)
    assert connection.failure(fault.value) is failure
    assert connection.failure(OSError()) is None
    assert (connection.rescue(), connection.rescue()) == (b"rest", b"")


async def test_closing_wakes_a_reader() -> None:
    """As with a socket: who waits in a read is told."""
    source = ScriptedSource([1000.0])
    connection = source.open(source.request("hi"))
    await connection.read()
    began = anyio.current_time()
    async with anyio.create_task_group() as both:

        async def read() -> None:
            with pytest.raises(ConnectionAbortedError):
                await connection.read()

        both.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        connection.close()

    assert connection.closed == 1
    assert anyio.current_time() < began + 1


async def test_scripts_for_attempts() -> None:
    """One script per attempt; the last one stands for all that follow."""
    source = ScriptedSource([text("a")], [HELLO])
    pipeline = Pipeline(source)

    assert [(await hear(pipeline.stream("hi"))).text for _ in range(3)] == ["a", "Hello", "Hello"]
    assert len(source.connections) == 3


async def test_no_script() -> None:
    """Wrong use is answered where it happens."""
    with pytest.raises(MisuseError, match=r"ScriptedSource needs a script: ScriptedSource\(\["):
        ScriptedSource()


async def test_a_script_is_not_used_up() -> None:
    """The list that was given stays as it is."""
    script: list[Step] = [0.5, HELLO]
    source = ScriptedSource(script, deadlines=Deadlines(first_token=1.0))
    await hear(Pipeline(source).stream("hi"))

    assert script == [0.5, HELLO]
    assert source.connections[0].left == []
