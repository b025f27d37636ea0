"""llama-server: loading is waited for, and the prompt's progress is asked for and told."""

from typing import Any

import msgspec
import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO, frame
from tests.virtual import virtual
from tokenweir import Phase, Pipeline, connect

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


async def test_loading_then_progress_then_text() -> None:
    """P16, U05: 503 until the model is there, then the prompt's progress, then the answer."""
    loading = Attempt(503, b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}')
    progress = [frame(id="a1", choices=[], prompt_progress={"processed": n, "total": 100}) for n in (25, 100)]
    transport = ScriptedTransport(loading, loading, Attempt(200, *progress, HELLO))
    heard = await hear(Pipeline(connect("llamacpp", transport=transport)).stream("hi"))

    assert (heard.text, heard.end.outcome, len(transport.requests)) == ("Hello", "complete", 3)
    assert [phase.name for phase in heard.phases] == [
        "connecting",
        "loading",
        "loading",
        "prefill",
        "prefill",
    ]
    assert [phase.progress for phase in heard.phases[-2:]] == [0.25, 1.0]


async def test_progress_is_asked_for() -> None:
    """PROTOCOLS 5.1: in a stream, and where the caller does not say otherwise."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    pipeline = Pipeline(connect("llamacpp", transport=transport))
    await pipeline.text("hi")
    await pipeline.text("hi", return_progress=False)
    await pipeline.text("hi", stream=False)
    bodies = [msgspec.json.decode(request.body) for request in transport.requests]

    assert [body.get("return_progress") for body in bodies] == [True, False, None]
    assert transport.requests[0].url == "http://localhost:8080/v1/chat/completions"


async def test_silence_is_prefill() -> None:
    """P16: a server that has answered and says nothing reads the prompt."""
    transport = ScriptedTransport(Attempt(200, 2.5, HELLO))
    heard = await hear(Pipeline(connect("llamacpp", transport=transport)).stream("hi"))

    assert heard.phases[1:] == [Phase("prefill", None, None, 1.0), Phase("prefill", None, None, 2.0)]
