"""Real servers' refusals: each is told as what it is, whatever it looks like."""

from typing import Any

import pytest

from tests.reader import hear
from tests.real.running import Running
from tests.real.vocabulary import SAID
from tests.real.weights import CONTEXT
from tokenweir import Pipeline
from tokenweir.pipeline.aiohttp_connection import AiohttpConnection
from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.transport import AiohttpTransport

pytestmark = pytest.mark.anyio

ELSEWHERE = "a-key-for-somebody-else"


async def test_a_model_that_is_not_there(served: Running) -> None:
    """A failure of its kind, or an answer by the model that is there."""
    async with served.connect() as source:
        heard = await hear(Pipeline(source).stream("[text]", model="nobody/nothing", max_tokens=20))

    assert heard.kind == served.server.wrong_model
    assert (heard.text == SAID["[text]"]) == (served.server.wrong_model is None)


async def test_a_parameter_that_makes_no_sense(served: Running) -> None:
    """Told with the server's own status; by `openai-compatible`, which checks nothing beforehand."""
    async with served.connect("openai-compatible") as source:
        heard = await hear(Pipeline(source).stream("[text]", temperature="hot", max_tokens=20))

    assert heard.kind == served.server.bad_parameter
    assert heard.end.failure is not None
    assert (heard.end.failure.status or 0) >= 400
    assert heard.text == ""


async def test_a_prompt_beyond_the_context(served: Running) -> None:
    """P2: no empty answer is taken for a good one."""
    async with served.connect() as source:
        heard = await hear(Pipeline(source).stream("x" * CONTEXT + " [text]", max_tokens=20))

    assert heard.kind == served.server.too_long
    assert (heard.text == SAID["[text]"]) == (served.server.too_long is None)


async def test_a_wrong_key(served: Running) -> None:
    """Told as such, where the server looks at keys at all."""
    async with served.connect(api_key=ELSEWHERE) as source:
        heard = await hear(Pipeline(source).stream("[text]", max_tokens=20))

    assert heard.kind == ("auth" if served.server.key else None)
    assert ELSEWHERE not in heard.message


class Watched(AiohttpTransport):
    """The transport, with a note of all headers that are sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, str]] = []

    def open(self, request: HTTPRequest, connect: float | None) -> AiohttpConnection:
        self.sent.append(dict(request.headers))
        return super().open(request, connect)


@pytest.mark.parametrize("provider", [None, "openai-compatible"])
async def test_a_key_is_sent_only_where_one_was_given(
    served: Running, provider: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P24: keys of the environment are for their own addresses, and a local server gets none of them."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, ELSEWHERE)
    transport = Watched()
    options: dict[str, Any] = {"api_key": None, "transport": transport}
    async with served.connect(provider, **options) as source:
        heard = await hear(Pipeline(source).stream("[text]", max_tokens=20))

    (headers,) = transport.sent
    assert heard.kind == ("auth" if served.server.key else None)
    assert "Authorization" not in headers
    assert ELSEWHERE not in " ".join(headers.values())
