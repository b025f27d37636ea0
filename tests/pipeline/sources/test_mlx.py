"""mlx_lm.server: its keep-alive comments tell the progress of the prompt."""

import msgspec
import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO, text
from tokenweir import Phase, Pipeline, connect

pytestmark = pytest.mark.anyio


async def test_progress_in_comments() -> None:
    """P16, PROTOCOLS 5.2: each comment is a phase, until text flows; then it is only counted."""
    comments = [b": keepalive %d/4096\n\n" % done for done in (1024, 4096)]
    transport = ScriptedTransport(Attempt(200, *comments, text("a"), comments[0], HELLO))
    heard = await hear(Pipeline(connect("mlx", transport=transport)).stream("hi"))

    assert heard.phases[1:] == [
        Phase("prefill", 0.25, "keepalive 1024/4096"),
        Phase("prefill", 1.0, "keepalive 4096/4096"),
    ]
    assert (heard.text, heard.end.outcome, heard.end.stats.keep_alives) == ("aHello", "complete", 3)


async def test_no_model_is_needed() -> None:
    """PROTOCOLS 5.2: the model that the server was started with answers."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    await Pipeline(connect("mlx", transport=transport)).text("hi")

    assert "model" not in msgspec.json.decode(transport.requests[0].body)
    assert transport.requests[0].url == "http://localhost:8080/v1/chat/completions"
