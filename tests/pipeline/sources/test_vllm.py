"""vLLM: its model has a name that must be said."""

import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO
from tokenweir import Pipeline, connect
from tokenweir.pipeline.errors import MisuseError

pytestmark = pytest.mark.anyio


async def test_the_model_is_needed() -> None:
    """PROTOCOLS 5.3: said before anything is sent; a request may name it too."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    pipeline = Pipeline(connect("vllm", transport=transport))

    with pytest.raises(MisuseError, match="vllm needs a model"):
        await pipeline.text("hi")
    assert await pipeline.text("hi", model="m") == "Hello"
    assert [request.url for request in transport.requests] == ["http://localhost:8000/v1/chat/completions"]


async def test_its_old_error_form() -> None:
    """PROTOCOLS 9: an error that is the whole body, flat."""
    body = b'{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","code":404}'
    source = connect("vllm", model="m", transport=ScriptedTransport(Attempt(404, body)))
    heard = await hear(Pipeline(source).stream("hi"))

    assert (heard.kind, heard.message) == ("model_not_found", "HTTP 404: The model `m` does not exist.")
