"""The Gemini API as a source: what is sent where, and what its answers become."""

from typing import Any

import msgspec
import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.servers import reply, serve
from tests.virtual import virtual
from tests.wire import gemini_sse
from tokenweir import Delta, Finish, Pipeline, ToolDelta, connect
from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.deadlines import HOSTED
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.retry import Retry

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def sent(ask: dict[str, Any] | None = None, **options: Any) -> HTTPRequest:
    """The request that goes out for a greeting."""
    transport = ScriptedTransport(Attempt(200, gemini_sse.TEXT))
    source = connect(
        "gemini", transport=transport, **{"model": "gemini-test", "api_key": "secret-key", **options}
    )
    assert await Pipeline(source).text("Hi", **(ask or {})) == "Hello, world"
    return transport.requests[0]


async def test_where_it_asks() -> None:
    """The model and the stream are in the path, the rest in the body, the key in a header alone."""
    request = await sent({"temperature": 0})

    assert request.url == (
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-test:streamGenerateContent?alt=sse"
    )
    assert msgspec.json.decode(request.body) == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"temperature": 0},
    }
    assert request.headers["x-goog-api-key"] == "secret-key"
    assert "Authorization" not in request.headers


async def test_other_addresses_and_models() -> None:
    """A gateway's address may have a path of its own; a request may name another model."""
    assert (await sent(base_url="http://box:1")).url.startswith("http://box:1/v1beta/models/gemini-test:")
    assert (await sent(base_url="https://box/g/v1/")).url.startswith("https://box/g/v1/models/gemini-test:")
    assert "/v1beta/models/other:stream" in (await sent({"model": "models/other"})).url


async def test_an_answer_without_a_stream() -> None:
    """Another verb, and one object; the events are the same."""
    transport = ScriptedTransport(Attempt(200, gemini_sse.WHOLE))
    source = connect("gemini", transport=transport, model="m", api_key="k")
    heard = await hear(Pipeline(source).stream("Hi", stream=False))

    assert transport.requests[0].url.endswith("/models/m:generateContent")
    assert (heard.text, heard.end.outcome) == ("Hé 🙂", "complete")


async def test_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """P25, C08: it goes to the API's own address and nowhere else."""
    monkeypatch.setenv("GEMINI_API_KEY", "from-the-environment")

    assert (await sent(api_key=None)).headers["x-goog-api-key"] == "from-the-environment"
    for base_url in ("http://localhost:1", "https://generativelanguage.googleapis.com.evil.test/v1beta"):
        assert "x-goog-api-key" not in (await sent(api_key=None, base_url=base_url)).headers


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"model": None}, r"gemini needs a model: connect\('gemini', model='\.\.\.'\)"),
        ({"model": "../../evil"}, "is no name of a Gemini model"),
        ({"headers": {"X-Goog-Api-Key": "other"}}, "a credential comes once"),
    ],
)
async def test_misuse_is_told(options: dict[str, Any], told: str) -> None:
    """P25: before anything is sent, and nothing picks another path."""
    with pytest.raises(MisuseError, match=told):
        await sent(**options)


async def test_calls_from_end_to_end() -> None:
    """Parallel calls, their finish, and the native word."""
    transport = ScriptedTransport(Attempt(200, gemini_sse.CALLS))
    heard = await hear(Pipeline(connect("gemini", transport=transport, model="m", api_key="k")).stream("Hi"))

    assert ToolDelta(0, "a", "look", '{"at":"sky"}') in heard.events
    assert Delta("Let me look.", "reasoning") in heard.events
    assert heard.events[-1] == Finish("tool_calls", "STOP")


@pytest.mark.parametrize(
    ("wire", "outcome", "kind"),
    [
        (gemini_sse.FAILED, "error", "overloaded"),
        (gemini_sse.RAW_ERROR, "error", "upstream"),
        (gemini_sse.TEXT[:300], "truncated", "truncated"),
        (b"", "truncated", "truncated"),
    ],
)
async def test_faults(wire: bytes, outcome: str, kind: str) -> None:
    """P2, V15: a body without a finish reason is never complete, however clean its end."""
    source = connect("gemini", transport=ScriptedTransport(Attempt(200, wire)), model="m", api_key="k")
    source.retry = Retry(attempts=1)
    heard = await hear(Pipeline(source).stream("Hi"))

    assert (heard.end.outcome, heard.kind) == (outcome, kind)


async def test_a_refusal() -> None:
    """U17: Google's error body, in an array or not; what it quotes of the key is taken out."""
    error = {"code": 400, "message": "API key not valid: secret-key", "status": "INVALID_ARGUMENT"}
    source = connect(
        "gemini",
        transport=ScriptedTransport(Attempt(400, msgspec.json.encode([{"error": error}]))),
        model="m",
        api_key="secret-key",
    )
    heard = await hear(Pipeline(source).stream("Hi"))

    assert (heard.kind, heard.message) == ("auth", "HTTP 400: API key not valid: ***")


def test_what_is_known_of_it() -> None:
    """It sends deltas, needs no detector, and one waits in its queue."""
    source = connect("gemini", model="m")

    assert repr(Pipeline(source)) == "<Pipeline gemini | sse_decode | decode_protocol(gemini-sse)>"
    assert (source.waiting, source.deadlines) == ("queued", HOSTED)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_over_a_socket() -> None:
    """P25: the path goes over the wire as it was made, its query and its colon too."""
    async with (
        serve(reply("200 OK", gemini_sse.TEXT, kind="text/event-stream")) as server,
        connect("gemini", server.url, model="models/gemini-1.5-pro@001") as source,
    ):
        assert await Pipeline(source).text("Hi") == "Hello, world"

    first, _, _ = server.visits[0].received.partition(b"\r\n")
    assert first == b"POST /v1beta/models/gemini-1.5-pro@001:streamGenerateContent?alt=sse HTTP/1.1"
