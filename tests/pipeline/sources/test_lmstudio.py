"""LM Studio: the model that is loaded answers, and its text is read as `auto`."""

import msgspec
import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO, STOP, text
from tokenweir import Pipeline, connect
from tokenweir.pipeline.deadlines import LOCAL

pytestmark = pytest.mark.anyio


async def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 5: no model needs to be named, and the token of its environment is for its own address."""
    monkeypatch.setenv("LM_API_TOKEN", "from-the-environment")
    transport = ScriptedTransport(Attempt(200, HELLO))
    await Pipeline(connect("lmstudio", transport=transport)).text("hi")
    await Pipeline(connect("lmstudio", "http://elsewhere:1234", transport=transport)).text("hi")
    own, other = transport.requests

    assert own.url == "http://localhost:1234/v1/chat/completions"
    assert msgspec.json.decode(own.body)["model"] == "local-model"
    assert (own.headers.get("Authorization"), other.headers.get("Authorization")) == (
        "Bearer from-the-environment",
        None,
    )
    assert connect("lmstudio").deadlines == LOCAL


async def test_text_that_is_sent_again() -> None:
    """P4: whole texts and new ones alike, without being told which."""
    words = [
        "A weir",
        "A weir stands",
        "A weir stands in a stream",
        "A weir stands in a stream, and measures it.",
    ]
    again = ScriptedTransport(Attempt(200, *[text(word) for word in words], STOP))
    new = ScriptedTransport(Attempt(200, *[text(word) for word in words[-1].split(" ")], STOP))

    assert (await hear(Pipeline(connect("lmstudio", transport=again)).stream("hi"))).text == words[-1]
    assert (await hear(Pipeline(connect("lmstudio", transport=new)).stream("hi"))).text == words[-1].replace(
        " ", ""
    )
