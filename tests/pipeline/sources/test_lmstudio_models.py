"""The models of LM Studio, old and new."""

from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from tests.scripted import Attempt, ScriptedTransport
from tests.virtual import virtual
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import CannotError, DeadlineError, MisuseError, RequestError, StreamError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.lmstudio import LMStudio

pytestmark = pytest.mark.anyio

V1 = b"""{"models":[
 {"type":"llm","key":"qwen/qwen3-8b","size_bytes":5000,"max_context_length":40960,"loaded_instances":[
  {"id":"qwen/qwen3-8b","config":{"context_length":4096}},{"id":"qwen/qwen3-8b:2","config":{}}]},
 {"type":"llm","key":"gemma","size_bytes":null,"max_context_length":8192,"loaded_instances":[]},
 {"type":"embedding","key":"nomic","loaded_instances":[{"id":"nomic"}]}]}"""
V0 = b"""{"object":"list","data":[
 {"id":"a","type":"llm","state":"loaded","loaded_context_length":2048,"max_context_length":8192},
 {"id":"b","type":"vlm","state":"not-loaded","max_context_length":8192},
 {"id":"c","type":"embeddings","state":"loaded"}]}"""
PLAIN = b'{"object":"list","data":[{"id":"a"},{"id":"b"}]}'
GONE = Attempt(404, b'{"error":"Unexpected endpoint or method."}')
UNEXPECTED = Attempt(200, b'{"error":"Unexpected endpoint or method. (GET /api/v1/models)"}')


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


def there(*attempts: Attempt, **options: Any) -> tuple[LMStudio, ScriptedTransport]:
    """An LM Studio that answers so, one question after the other."""
    transport = ScriptedTransport(*attempts)
    return LMStudio("http://lms.test", transport=transport, **options), transport


def asked(transport: ScriptedTransport) -> list[tuple[str, str, Any]]:
    """The questions: method, path and body."""
    return [
        (each.method, each.url.removeprefix("http://lms.test"), msgspec.json.decode(each.body or b"null"))
        for each in transport.requests
    ]


async def test_rest_v1_tells_most() -> None:
    """PROTOCOLS 3.4: an entry for each loaded instance; embedding models answer no prompt."""
    source, transport = there(Attempt(200, V1))

    first, second, third = await source.models()

    assert first == Model("qwen/qwen3-8b", "loaded", 5000, 4096, "qwen/qwen3-8b", native=first.native)
    assert second == Model("qwen/qwen3-8b", "loaded", 5000, 40960, "qwen/qwen3-8b:2", native=second.native)
    assert third == Model("gemma", "not_loaded", None, 8192, native=third.native)
    assert asked(transport) == [("GET", "/api/v1/models", None)]


@pytest.mark.parametrize("old", [GONE, UNEXPECTED], ids=["404", "200"])
async def test_older_versions_tell_less(old: Attempt) -> None:
    """PROTOCOLS 3.2: versions before 0.4 refuse the question, or say with 200 that they do not know it."""
    source, transport = there(old, Attempt(200, V0))

    found = await source.models()

    assert [(model.id, model.state, model.context) for model in found] == [
        ("a", "loaded", 2048),
        ("b", "not_loaded", 8192),
    ]
    assert [path for _, path, _ in asked(transport)] == ["/api/v1/models", "/api/v0/models"]


async def test_what_speaks_openai_alone() -> None:
    """Its OpenAI face lists everything, and does not say what is loaded (PROTOCOLS 3.1)."""
    source, transport = there(GONE, UNEXPECTED, Attempt(200, PLAIN))

    assert [(model.id, model.state) for model in await source.models()] == [
        ("a", "unknown"),
        ("b", "unknown"),
    ]
    assert asked(transport)[-1] == ("GET", "/v1/models", None)


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [(Attempt(401, b'{"error":"no"}'), "auth"), (Attempt(200, Failure("connect", "nobody")), "connect")],
)
async def test_who_is_not_there_is_asked_once(attempt: Attempt, kind: str) -> None:
    """A refused key is refused everywhere."""
    source, transport = there(attempt)

    with pytest.raises(StreamError) as told:
        await source.models()

    assert (told.value.failure.kind, len(transport.requests)) == (kind, 1)


async def test_a_load_is_told_every_second() -> None:
    """PROTOCOLS 3.4: it blocks and tells nothing, so its seconds are told; a part of the name is enough."""
    loaded = Attempt(200, 2.5, b'{"type":"llm","instance_id":"gemma","status":"loaded"}')
    source, transport = there(Attempt(200, V1), loaded)

    phases = [phase async for phase in source.load("gem", context_length=4096)]

    assert [(phase.name, phase.elapsed, phase.progress) for phase in phases] == [
        ("loading", 0.0, None),
        ("loading", 1.0, None),
        ("loading", 2.0, None),
    ]
    body = {"model": "gemma", "context_length": 4096}
    assert asked(transport)[1:] == [("POST", "/api/v1/models/load", body)]


async def test_what_is_loaded_is_not_loaded_again() -> None:
    """A second load would be a second instance; with options, that is what was asked for."""
    source, transport = there(Attempt(200, V1))

    assert [phase async for phase in source.load("qwen")] == []
    assert len(transport.requests) == 1
    assert len([phase async for phase in source.load("qwen", context_length=512)]) == 1


async def test_a_load_that_never_ends() -> None:
    """P15: the deadline has a name, and the connection is closed."""
    source, transport = there(Attempt(200, V1), Attempt(200, 900.0), deadlines=Deadlines(first_token=5.0))

    with pytest.raises(DeadlineError, match="waited 5 s for /api/v1/models/load"):
        assert len([phase async for phase in source.load("gemma")]) == 0

    assert transport.connections[1].closed == 1


async def test_a_load_that_fails() -> None:
    """It says why."""
    source, _ = there(Attempt(200, V1), Attempt(500, b'{"error":{"message":"Failed to load model"}}'))

    with pytest.raises(StreamError, match="Failed to load model"):
        assert len([phase async for phase in source.load("gemma")]) == 0


async def test_leaving_a_load_closes_it() -> None:
    """P10: no scope is open while a phase is handed out."""
    source, transport = there(Attempt(200, V1), Attempt(200, 900.0))
    async with aclosing(source.load("gemma")) as phases:
        await anext(phases)

    assert transport.connections[1].closed == 1


async def test_every_instance_is_unloaded_or_the_named_one() -> None:
    """PROTOCOLS 3.4: `unload` takes instances."""
    whole, transport = there(Attempt(200, V1))
    await whole.unload("qwen3")
    assert [body for _, path, body in asked(transport) if path.endswith("/unload")] == [
        {"instance_id": "qwen/qwen3-8b"},
        {"instance_id": "qwen/qwen3-8b:2"},
    ]

    one, transport = there(Attempt(200, V1))
    await one.unload("qwen/qwen3-8b:2")
    assert asked(transport)[1:] == [("POST", "/api/v1/models/unload", {"instance_id": "qwen/qwen3-8b:2"})]

    none, transport = there(Attempt(200, V1))
    await none.unload("gemma")
    assert len(transport.requests) == 1


async def test_what_it_cannot() -> None:
    """An old version takes no orders; options have names; a model must be there."""
    old, _ = there(GONE)
    with pytest.raises(CannotError, match=r"cannot load a model: LM Studio before 0\.4"):
        await anext(old.load("a"))
    with pytest.raises(CannotError, match="cannot unload a model"):
        await old.unload("a")

    new, _ = there(Attempt(200, V1))
    with pytest.raises(MisuseError, match=r"no load option 'temperature'; there are: context_length, eval"):
        await anext(new.load("gemma", temperature=1))
    with pytest.raises(RequestError, match="there is no model 'mistral'"):
        await anext(new.load("mistral"))


def test_what_keeps_it_warm() -> None:
    """PROTOCOLS 3.4: the time to live goes with the request, in whole seconds; REST v1 has none."""
    source, _ = there()
    rest, _ = there(face="rest")

    assert source.warming("m", 90.5).options == {"max_tokens": 1, "ttl": 91}
    assert rest.warming("m", 90.5).options == {"max_tokens": 1}


@pytest.mark.parametrize(
    ("asked_for", "answers", "same"),
    [("qwen3", "qwen/qwen3-8b", True), ("local-model", "any", True), ("gemma", "qwen/qwen3-8b", False)],
)
def test_a_part_of_a_name_is_no_other_model(asked_for: str, answers: str, *, same: bool) -> None:
    """LM Studio itself goes by parts of names."""
    source, _ = there()

    assert source.is_same_model(asked_for, answers) is same
