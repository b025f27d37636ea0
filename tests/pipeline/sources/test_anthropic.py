"""The Messages API: its address, its key, its version, its model, its deadlines, its answers."""

from typing import Any

import msgspec
import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.virtual import virtual
from tests.wire.anthropic import CALLS, TEXT, WHOLE
from tokenweir import Phase, Pipeline, connect
from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.deadlines import HOSTED
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.anthropic import DEFAULT_MAX_TOKENS
from tokenweir.pipeline.sources.anthropic import VERSION

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def sent(base_url: str | None = None, **options: Any) -> HTTPRequest:
    """The request that goes out."""
    transport = ScriptedTransport(Attempt(200, TEXT))
    await Pipeline(connect("anthropic", base_url, model="m", transport=transport, **options)).text("hi")
    return transport.requests[0]


async def test_what_is_sent_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """PROTOCOLS 6: the messages endpoint, the version that it demands, and no key where there is none."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    request = await sent()

    assert request.url == "https://api.anthropic.com/v1/messages"
    assert msgspec.json.decode(request.body) == {
        "model": "m",
        "max_tokens": DEFAULT_MAX_TOKENS,
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
    }
    assert request.headers["anthropic-version"] == VERSION
    assert "x-api-key" not in request.headers
    assert (await sent("http://localhost:8080")).url == "http://localhost:8080/v1/messages"


async def test_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """P25, C08: it goes to the API's own address and nowhere else, in the API's own header."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-the-environment")

    assert (await sent()).headers["x-api-key"] == "from-the-environment"
    assert "Authorization" not in (await sent()).headers
    assert (await sent(api_key="given")).headers["x-api-key"] == "given"
    assert "x-api-key" not in (await sent("http://localhost:1234")).headers
    assert "x-api-key" not in (await sent("https://api.anthropic.com.evil.test/v1")).headers


async def test_headers_of_the_caller() -> None:
    """A beta is asked for by name; a caller's own version wins; a credential comes once."""
    headers = {"anthropic-beta": "b1", "Anthropic-Version": "2099-01-01"}
    found = (await sent(headers=headers)).headers

    assert found["anthropic-beta"] == "b1"
    assert [found[name] for name in found if name.lower() == "anthropic-version"] == ["2099-01-01"]
    with pytest.raises(MisuseError, match="a credential comes once"):
        connect("anthropic", api_key="one", headers={"X-Api-Key": "two"})


async def test_the_model_is_needed() -> None:
    """DESIGN 5: said before anything is sent."""
    with pytest.raises(MisuseError, match=r"anthropic needs a model: connect\('anthropic', model='\.\.\.'\)"):
        await Pipeline(connect("anthropic", transport=ScriptedTransport(Attempt(200, TEXT)))).text("hi")


async def test_what_is_waited_for() -> None:
    """P15, P16: a hosted model is loaded: one waits in its queue, and for less long."""
    transport = ScriptedTransport(Attempt(200, 1.05, TEXT))
    source = connect("anthropic", model="m", transport=transport)
    events = [event async for event in Pipeline(source).stream("hi")]

    assert source.deadlines == HOSTED
    assert source.mode == "delta"
    assert [event.name for event in events if isinstance(event, Phase)][:2] == ["connecting", "queued"]


@pytest.mark.parametrize(("body", "stream"), [(CALLS, True), (WHOLE, False)])
async def test_an_answer(body: bytes, *, stream: bool) -> None:
    """P1: streamed, or all at once."""
    transport = ScriptedTransport(Attempt(200, body))
    source = connect("anthropic", model="m", transport=transport)
    heard = await hear(Pipeline(source).stream("hi", stream=stream))

    assert heard.end.outcome == "complete"
    assert [call["name"] for call in heard.answer.tool_calls()] == ["look", "now"]
    assert msgspec.json.decode(transport.requests[0].body)["stream"] is stream


@pytest.mark.parametrize(
    ("status", "kind", "message", "found"),
    [
        (401, "authentication_error", "invalid x-api-key", "auth"),
        (404, "not_found_error", "model: m", "model_not_found"),
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "context_length"),
        (413, "request_too_large", "Request exceeds the maximum size", "bad_request"),
    ],
)
async def test_refusals(status: int, kind: str, message: str, found: str) -> None:
    """U16, U17: the API's error body, as what it means."""
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"}
    transport = ScriptedTransport(Attempt(status, msgspec.json.encode(body)))
    heard = await hear(Pipeline(connect("anthropic", model="m", transport=transport)).stream("hi"))

    assert (heard.kind, heard.message) == (found, f"HTTP {status}: {message}")
    assert len(transport.requests) == 1


async def test_an_overloaded_api_is_asked_again() -> None:
    """P6: 529 is theirs for "busy"."""
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    transport = ScriptedTransport(Attempt(529, msgspec.json.encode(body)), Attempt(200, TEXT))
    heard = await hear(Pipeline(connect("anthropic", model="m", transport=transport)).stream("hi"))

    assert heard.text == "Hello, there."
    assert len(transport.requests) == 2
