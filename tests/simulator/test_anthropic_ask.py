"""What a request to Anthropic's own API asks for."""

from typing import Any

import msgspec
import pytest

from tokenweir.simulator.anthropic_ask import AnthropicAsk, read_anthropic_ask
from tokenweir.simulator.ask import BadAsk

LEAST: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Who are you?"}],
}
TOOLS = [{"name": "look", "input_schema": {"type": "object"}}]


def read(**fields: Any) -> AnthropicAsk:
    """The request with these fields; it must be fine."""
    asked = read_anthropic_ask(msgspec.json.encode({**LEAST, **fields}))
    assert isinstance(asked, AnthropicAsk)
    return asked


def test_it_streams_only_when_told() -> None:
    """PROTOCOLS 6: `stream` is off by default; the bound is always there."""
    assert [read().ask.stream, read(stream=False).ask.stream, read(stream=True).ask.stream] == [
        False,
        False,
        True,
    ]
    assert read().ask.limit == 9


def test_the_system_prompt_and_blocks_are_counted() -> None:
    """The same tokens as OpenAI's messages that say the same; an image counts nothing."""
    image = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    blocks = [{"type": "text", "text": "Who are "}, image, {"type": "text", "text": "you?"}]
    plain = read(system="Be brief.")
    parts = read(
        system=[{"type": "text", "text": "Be brief."}], messages=[{"role": "user", "content": blocks}]
    )

    assert parts.ask.prompt_tokens() == plain.ask.prompt_tokens() > read().ask.prompt_tokens()


@pytest.mark.parametrize("content", ["Who are you?", [{"type": "text", "text": "Who are you?"}], None])
def test_results_of_tools_are_counted(content: object) -> None:
    """Text, or blocks of text, or nothing."""
    result = {"type": "tool_result", "tool_use_id": "a", "content": content}
    found = read(messages=[{"role": "user", "content": [result]}]).ask.prompt_tokens()

    assert (found == read().ask.prompt_tokens()) == (content is not None)


def test_tools_that_may_be_called() -> None:
    """By name, unless none may be."""
    assert read(tools=TOOLS).ask.offers("look")
    assert read(tools=TOOLS, tool_choice={"type": "any"}).ask.offers("look")
    assert not read(tools=TOOLS, tool_choice={"type": "none"}).ask.offers("look")
    assert not read().ask.offers("look")


def test_thinking_can_be_switched_off() -> None:
    """It is shown unless it was."""
    kinds = ("adaptive", "enabled", "disabled")

    assert [read(thinking={"type": kind, "budget_tokens": 1024}).thinks for kind in kinds] == [
        True,
        True,
        False,
    ]
    assert read().thinks


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_tokens": msgspec.UNSET}, "max_tokens: Object missing required field"),
        ({"max_tokens": 0}, "max_tokens: Expected `int` >= 1"),
        ({"model": ""}, "model: Expected `str` of length >= 1"),
        ({"messages": []}, "messages: Expected `array` of length >= 1"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages: Invalid enum value 'tool'"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages: Expected `str | array`"),
        ({"tools": [{"description": "a"}]}, "tools: Object missing required field `name`"),
        ({"stream": "yes"}, "stream: Expected `bool | null`"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], message: str) -> None:
    """R01, R07: with the field at fault before the message."""
    whole = {name: value for name, value in {**LEAST, **fields}.items() if value is not msgspec.UNSET}
    asked = read_anthropic_ask(msgspec.json.encode(whole))

    assert isinstance(asked, BadAsk)
    assert asked.message.startswith(message)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":' * 100_000])
def test_what_is_no_json(body: bytes) -> None:
    """R01: told, not raised."""
    asked = read_anthropic_ask(body)

    assert isinstance(asked, BadAsk)
    assert asked.message.startswith("The body is not JSON that can be read")
