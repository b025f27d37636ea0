"""The model that answers: told in `Start`, and compared with the one that was asked."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from tests.reader import hear
from tests.scripted import Attempt, scripted
from tests.virtual import virtual
from tokenweir.pipeline.errors import MisuseError, RequestError
from tokenweir.pipeline.events import Delta, Phase, Start
from tokenweir.pipeline.models import Mismatch
from tokenweir.pipeline.run import Pipeline
from tokenweir.pipeline.sources.choice import fallback, first_token_wins
from tokenweir.stages import throttle

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged, while structlog is configured."""
    capture = LogCapture()
    structlog.configure(processors=[capture])
    yield capture.entries
    structlog.reset_defaults()


def by(model: str) -> Attempt:
    """A whole answer in two reads by that model."""
    first = b'data: {"model":"%b","choices":[{"delta":{"content":"H"}}]}\n\n' % model.encode()
    last = b'data: {"model":"%b","choices":[{"delta":{"content":"i"},"finish_reason":"stop"}]}\n\n'
    return Attempt(200, first, last % model.encode() + b"data: [DONE]\n\n")


def at_once(model: str) -> Attempt:
    """The same in one piece."""
    message = b'{"message":{"content":"Hi"},"finish_reason":"stop"}'
    return Attempt(200, b'{"model":"%b","choices":[%b]}' % (model.encode(), message))


async def test_a_warning_once_per_stream(logged: list[Any]) -> None:
    """The library warns, and the answer goes on."""
    source, _ = scripted(by("b"), model="a")
    heard = await hear(Pipeline(source).stream("Hi"))

    assert heard.text == "Hi"
    [warning] = [entry for entry in logged if entry["event"] == "model_mismatch"]
    assert warning == {
        "event": "model_mismatch",
        "provider": "openai-compatible",
        "asked": "a",
        "answered": "b",
        "log_level": "warning",
    }


@pytest.mark.parametrize("answered", ["a", "a:latest", "a-2024-08-06", "a:2"])
@pytest.mark.parametrize("mismatch", ["warn", "error"])
async def test_an_alias_is_no_mismatch(answered: str, mismatch: Mismatch, logged: list[Any]) -> None:
    """Neither a warning nor an error."""
    source, _ = scripted(by(answered), model="a", model_mismatch=mismatch)
    heard = await hear(Pipeline(source).stream("Hi"))

    assert (heard.text, heard.events[0]) == ("Hi", Phase("connecting", None, None, 0.0))
    assert [event.model for event in heard.events if isinstance(event, Start)] == [answered]
    assert "model_mismatch" not in {entry["event"] for entry in logged}


@pytest.mark.parametrize("attempt", [by("b"), at_once("b")], ids=["stream", "at once"])
@pytest.mark.parametrize("stages", [(), (throttle(rate=50),)], ids=["plain", "throttle"])
async def test_an_error_where_that_is_wanted(attempt: Attempt, stages: tuple[Any, ...]) -> None:
    """Nothing of the answer is delivered but who gave it, and the connection is closed."""
    source, transport = scripted(attempt, model="a", model_mismatch="error")
    heard = await hear(Pipeline(source, *stages).stream("Hi"))

    assert isinstance(heard.error, RequestError)
    assert (heard.end.outcome, heard.kind) == ("error", "model_not_found")
    assert heard.message == "'a' was asked for, and 'b' answers"
    assert [event.model for event in heard.events if isinstance(event, Start)] == ["b"]
    assert heard.text == ""
    assert [each.closed for each in transport.connections] == [1]


@pytest.mark.parametrize("attempt", [by("b"), at_once("b")], ids=["stream", "at once"])
async def test_another_backend_may_have_the_model(attempt: Attempt) -> None:
    """P6: nothing was delivered, so the next one is asked."""
    first, transport = scripted(attempt, model="a", model_mismatch="error")
    second, _ = scripted(by("a"), model="a", model_mismatch="error")
    heard = await hear(Pipeline(fallback(first, second)).stream("Hi"))

    assert (heard.text, heard.end.outcome) == ("Hi", "complete")
    assert [event.model for event in heard.events if isinstance(event, Start)] == ["a"]
    assert [event.text for event in heard.events if isinstance(event, Delta)] == ["H", "i"]
    assert transport.connections[0].closed == 1


async def test_a_race_is_not_won_by_another_model() -> None:
    """However early it answers."""
    first, _ = scripted(by("b"), model="a", model_mismatch="error")
    second, _ = scripted(Attempt(200, 5.0, *by("a").script), model="a", model_mismatch="error")

    assert await Pipeline(first_token_wins(first, second)).text("Hi") == "Hi"


def test_the_option_has_two_values() -> None:
    """Wrong use is answered where it happens."""
    with pytest.raises(MisuseError, match="model_mismatch='loud': one of warn, error"):
        scripted(by("a"), model_mismatch="loud")
