"""llama-server: loading is waited for, and the prompt's progress is asked for and told."""

from typing import Any

import msgspec
import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO, frame
from tests.virtual import virtual
from tests.wire import llamacpp_completion
from tokenweir import Phase, Pipeline, connect
from tokenweir.pipeline.errors import MisuseError

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


COMPLETION = llamacpp_completion.BODIES[0].wire


@pytest.mark.parametrize("base_url", [None, "http://localhost:8080", "http://localhost:8080/v1/"])
async def test_a_prompt_can_be_completed(base_url: str | None) -> None:
    """PROTOCOLS 5.1: `completion=True` asks its own `/completion`, which stands beside its `/v1`."""
    progress = llamacpp_completion.chunk("", prompt_progress=llamacpp_completion.PROGRESS)
    transport = ScriptedTransport(Attempt(200, progress, COMPLETION))
    source = connect("llamacpp", base_url, completion=True, transport=transport)
    heard = await hear(Pipeline(source).stream("Once", max_tokens=9, stop="."))
    [asked] = transport.requests

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert [phase.progress for phase in heard.phases][-1] == 0.625
    assert asked.url == "http://localhost:8080/completion"
    assert msgspec.json.decode(asked.body) == {
        "prompt": "Once",
        "stream": True,
        "return_progress": True,
        "n_predict": 9,
        "stop": ["."],
    }


async def test_a_completion_that_is_cut() -> None:
    """P2: without its last payload it is not complete; the prefix of another address stays."""
    transport = ScriptedTransport(Attempt(200, llamacpp_completion.chunk("Hel")))
    source = connect("llamacpp", "https://box/llama/v1", completion=True, transport=transport)
    heard = await hear(Pipeline(source).stream("Once"))

    assert (heard.text, heard.end.outcome) == ("Hel", "truncated")
    assert transport.requests[0].url == "https://box/llama/completion"


def test_a_completion_is_no_chat() -> None:
    """What it cannot ask is told before anything is sent."""
    source = connect("llamacpp", completion=True, transport=ScriptedTransport())

    with pytest.raises(MisuseError, match="leave completion=True out"):
        source.open(source.request([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]))
