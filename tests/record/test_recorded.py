"""A recorded connection is the connection: whatever is asked of it, the inner one answers."""

import gzip
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import anyio
import pytest

from tests.scripted import Attempt, scripted
from tests.transcripts import HELLO
from tests.virtual import virtual
from tokenweir.pipeline.connection import Connection, DeadlinePassed, HTTPRequest
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.recording import Line
from tokenweir.record.masking import Mask
from tokenweir.record.recorded import Recorded
from tokenweir.testing import ScriptedConnection, Step

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both loops, in virtual time."""
    return virtual(request.param)


class Lines:
    """A diary in memory."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.over: list[Recorded] = []

    def write(self, line: Line) -> None:
        self.lines.append(line)

    def forget(self, recorded: Recorded) -> None:
        self.over.append(recorded)


HEADERS = {"Content-Type": "text/plain", "Set-Cookie": "x"}


def recorded(
    *script: Step, rescue: bytes = b"", secrets: tuple[str, ...] = (), headers: Mapping[str, str] = HEADERS
) -> tuple[Recorded, Lines]:
    """A connection that plays a script, recorded."""
    lines = Lines()
    inner = ScriptedConnection(script, rescue, 200, dict(headers))
    return Recorded(inner, lines, Mask(secrets), Line(n=1, at=0.0, request="/")), lines


async def test_times_count_from_the_request() -> None:
    """DESIGN 5: seconds from the first read, on the loop's clock; each read is its own line."""
    connection, lines = recorded(1.5, b"a", 0.25, b"b")
    await anyio.sleep(3)
    read = [await connection.read() for _ in range(4)]

    assert read == [None, b"a", b"b", b""]
    assert [(line.at, line.text or line.end or line.status) for line in lines.lines] == [
        (0.0, None),
        (0.0, 200),
        (1.5, "a"),
        (1.75, "b"),
        (1.75, "body"),
    ]
    assert lines.lines[1].headers == {"Content-Type": "text/plain"}
    assert lines.over == [connection]


async def test_a_cancelled_read_loses_nothing() -> None:
    """P18: the next one goes on."""
    connection, lines = recorded(1.0, b"a")
    assert await connection.read() is None
    with anyio.move_on_after(0.5):
        await connection.read()

    assert await connection.read() == b"a"
    assert [line.text for line in lines.lines if line.text] == ["a"]


async def test_a_passed_deadline_is_no_fault() -> None:
    """The reader gives up: it has left."""
    connection, lines = recorded(9.0, b"a")
    await connection.read()
    connection.deadline = anyio.current_time() + 1
    with pytest.raises(DeadlinePassed):
        await connection.read()
    connection.close()

    assert (lines.lines[-1].end, lines.lines[-1].at) == ("left", 1.0)


async def test_a_fault_and_what_was_rescued() -> None:
    """P2: the bytes, then the fault, without a secret that it may quote."""
    told = Failure("truncated", "lost sk-canary-1", retryable=True)
    connection, lines = recorded(b"a", told, rescue=b"b", secrets=("sk-canary-1",))
    assert [await connection.read(), await connection.read()] == [None, b"a"]
    with pytest.raises(Exception, match="lost") as raised:
        await connection.read()
    assert connection.failure(raised.value) == told
    assert connection.rescue() == b"b"
    connection.close()
    connection.close()

    assert [line.text for line in lines.lines if line.text] == ["a", "b"]
    assert (lines.lines[-1].end, lines.lines[-1].failure) == (
        "broken",
        Failure("truncated", "lost ***********", retryable=True),
    )
    assert [line.end for line in lines.lines if line.end] == ["broken"]


async def test_a_bug_of_a_transport() -> None:
    """What no connection knows is a broken transport, as for the stream."""
    connection, lines = recorded()
    await connection.read()

    async def broken() -> bytes:
        await anyio.lowlevel.checkpoint()
        raise ZeroDivisionError

    inner: Any = vars(connection)["_inner"]
    inner.read = broken
    with pytest.raises(ZeroDivisionError):
        await connection.read()
    connection.close()

    assert lines.lines[-1].failure == Failure("upstream", "the transport broke: ZeroDivisionError")


async def test_what_was_held_comes_before_the_end() -> None:
    """P24: half a secret waits for the rest, and is not lost when there is none."""
    connection, lines = recorded(b"so sk", secrets=("sk-canary-1",))
    assert [await connection.read(), await connection.read()] == [None, b"so sk"]
    assert [line.text for line in lines.lines if line.text] == []
    connection.release()

    assert [line.text or line.end for line in lines.lines[-2:]] == ["so sk", "left"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip"},
        {"content-encoding": "BR"},
        {"Content-Encoding": "identity, zstd"},
        {"Transfer-Encoding": "deflate, chunked"},
    ],
)
async def test_a_packed_body_is_hidden(headers: dict[str, str]) -> None:
    """P24: a key in a compressed body cannot be seen, so that none of it gets in; its sizes and times do."""
    packed = gzip.compress(b"your key is sk-canary-1")
    connection, lines = recorded(
        packed, 0.5, b"\x00\x01", rescue=b"\x02", secrets=("sk-canary-1",), headers=headers
    )
    read = [await connection.read() for _ in range(3)]
    connection.rescue()
    connection.close()

    assert read == [None, packed, b"\x00\x01"]
    assert [line.hidden for line in lines.lines if line.status is not None] == ["compressed"]
    assert [(line.at, line.text) for line in lines.lines if line.text is not None] == [
        (0.0, "*" * len(packed)),
        (0.5, "**"),
        (0.5, "*"),
    ]
    assert not [line for line in lines.lines if line.base64 is not None]


@pytest.mark.parametrize("headers", [{"Content-Encoding": "Identity"}, {"Transfer-Encoding": "chunked"}])
async def test_a_plain_body_is_not(headers: dict[str, str]) -> None:
    """What these headers say of it is that it is as it was."""
    connection, lines = recorded(b"a", headers=headers)
    assert [await connection.read() for _ in range(2)] == [None, b"a"]

    assert [(line.hidden, line.text) for line in lines.lines[1:]] == [(None, None), (None, "a")]


async def test_never_read() -> None:
    """Nothing was sent, so there is nothing to tell."""
    connection, lines = recorded(b"a")
    connection.close()

    assert lines.lines == []
    assert lines.over == [connection]


async def test_it_passes_everything_on() -> None:
    """State, deadlines, and both ways to let go."""
    connection, _ = recorded(b"a")
    inner: Any = vars(connection)["_inner"]
    connection.deadline = 5.0
    connection.arm()
    seen = (
        connection.status,
        connection.connected,
        connection.armed,
        inner.deadline,
        dict(connection.headers),
    )
    connection.release()

    assert seen == (None, True, -inf, 5.0, {"Content-Type": "text/plain", "Set-Cookie": "x"})
    assert (connection.deadline, inner.closed) == (5.0, 1)


async def test_no_tap_no_cost() -> None:
    """P15: without a recorder the connection is the transport's own; with one, it is what that gives."""
    source, transport = scripted(Attempt(200, HELLO))
    request = source.request("hi")
    plain = source.open(request)

    def tap(_request: HTTPRequest, _connection: Connection, _secrets: Sequence[str]) -> Connection:
        return recorded()[0]

    source.tap = tap
    tapped = source.open(request)

    assert plain is transport.connections[0]
    assert isinstance(tapped, Recorded)
