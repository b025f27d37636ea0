"""A server of which nothing is known but its address."""

from typing import Any

import msgspec
import pytest

from tests.reader import hear
from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO, STOP, text
from tests.wire import openai_completions
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


COMPLETION = openai_completions.BODIES[0].wire
TOOL = {"type": "function", "function": {"name": "look"}}


async def test_a_prompt_can_be_completed() -> None:
    """DESIGN 5: `completions=True` asks `/completions`, streamed or not, and reads what it answers."""
    transport = ScriptedTransport(Attempt(200, COMPLETION))
    source = connect("openai-compatible", "http://host:1", completions=True, model="m", transport=transport)
    heard = await hear(Pipeline(source).stream("Once", max_tokens=9))
    [asked] = transport.requests

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
    assert asked.url == "http://host:1/v1/completions"
    assert msgspec.json.decode(asked.body) == {
        "model": "m",
        "prompt": "Once",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 9,
    }


async def test_completions_are_read_as_auto_too() -> None:
    """P4: an unknown server may resend everything here as well."""
    words = [
        "A weir",
        "A weir stands",
        "A weir stands in a stream",
        "A weir stands in a stream, and measures.",
    ]
    chunks = [*(openai_completions.chunk(word) for word in words), openai_completions.STOP]
    transport = ScriptedTransport(Attempt(200, *chunks))
    source = connect("openai-compatible", "http://host:1", completions=True, transport=transport)

    assert await Pipeline(source).text("Once") == words[-1]


@pytest.mark.parametrize("options", [{"tools": [TOOL]}, {"reasoning_effort": "low"}])
def test_a_completion_is_no_chat(options: dict[str, Any]) -> None:
    """What it cannot ask is told before anything is sent."""
    source = connect("openai-compatible", "http://host:1", completions=True, transport=ScriptedTransport())

    with pytest.raises(MisuseError, match="leave completions=True out"):
        source.open(source.request("Once", **options))
