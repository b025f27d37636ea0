"""Lists of models in OpenAI's form, and Gemini's."""

import pytest

from tests.scripted import Attempt, ScriptedTransport
from tests.virtual import virtual
from tokenweir.pipeline.errors import CannotError, StreamError
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import connect

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Both event loops."""
    return virtual(request.param)


def there(provider: str, body: bytes, base_url: str | None = None) -> tuple[Source, ScriptedTransport]:
    """A source whose backend answers so to everything."""
    transport = ScriptedTransport(Attempt(200, body))
    return connect(provider, base_url, model="m", transport=transport), transport


def told(models: list[Model]) -> list[tuple[str, str, int | None]]:
    """What the models are, in short."""
    return [(model.id, model.state, model.context) for model in models]


@pytest.mark.parametrize(
    ("provider", "base_url", "state"),
    [
        ("openai-compatible", "http://backend.test", "unknown"),
        ("mlx", None, "unknown"),
        ("vllm", None, "loaded"),
        ("openai", None, "loaded"),
        ("openai", "http://backend.test", "unknown"),
        ("openai-responses", None, "loaded"),
        ("anthropic", None, "loaded"),
    ],
)
async def test_a_list_in_openais_form(provider: str, base_url: str | None, state: str) -> None:
    """PROTOCOLS 5.2, 5.3: what a list says of a state depends on who tells it: vLLM has loaded what it
    lists, and a hosted service answers at once."""
    body = b'{"object":"list","data":[{"id":"a","max_model_len":4096},{"id":"b"},{"object":"model"},7]}'
    source, transport = there(provider, body, base_url)

    found = await source.models()

    assert told(found) == [("a", state, 4096), ("b", state, None)]
    assert bytes(found[1].native or b"") == b'{"id":"b"}'
    assert transport.requests[0].method == "GET"
    assert transport.requests[0].url.partition("?")[0].endswith("/v1/models")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":null}'])
async def test_a_list_without_models(body: bytes) -> None:
    """PROTOCOLS 11.1: mlx_lm.server answers with no byte at all."""
    source, _ = there("mlx", body)

    assert await source.models() == []


async def test_geminis_list() -> None:
    """Those that can answer, by the names that requests have."""
    body = (
        b'{"models":[{"name":"models/gemini-pro","inputTokenLimit":9,'
        b'"supportedGenerationMethods":["generateContent"]},'
        b'{"name":"models/embedding","supportedGenerationMethods":["embedContent"]}]}'
    )
    source, transport = there("gemini", body)

    assert told(await source.models()) == [("gemini-pro", "loaded", 9)]
    assert transport.requests[0].url.endswith("/v1beta/models?pageSize=1000")


async def test_one_model() -> None:
    """A name means what it means everywhere; without one it is the source's own."""
    source, _ = there("vllm", b'{"data":[{"id":"m"},{"id":"other"}]}')

    assert (await source.model_status()).id == "m"
    assert (await source.model_status("oth")).id == "other"
    with pytest.raises(StreamError, match="model_not_found"):
        await source.model_status("none")


async def test_what_cannot_be_done_is_said() -> None:
    """Each as its own sentence, and as wrong use."""
    source, _ = there("openai-compatible", b"", "http://backend.test")

    with pytest.raises(CannotError, match="openai-compatible: this backend cannot load a model"):
        source.load("m")
    with pytest.raises(CannotError, match="openai-compatible: this backend cannot unload a model"):
        await source.unload("m")
    with pytest.raises(CannotError, match="source: this backend cannot list its models"):
        await Source().models()
