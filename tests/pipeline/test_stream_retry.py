"""Other attempts: when, after how long, and never once anything has been said."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from tests.reader import Heard, hear
from tests.scripted import Attempt, ScriptedTransport, scripted
from tests.transcripts import HELLO, PING, chunk, entry, frame, text
from tests.virtual import virtual
from tokenweir import Deadlines, Delta, Extra, Failure, Finish, Phase, Pipeline, Start, Usage
from tokenweir.pipeline.errors import BackendError, BusyError, RequestError, UnreachableError
from tokenweir.pipeline.retry import Retry
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio

GOOD = Attempt(200, HELLO)
REFUSED = Failure("connect", "nobody answers", retryable=True)
LOADING = Attempt(503, b'{"error":{"message":"Loading model","code":503}}')
OVERLOADED = frame(error={"message": "overloaded", "type": "overloaded_error"})


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def ask(*attempts: Attempt, deadlines: Deadlines | None = None) -> tuple[Heard, ScriptedTransport]:
    """What is heard, without jitter, and what was asked."""
    source, transport = scripted(*attempts, deadlines=deadlines)
    source.retry = Retry(jitter=lambda: 0.0)
    heard = await hear(Pipeline(source).stream("hi"))
    assert [connection.closed for connection in transport.connections] == [1] * len(transport.connections)
    assert heard.end.stats.attempts == len(transport.requests)
    return heard, transport


RETRIED = [408, 409, 429, 500, 502, 503, 504, 529]
REFUSALS = [400, 401, 403, 404, 413, 422]


@pytest.mark.parametrize("status", RETRIED)
async def test_retried(status: int) -> None:
    """P6, U18, U19: two more attempts, after half a second and after one."""
    heard, _ = await ask(Attempt(status), Attempt(status), GOOD)

    assert (heard.text, heard.end.outcome, heard.end.stats.attempts) == ("Hello", "complete", 3)
    assert heard.end.stats.duration == pytest.approx(1.5)


async def test_a_refusal_that_dribbles_is_no_silence() -> None:
    """P16: phases each second while its body comes in drops, those of the attempt before it too; and when its
    time is over, it is told with what is there."""
    drops: list[Step] = []
    for drop in b"the model is tired of it":
        drops += [0.25, bytes([drop])]
    heard, _ = await ask(Attempt(503), Attempt(400, *drops, headers={"Content-Type": "text/plain"}))

    told = [event.elapsed for event in heard.events if isinstance(event, Phase)]
    assert told == [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert heard.end.failure is not None
    assert heard.end.failure.message == "HTTP 400: the model is tired"
    assert heard.end.stats.duration == pytest.approx(5.5)


async def test_a_refusal_that_dribbles_past_the_deadline() -> None:
    """P15: what is there says more than that it is late."""
    drops: list[Step] = [0.4, b"o"] * 9
    heard, _ = await ask(Attempt(400, b"no", *drops), deadlines=Deadlines(first_token=2.1))

    assert heard.end.failure is not None
    assert heard.end.failure.message == "HTTP 400: noooooo"
    assert heard.end.stats.duration == pytest.approx(2.1)


async def test_a_server_that_is_still_starting() -> None:
    """PROTOCOLS 11.3: vLLM refuses connections for up to 80 s; as docs/phases.md says, more attempts wait."""
    source, transport = scripted(*[Attempt(200, REFUSED)] * 17, GOOD)
    source.retry = Retry(attempts=20, burst=20, jitter=lambda: 1.0)
    heard = await hear(Pipeline(source).stream("hi"))

    told = [event.elapsed or 0.0 for event in heard.events if isinstance(event, Phase)]
    assert (heard.text, heard.end.outcome, len(transport.requests)) == ("Hello", "complete", 18)
    assert 80 < heard.end.stats.duration < 90
    assert max(later - earlier for earlier, later in pairwise(told)) < 1.001


@pytest.mark.parametrize("status", REFUSALS)
async def test_never_retried(status: int) -> None:
    """P6, U16, U17: what is wrong with the request stays wrong."""
    heard, transport = await ask(Attempt(status, b'{"error":{"message":"no"}}'), GOOD)

    assert heard.end.failure is not None
    assert heard.end.failure.status == status
    assert heard.message == f"HTTP {status}: no"
    assert isinstance(heard.error, RequestError)
    assert len(transport.requests) == 1


async def test_three_attempts_in_all() -> None:
    """P6: then the failure is told, as it came last."""
    heard, _ = await ask(Attempt(500, b"first"), Attempt(502, b"second"), Attempt(500, b"third"), GOOD)

    assert isinstance(heard.error, BackendError)
    assert (heard.message, heard.end.stats.attempts) == ("HTTP 500: third", 3)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "60"}, 60.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After-Ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "NaN"}, 0.5),
        ({"Retry-After": "-3"}, 0.5),
        ({"Retry-After": "²"}, 0.5),
        ({"Retry-After": "soon"}, 0.5),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({}, 0.5),
    ],
)
async def test_retry_after(headers: Mapping[str, str], pause: float) -> None:
    """P6, U18: the backend's own word counts, and what cannot be read is as nothing."""
    heard, _ = await ask(Attempt(429, headers=headers), GOOD)

    assert heard.end.outcome == "complete"
    assert heard.end.stats.duration == pytest.approx(pause)


@pytest.mark.parametrize("after", ["61", "1000000000", "9" * 400])
async def test_asked_to_wait_too_long(after: str) -> None:
    """P6, U18: a backend that asks for more than a minute is not waited for."""
    heard, _ = await ask(Attempt(429, headers={"Retry-After": after}), GOOD)

    assert isinstance(heard.error, BusyError)
    assert heard.end.failure is not None
    assert heard.end.failure.retry_after == float(after)
    assert heard.end.stats.duration == 0


async def test_the_backend_decides() -> None:
    """P6, U19: `x-should-retry` wins over the status, both ways."""
    stop, _ = await ask(Attempt(500, headers={"x-should-retry": "false"}), GOOD)
    loading, _ = await ask(Attempt(503, *LOADING.script, headers={"x-should-retry": "false"}), GOOD)
    go, _ = await ask(Attempt(400, headers={"x-should-retry": "true"}), GOOD)

    assert (stop.end.outcome, stop.end.stats.attempts) == ("error", 1)
    assert (loading.kind, loading.end.stats.attempts) == ("model_loading", 1)
    assert (go.end.outcome, go.end.stats.attempts) == ("complete", 2)


async def test_a_loading_model_is_waited_for() -> None:
    """P6, P16: asked again each second until it is there, with phases that say so; that is no retry."""
    heard, _ = await ask(*[LOADING] * 90, GOOD)

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert heard.end.stats.duration == pytest.approx(90.0)
    loading = [phase for phase in heard.phases if phase.name == "loading"]
    assert [phase.elapsed for phase in loading] == [float(second) for second in range(90)]
    assert {phase.detail for phase in loading} == {"HTTP 503: Loading model"}


async def test_a_model_that_never_loads() -> None:
    """P15, U05: the first-token deadline ends it, and says what was waited for."""
    heard, _ = await ask(LOADING, deadlines=Deadlines(first_token=30.0))

    assert heard.end.failure is not None
    assert (heard.end.outcome, heard.end.failure.phase) == ("timeout", "first_token")
    assert heard.end.stats.duration == pytest.approx(30.0)


async def test_a_hurried_backend_is_not_hammered() -> None:
    """P6: `Retry-After: 0` while a model loads is still a question a second."""
    heard, transport = await ask(
        Attempt(503, *LOADING.script, headers={"Retry-After": "0"}), deadlines=Deadlines(first_token=10.0)
    )

    assert heard.end.outcome == "timeout"
    assert len(transport.requests) <= 11


async def test_total_ends_a_retry_pause() -> None:
    """P15: the deadline for everything counts the pauses too."""
    heard, _ = await ask(Attempt(429, headers={"Retry-After": "50"}), GOOD, deadlines=Deadlines(total=20.0))

    assert heard.end.failure is not None
    assert (heard.end.outcome, heard.end.failure.phase) == ("timeout", "total")
    assert heard.end.stats.duration == pytest.approx(20.0)


async def test_a_long_pause_is_told() -> None:
    """P16: while an attempt is waited for, a phase says so each second."""
    heard, _ = await ask(Attempt(429, b"busy", headers={"Retry-After": "5"}), GOOD)

    assert [phase.elapsed for phase in heard.phases] == [0.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    assert heard.phases[1].detail == "again in 5.0 s: HTTP 429: busy"


async def test_no_retry_after_content() -> None:
    """P6: after the first content byte a fault is an event, and nothing is said twice."""
    source = ScriptedSource([text("Hel"), REFUSED], [HELLO])
    heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.text, heard.end.outcome) == ("Hel", "error")
    assert isinstance(heard.error, UnreachableError)
    assert len(source.connections) == 1


@pytest.mark.parametrize(
    "said",
    [
        text("x"),
        chunk(entry(reasoning_content="x")),
        chunk(entry(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}])),
        chunk(entry(0, "stop")),
    ],
    ids=["text", "reasoning", "tool call", "finish"],
)
async def test_whatever_was_said_stands(said: bytes) -> None:
    """P6: no event that a consumer has seen is taken back by another attempt."""
    source = ScriptedSource([said, OVERLOADED], [HELLO])
    heard = await hear(Pipeline(source).stream("hi"))

    assert heard.end.outcome == "error"
    assert len(source.connections) == 1


async def test_an_error_before_content_is_retried() -> None:
    """P6, P7, V16: a 200 whose first frame is an error is as good as a status; `Start` and phases of
    the failed attempt do not count, and `Start` comes once, from the attempt that answered."""
    first = chunk(entry(role="assistant")).replace(b'"a1"', b'"a0"')
    source = ScriptedSource([PING, first, OVERLOADED], [PING, HELLO])
    source.retry = Retry(jitter=lambda: 1.0)
    heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.text, heard.end.outcome, heard.end.stats.attempts) == ("Hello", "complete", 2)
    assert [event.id for event in heard.events if isinstance(event, Start)] == ["a1"]
    assert heard.end.stats.duration == pytest.approx(0.375)


async def test_start_is_told_where_no_content_came() -> None:
    """DESIGN 3: held back for a fallback, `Start` is still delivered before an end without content."""
    source = ScriptedSource([chunk(entry(role="assistant"))])
    heard = await hear(Pipeline(source).stream("hi"))

    assert [type(event) for event in heard.events] == [Start]
    assert heard.end.outcome == "truncated"


async def test_a_finish_without_text_is_complete() -> None:
    """P2, DESIGN 3: zero characters can be the whole answer."""
    heard = await hear(Pipeline(ScriptedSource([chunk(entry(0, "stop"))])).stream("hi"))

    assert [type(event) for event in heard.events] == [Start, Finish]
    assert (heard.end.outcome, heard.end.stats.characters) == ("complete", 0)


async def test_truncation_is_not_retried() -> None:
    """P6: a backend that ends without a word has done so on purpose, as far as anybody knows."""
    heard, _ = await ask(Attempt(200), GOOD)

    assert (heard.end.outcome, heard.end.stats.attempts) == ("truncated", 1)


async def test_phases_are_no_text() -> None:
    """P4: what is told of a wait and of other attempts never gets into the answer."""
    heard, _ = await ask(LOADING, Attempt(500, b"secret words"), GOOD)

    assert any(isinstance(event, Phase) and event.detail for event in heard.events)
    assert "".join(event.text for event in heard.events if isinstance(event, Delta)) == "Hello"


async def test_the_budget_is_one_for_all() -> None:
    """P6: a source retries at most one request in ten in the long run, whoever asks."""
    source, transport = scripted(Attempt(500))
    source.retry = Retry(attempts=2, jitter=lambda: 0.0)
    for _ in range(200):
        await hear(Pipeline(source).stream("hi"))

    retries = len(transport.requests) - 200
    assert 10 + 200 * 0.1 - 1 <= retries <= 10 + 200 * 0.1


async def test_what_follows_the_start_is_no_content() -> None:
    """P6, V16: an error behind the first figures is asked again, and they are told once (Anthropic begins
    with them)."""
    figures = frame(id="a1", model="m", created=1, choices=[], usage={"prompt_tokens": 9}, citations=["a"])
    heard, _ = await ask(Attempt(200, figures, OVERLOADED), Attempt(200, figures + HELLO))

    assert (heard.text, heard.end.stats.attempts) == ("Hello", 2)
    assert [type(event) for event in heard.events if not isinstance(event, Phase)][:3] == [
        Start,
        Usage,
        Extra,
    ]
    assert sum(isinstance(event, Extra) for event in heard.events) == 1


async def test_figures_alone_are_told() -> None:
    """P1: what was held comes with the end, in order, where nothing else does."""
    figures = frame(id="a1", model="m", created=1, choices=[], usage={"prompt_tokens": 9}, citations=["a"])
    heard, _ = await ask(Attempt(200, figures))

    assert [type(event) for event in heard.events if not isinstance(event, Phase)] == [Start, Usage, Extra]
    assert heard.end.outcome == "truncated"
