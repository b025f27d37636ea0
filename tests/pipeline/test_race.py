"""Several backends for one answer: one after another, and at once; in virtual time."""

from typing import Any

import anyio
import pytest

from tests.reader import Heard, hear
from tests.scripted import Attempt, scripted
from tests.transcripts import HELLO, PING, text
from tests.virtual import virtual
from tokenweir import Deadlines, Delta, Failure, Phase, Pipeline, fallback, first_token_wins
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.retry import Retry
from tokenweir.testing import ScriptedConnection, ScriptedSource, Step

pytestmark = pytest.mark.anyio

REFUSED = Failure("connect", "nobody answers", retryable=True)
BAD = b'data: {"error":{"message":"no such parameter","type":"invalid_request_error"}}\n\n'
OTHER = text("Hi") + b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
WAITS = Deadlines(None, first_token=5.0, silence=None, between_tokens=None, total=None)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


def backend(*script: Step, deadlines: Deadlines | None = None) -> ScriptedSource:
    """One that answers so, and whose retries have no jitter."""
    source = ScriptedSource(script, deadlines=deadlines)
    source.retry = Retry(attempts=2, jitter=lambda: 0.0)
    return source


def closed(*sources: ScriptedSource) -> list[list[int]]:
    """How often each connection of each was closed."""
    return [[connection.closed for connection in source.connections] for source in sources]


async def first_of(*sources: ScriptedSource) -> Heard:
    """What a fallback tells."""
    return await hear(Pipeline(fallback(*sources)).stream("hi"))


async def race(*sources: ScriptedSource) -> Heard:
    """What a race tells."""
    return await hear(Pipeline(first_token_wins(*sources)).stream("hi"))


# --- one after another ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script", [(REFUSED,), (9.0,), (b"",), (PING, b""), (b'{"error":"model \'m\' not found"}\n',)]
)
async def test_the_next_one_answers(script: tuple[Step, ...]) -> None:
    """P6: refused, silent, cut off or without the model: as long as nothing has come, the next is asked."""
    first, second = backend(*script, deadlines=WAITS), backend(HELLO)

    heard = await first_of(first, second)

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert heard.end.stats.attempts == len(first.connections) + 1
    assert [set(times) for times in closed(first, second)] == [{1}, {1}]
    assert any("scripted failed" in (phase.detail or "") for phase in heard.phases)


@pytest.mark.parametrize("script", [(text("Hi"), REFUSED), (BAD,)])
async def test_the_next_one_is_not_asked(script: tuple[Step, ...]) -> None:
    """P6: not once there was content, and not for a request that is wrong everywhere."""
    second = backend(HELLO)

    heard = await first_of(backend(*script), second)

    assert heard.end.outcome != "complete"
    assert second.connections == []


async def test_the_last_failure_is_told() -> None:
    """P6: where nobody answers, the end is the last one's."""
    heard = await first_of(backend(REFUSED), backend(9.0, deadlines=WAITS))

    assert (heard.kind, heard.end.outcome) == ("timeout", "timeout")


async def test_each_has_its_own_deadline() -> None:
    """P15: what the first took is not the second's."""
    heard = await first_of(backend(9.0, deadlines=WAITS), backend(4.0, HELLO, deadlines=WAITS))

    assert heard.text == "Hello"
    assert heard.end.stats.duration == pytest.approx(9.0)


# --- at once --------------------------------------------------------------------------------------


async def test_the_first_content_wins() -> None:
    """P6, P10: the one that has content answers alone; the others are left at once, wherever they are."""
    slow, quick = backend(3.0, HELLO), backend(PING, 1.0, text("A"), 2.5, OTHER)

    async with Pipeline(first_token_wins(slow, quick)).stream("hi") as stream:
        texts: list[str] = []
        async for event in stream:
            if isinstance(event, Delta):
                texts.append(event.text)
                assert closed(slow) == [[1]]

    assert texts == ["A", "Hi"]
    assert stream.end is not None
    assert stream.end.outcome == "complete"
    assert stream.end.stats.duration == pytest.approx(3.5)
    assert closed(slow, quick) == [[1], [1]]


async def test_who_fails_is_out() -> None:
    """P6: the others go on, and the phases are those of who is left."""
    heard = await race(backend(REFUSED), backend(4.0, HELLO))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert [phase.elapsed for phase in heard.phases if phase.name == "loading"] != []


async def test_all_fail() -> None:
    """P1: one End, with a failure of one of them."""
    heard = await race(backend(REFUSED), backend(9.0, deadlines=WAITS), backend(b""))

    assert heard.end.outcome in ("error", "timeout", "truncated")


async def test_a_deadline_is_kept_while_others_tell_phases() -> None:
    """P15: being cut off in its wait by another's news costs nobody its time, nor gives it more."""
    heard = await race(backend(60.0, deadlines=WAITS), backend(60.0, deadlines=WAITS))

    assert heard.kind == "timeout"
    assert heard.end.stats.duration == pytest.approx(5.0, abs=0.01)


async def test_leaving_leaves_all() -> None:
    """P10: a consumer that goes before anybody has won closes every backend."""
    sources = [backend(9.0, HELLO), backend(8.0, HELLO)]

    async with Pipeline(first_token_wins(*sources)).stream("hi") as stream:
        async for event in stream:
            if isinstance(event, Phase) and (event.elapsed or 0) >= 2:
                break

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"
    assert closed(*sources) == [[1], [1]]


async def test_cancelled_while_racing() -> None:
    """P10: the same where it is cancelled."""
    sources = [backend(9.0, HELLO), backend(8.0, HELLO)]
    stream = Pipeline(first_token_wins(*sources)).stream("hi")

    with anyio.move_on_after(2.5):
        _ = [event async for event in stream]

    assert stream.end is not None
    assert stream.end.outcome == "cancelled"
    assert closed(*sources) == [[1], [1]]


class Unaskable(ScriptedSource):
    """A source that cannot make the request."""

    def open(self, request: Request) -> ScriptedConnection:  # noqa: ARG002 - as Source
        raise MisuseError("this has no form")


async def test_a_source_that_raises_is_out() -> None:
    """P8: what one backend cannot ask, another may."""
    heard = await race(Unaskable([HELLO]), backend(1.0, HELLO))

    assert heard.text == "Hello"


async def test_refusals_without_end_end() -> None:
    """P15: a body that does not end is cut off by its own deadline, also where a wait is cut each second."""
    half = Attempt(400, b'{"error":{"message":"no', 60.0)
    sources = [scripted(half)[0], scripted(half)[0]]
    stream = Pipeline(first_token_wins(*sources)).stream("hi", check=False)
    began = anyio.current_time()

    with anyio.fail_after(9):
        async for _ in stream.batches(every=1.0):
            pass

    assert stream.end is not None
    assert stream.end.failure is not None
    assert "no" in stream.end.failure.message
    assert anyio.current_time() - began == pytest.approx(5.0, abs=0.1)
