"""Messages in OpenAI's form as Ollama takes them."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.ollama_messages import messages_of

PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "the sky"}'}}


def test_text_images_and_reasoning() -> None:
    """Parts are one string, images stand beside it, reasoning is `thinking`."""
    parts = [{"type": "text", "text": "What "}, PNG, "is ", {"type": "text", "text": "this?"}]

    assert messages_of(
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": parts, "name": "somebody"},
            {"role": "assistant", "content": None, "reasoning_content": "Hm"},
            {"role": "user", "content": "And?", "images": ["aGk="]},
            {"role": "user", "content": ({"type": "image_url", "image_url": "data:image/png;base64,eA=="},)},
        ]
    ) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is this?", "images": ["aGk="]},
        {"role": "assistant", "content": "", "thinking": "Hm"},
        {"role": "user", "content": "And?", "images": ["aGk="]},
        {"role": "user", "content": "", "images": ["eA=="]},
    ]


def test_calls_and_their_results() -> None:
    """Arguments are an object; a result names the tool of the call that it answers."""
    found = messages_of(
        [
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "blue"},
            {"role": "tool", "name": "other", "content": "x"},
            {"role": "function", "name": "old", "content": "y"},
        ]
    )

    assert found == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": {"at": "the sky"}}}],
        },
        {"role": "tool", "content": "blue", "tool_call_id": "c1", "tool_name": "look"},
        {"role": "tool", "content": "x", "tool_name": "other"},
        {"role": "tool", "content": "y", "tool_name": "old"},
    ]


@pytest.mark.parametrize("arguments", ["", "{}", {}])
def test_a_call_without_arguments_has_an_empty_object(arguments: Any) -> None:
    """And one without an id has none."""
    call = {"function": {"name": "now", "arguments": arguments}}
    (found,) = messages_of([{"role": "assistant", "tool_calls": [call]}])

    assert found["tool_calls"] == [{"function": {"name": "now", "arguments": {}}}]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]}, "not as an address"),
        ({"content": [{"type": "image_url"}]}, r"messages\[0\]\.content\[0\]: ollama takes images as data"),
        ({"content": [{"type": "input_audio"}]}, "parts of type text and image_url"),
        ({"content": 5}, r"messages\[0\]\.content is 5"),
        ({"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}, r"tool_calls\[0\]: its arguments"),
        ({"tool_calls": [{"function": {"name": "f", "arguments": "[]"}}]}, "takes a JSON object"),
        ({"tool_calls": [{"function": {"name": "f"}}]}, "its arguments are None"),
    ],
)
def test_what_ollama_cannot_take(message: dict[str, Any], told: str) -> None:
    """Refused by its place, before anything is sent."""
    with pytest.raises(MisuseError, match=told):
        messages_of([{"role": "user", **message}])
