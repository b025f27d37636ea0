"""The hosted API: its address, its key, its model, its deadlines."""

from typing import Any

import pytest

from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO
from tests.virtual import virtual
from tokenweir import Phase, Pipeline, connect
from tokenweir.pipeline.deadlines import HOSTED
from tokenweir.pipeline.errors import MisuseError

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def sent(**options: Any) -> str | None:
    """The Authorization that goes out with a request, and where to."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    await Pipeline(connect("openai", model="m", transport=transport, **options)).text("hi")
    return transport.requests[0].headers.get("Authorization")


async def test_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """P25, C08: it goes to the API's own address and nowhere else; a key that is given wins."""
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")

    assert await sent() == "Bearer from-the-environment"
    assert await sent(base_url="https://api.openai.com/v1/") == "Bearer from-the-environment"
    assert await sent(api_key="given") == "Bearer given"
    assert await sent(base_url="http://localhost:1234") is None
    assert await sent(base_url="https://api.openai.com.evil.test/v1") is None
    assert await sent(base_url="http://api.openai.com/v1") is None


@pytest.mark.parametrize("value", ["", None])
async def test_no_key(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """C08: an empty variable is as good as none."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("OPENAI_API_KEY", value)

    assert await sent() is None


def test_a_key_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """C08: a variable with a line end in it is told at once, without its value."""
    monkeypatch.setenv("OPENAI_API_KEY", "canary-5cf1\n")

    with pytest.raises(MisuseError, match="api_key has white space") as told:
        connect("openai")
    assert "canary" not in str(told.value)


async def test_the_model_is_needed() -> None:
    """DESIGN 5: said before anything is sent."""
    with pytest.raises(MisuseError, match=r"openai needs a model: connect\('openai', model='\.\.\.'\)"):
        await Pipeline(connect("openai", transport=ScriptedTransport(Attempt(200, HELLO)))).text("hi")


async def test_what_is_waited_for() -> None:
    """P15, P16: a hosted model is loaded: one waits in its queue, and for less long."""
    source = connect("openai", model="m", api_key="k", transport=ScriptedTransport(Attempt(200, 1.05, HELLO)))
    events = [event async for event in Pipeline(source).stream("hi")]

    assert source.deadlines == HOSTED
    assert [event.name for event in events if isinstance(event, Phase)] == ["connecting", "queued"]
