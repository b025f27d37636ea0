"""The newer face of the OpenAI API: its path, its body, its key; other servers have it too."""

from typing import Any

import msgspec
import pytest

from tests.scripted import Attempt, ScriptedTransport
from tests.virtual import virtual
from tests.wire.openai_responses import plain
from tokenweir import Pipeline, connect
from tokenweir.pipeline.deadlines import HOSTED
from tokenweir.pipeline.errors import MisuseError

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def sent(**options: Any) -> Any:
    """The request that goes out."""
    transport = ScriptedTransport(Attempt(200, plain().wire))
    source = connect("openai-responses", model="m", transport=transport, **options)
    assert await Pipeline(source).text("Hi", max_tokens=9) == "Hello, you."
    return transport.requests[0]


async def test_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """PROTOCOLS 7.1: the path, and the body in this API's names."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    request = await sent()

    assert request.url == "https://api.openai.com/v1/responses"
    assert msgspec.json.decode(request.body) == {
        "model": "m",
        "input": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "max_output_tokens": 9,
    }


async def test_the_key_goes_to_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """P25, C08: that of the environment to the API alone; LM Studio and others are asked without it."""
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    local = await sent(base_url="http://localhost:1234")

    assert (await sent()).headers["Authorization"] == "Bearer from-the-environment"
    assert local.url == "http://localhost:1234/v1/responses"
    assert "Authorization" not in local.headers


async def test_what_it_needs_and_may_take() -> None:
    """DESIGN 5: a model, and the patience for a hosted one."""
    source = connect("openai-responses", transport=ScriptedTransport(Attempt(200, plain().wire)))

    assert (source.deadlines, source.mode) == (HOSTED, "delta")
    with pytest.raises(MisuseError, match=r"openai-responses needs a model"):
        await Pipeline(source).text("Hi")
