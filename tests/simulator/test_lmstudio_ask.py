"""What a request to LM Studio's REST v1 asks for."""

from typing import Any

import msgspec
import pytest

from tokenweir.simulator.ask import BadAsk
from tokenweir.simulator.lmstudio_ask import LMStudioAsk, read_lmstudio_ask


def read(**fields: Any) -> LMStudioAsk:
    """The request with these fields; it must be fine."""
    asked = read_lmstudio_ask(msgspec.json.encode({"model": "m", "input": "Who are you?", **fields}))
    assert isinstance(asked, LMStudioAsk)
    return asked


def test_it_streams_where_it_is_asked_to() -> None:
    """PROTOCOLS 3.3: unlike Ollama's."""
    assert [read(stream=stream).ask.stream for stream in (None, False, True)] == [False, False, True]


def test_the_input_is_text_or_items() -> None:
    """The same tokens, however it is written; an image counts nothing."""
    items = [
        {"type": "message", "content": "Who are you?"},
        {"type": "image", "data_url": "data:image/png;base64,AA"},
    ]
    plain, listed = read(system_prompt="Brief."), read(system_prompt="Brief.", input=items[:1])

    assert plain.ask.prompt_tokens() == listed.ask.prompt_tokens()
    assert [message.role for message in read(system_prompt="Brief.", input=items).ask.messages] == [
        "system",
        "user",
        "user",
    ]
    assert read(input=[{"type": "text", "content": "Hi"}]).ask.messages[0].content == "Hi"


def test_options() -> None:
    """The bound, reasoning switched off, and an answer that is not stored."""
    asked = read(max_output_tokens=5, reasoning="off", store=False, context_length=512)

    assert (asked.ask.limit, asked.thinks, asked.stored) == (5, False, False)
    assert (read().ask.limit, read().thinks, read(reasoning="high").thinks, read().stored) == (
        None,
        True,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        (b"{", "The body is not JSON", None),
        (b"\xff", "The body is not JSON", None),
        (b'{"input":"a"}', "Object missing required field `model`", "model"),
        (b'{"model":"","input":"a"}', "Expected `str` of length >= 1", "model"),
        (b'{"model":"m","input":[]}', "Expected `array` of length >= 1", "input"),
        (b'{"model":"m","input":[{"type":"audio"}]}', "Invalid enum value 'audio'", "input"),
        (b'{"model":"m","input":"a","max_output_tokens":0}', "Expected `int` >= 1", "max_output_tokens"),
        (b'{"model":"m","input":"a","reasoning":"very"}', "Invalid enum value 'very'", "reasoning"),
        (
            b'{"model":"m","input":[{"type":"image","data_url":"https://example.org/a.png"}]}',
            "An image is given as data",
            "input",
        ),
    ],
)
def test_what_is_refused(body: bytes, message: str, param: str | None) -> None:
    """R01, R07: with the field at fault."""
    asked = read_lmstudio_ask(body)

    assert isinstance(asked, BadAsk)
    assert asked.message.startswith(message)
    assert asked.param == param
