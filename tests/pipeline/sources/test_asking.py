"""Short questions to a backend: one answer, whole, in time."""

import pytest

from tests.scripted import Attempt, scripted
from tests.virtual import virtual
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import BackendError, DeadlineError, LimitError, RequestError, StreamError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.sources.asking import ask, question
from tokenweir.pipeline.sources.ollama import Ollama

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def test_what_is_asked_where() -> None:
    """GET without a body, POST with one; under `/v1`, or beside it."""
    source, transport = scripted(Attempt(200, b'{"a":', b"1}"), api_key="key-0123456789")

    assert await ask(source, "/models") == {"a": 1}
    await ask(source, "/api/v1/models/load", {"model": "m"}, beside=True)

    asked = [(each.method, each.url, each.body) for each in transport.requests]
    assert asked == [
        ("GET", "http://backend.test/v1/models", b""),
        ("POST", "http://backend.test/api/v1/models/load", b'{"model":"m"}'),
    ]
    assert transport.requests[0].headers["Authorization"] == "Bearer key-0123456789"
    assert [each.closed for each in transport.connections] == [1, 1]


async def test_an_address_that_ends_in_nothing_of_ours() -> None:
    """Ollama's stands alone."""
    source, transport = scripted(Attempt(200, b"{}"))
    ollama = Ollama("http://backend.test", transport=transport)

    await ask(ollama, "/api/tags")
    await ask(ollama, "/api/tags", beside=True)

    assert {each.url for each in transport.requests} == {"http://backend.test/api/tags"}
    assert source.provider == "openai-compatible"


async def test_an_empty_answer_is_none() -> None:
    """PROTOCOLS 11.1: a list without models may be a body without bytes."""
    source, _ = scripted(Attempt(200, b" "))

    assert await ask(source, "/models") is None


@pytest.mark.parametrize(
    ("attempt", "error", "kind"),
    [
        (Attempt(404, b'{"error": "no such thing"}'), RequestError, "bad_request"),
        (Attempt(500, b"oh"), BackendError, "upstream"),
        (Attempt(200, b"<html>"), BackendError, "protocol"),
        (Attempt(200, b'{"error": {"message": "boom"}}'), BackendError, "upstream"),
        (Attempt(200, Failure("truncated", "cut")), BackendError, "truncated"),
    ],
)
async def test_what_is_no_answer(attempt: Attempt, error: type[StreamError], kind: str) -> None:
    """A refusal, what cannot be read, an error with status 200, and a broken connection: as a stream's."""
    source, transport = scripted(attempt)

    with pytest.raises(error) as told:
        await ask(source, "/models")

    assert (told.value.failure.kind, transport.connections[0].closed) == (kind, 1)


async def test_the_key_is_not_in_the_failure() -> None:
    """P25: a backend may quote what it was sent."""
    source, _ = scripted(Attempt(200, b"not sk-canary-012345"), api_key="sk-canary-012345")

    with pytest.raises(StreamError) as told:
        await ask(source, "/models")

    assert "canary" not in str(told.value)


async def test_a_bug_of_the_transport_is_not_hidden() -> None:
    """Only what the connection knows is a failure of the backend."""
    source, transport = scripted(Attempt(200, b"{}"))
    asked = question(source, "/models")
    transport.connections[0].close()
    transport.connections[0].left.insert(0, 1.0)

    with pytest.raises(ConnectionAbortedError):
        await asked.payload()


async def test_too_long_an_answer() -> None:
    """P8: what a backend sends is held only so far."""
    source, _ = scripted(Attempt(200, b"12345", b"67890"))

    with pytest.raises(LimitError, match="more than 9 bytes"):
        await ask(source, "/models", limit=9)


async def test_it_is_waited_for_in_pieces() -> None:
    """Nothing that came is lost between two waits."""
    source, _ = scripted(Attempt(200, b"[1", 2.5, b",2]"))

    async with question(source, "/models") as asked:
        waits = [await asked.wait(1.0) for _ in range(3)]

        assert (waits, asked.elapsed) == ([False, False, True], 2.5)
        assert await asked.payload() == [1, 2]


async def test_the_deadline_has_a_name() -> None:
    """P15: it counts from the first moment, however often is waited."""
    source, transport = scripted(Attempt(200, 60.0), deadlines=Deadlines(first_token=3.0))

    async with question(source, "/models") as asked:
        assert [await asked.wait(1.0), await asked.wait(1.0)] == [False, False]
        with pytest.raises(DeadlineError, match=r"waited 3 s for /models.*Deadlines\(first_token") as told:
            await asked.wait()

        assert (told.value.failure.phase, asked.elapsed) == ("first_token", 3.0)

    assert transport.connections[0].closed == 1
