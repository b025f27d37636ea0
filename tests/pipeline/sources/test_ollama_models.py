"""The models of Ollama."""

from typing import Any

import msgspec
import pytest

from tests.scripted import Attempt, ScriptedTransport
from tests.virtual import virtual
from tokenweir.pipeline.errors import MisuseError, StreamError
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.ollama import Ollama

pytestmark = pytest.mark.anyio

TAGS = Attempt(
    200,
    b"""{"models":[{"name":"qwen3:8b","size":5000,"details":{"context_length":40960}},
 {"name":"llama3:latest","size":4000,"details":{}},
 {"name":"nomic:latest","capabilities":["embedding"]}]}""",
)
RUNNING = Attempt(200, b'{"models":[{"name":"llama3:latest","context_length":4096}]}')
LOADED = Attempt(200, 1.5, b'{"model":"qwen3:8b","done":true,"done_reason":"load"}')


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops, in virtual time."""
    return virtual(request.param)


def there(*attempts: Attempt, **options: Any) -> tuple[Ollama, ScriptedTransport]:
    """An Ollama that answers so, one question after the other."""
    transport = ScriptedTransport(*attempts)
    return Ollama("http://ollama.test", transport=transport, **options), transport


def sent(transport: ScriptedTransport) -> Any:
    """The body of the last question."""
    return msgspec.json.decode(transport.requests[-1].body)


async def test_what_is_there_and_what_runs() -> None:
    """PROTOCOLS 4.2: loaded is what `/api/ps` has; the context is the loaded one where it is."""
    source, transport = there(TAGS, RUNNING)

    first, second = await source.models()

    assert first == Model("qwen3:8b", "not_loaded", 5000, 40960, native=first.native)
    assert second == Model("llama3:latest", "loaded", 4000, 4096, native=second.native)
    assert [each.url for each in transport.requests] == [
        "http://ollama.test/api/tags",
        "http://ollama.test/api/ps",
    ]


async def test_a_service_that_does_not_tell_what_runs() -> None:
    """ollama.com lists models, and nothing of what is loaded."""
    source, _ = there(TAGS, Attempt(404, b"not found"))

    assert {model.state for model in await source.models()} == {"unknown"}


async def test_another_refusal_is_one() -> None:
    """It is not taken for silence."""
    source, _ = there(TAGS, Attempt(500, b'{"error":"boom"}'))

    with pytest.raises(StreamError, match="boom"):
        await source.models()


async def test_a_load_is_an_empty_request() -> None:
    """PROTOCOLS 4.2: silent until it is loaded; an option of the load goes with it."""
    source, transport = there(TAGS, RUNNING, LOADED)

    phases = [phase async for phase in source.load("qwen", keep_alive="1h")]

    assert [phase.elapsed for phase in phases] == [0.0, 1.0]
    assert transport.requests[-1].url == "http://ollama.test/api/generate"
    assert sent(transport) == {"model": "qwen3:8b", "stream": False, "keep_alive": "1h"}


async def test_what_is_loaded_is_left_alone() -> None:
    """Without options there is nothing to do."""
    source, transport = there(TAGS, RUNNING)

    assert [phase async for phase in source.load("llama3")] == []
    assert len(transport.requests) == 2


async def test_an_unload_is_an_empty_request_too() -> None:
    """With no time to stay; for what is loaded alone."""
    source, transport = there(TAGS, RUNNING, Attempt(200, b'{"done":true,"done_reason":"unload"}'))
    await source.unload("llama3")
    assert sent(transport) == {"model": "llama3:latest", "stream": False, "keep_alive": 0}

    source, transport = there(TAGS, RUNNING)
    await source.unload("qwen3")
    assert len(transport.requests) == 2


async def test_options_have_names() -> None:
    """What Ollama's load does not have is said before anything is sent."""
    source, transport = there(TAGS)

    with pytest.raises(MisuseError, match="no load option 'ttl'; there are: keep_alive, options"):
        await anext(source.load("qwen3:8b", ttl=1))
    assert transport.requests == []


@pytest.mark.parametrize("generate", [False, True])
def test_what_keeps_it_warm_generates_nothing(*, generate: bool) -> None:
    """PROTOCOLS 4.2: an empty conversation or prompt, and how long the model stays."""
    source, _ = there(generate=generate)
    body = source.body(source.warming("m", 600.0))

    assert (body.get("messages") or body.get("prompt") or "") == ""
    assert (body["model"], body["stream"], body["keep_alive"]) == ("m", False, 600.0)
