"""A server of which nothing is known but its address."""

import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO, STOP, text
from tokenweir import Pipeline, connect
from tokenweir.pipeline.errors import MisuseError

pytestmark = pytest.mark.anyio


def test_the_address_is_needed() -> None:
    """DESIGN 5: there is none to guess."""
    with pytest.raises(MisuseError, match="base_url='' for openai-compatible: give an address like"):
        connect("openai-compatible")


async def test_no_key_of_anybody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """P25: no variable of the environment is for an unknown server."""
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-you")
    transport = ScriptedTransport(Attempt(200, HELLO))
    await Pipeline(connect("openai-compatible", "http://host:1", transport=transport)).text("hi")

    assert "Authorization" not in transport.requests[0].headers


async def test_both_kinds_of_text() -> None:
    """P4: a wrapper that sends everything again is found out."""
    words = [
        "A weir",
        "A weir stands",
        "A weir stands in a stream",
        "A weir stands in a stream, and measures it.",
    ]
    transport = ScriptedTransport(Attempt(200, *[text(word) for word in words], STOP))
    heard = await hear(
        Pipeline(connect("openai-compatible", "http://host:1", transport=transport)).stream("hi")
    )

    assert heard.text == words[-1]
    assert heard.end.stats.amplification > 1.5
