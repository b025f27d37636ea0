"""A request becomes the body of `/v1/chat/completions`."""

from typing import Any

import pytest

from tokenweir.pipeline.protocols.openai_chat import PATH, body
from tokenweir.pipeline.request import Request

MESSAGES: tuple[dict[str, Any], ...] = ({"role": "user", "content": "Hi"},)


def test_a_streaming_request() -> None:
    """PROTOCOLS 2.1: a stream is asked for its usage, since most servers tell it only then."""
    assert body(Request(MESSAGES, "m")) == {
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "model": "m",
    }
    assert PATH == "/chat/completions"


def test_a_request_for_the_whole_answer() -> None:
    """PROTOCOLS 2.1: strict servers refuse stream options where nothing is streamed."""
    made = body(Request(MESSAGES, "m", stream=False), stream_options={"x": 1})

    assert made["stream"] is False
    assert "stream_options" not in made


def test_no_model() -> None:
    """PROTOCOLS 3.1: a server with one model needs no name; null would be refused."""
    assert "model" not in body(Request(MESSAGES))


@pytest.mark.parametrize(
    ("options", "key", "value"),
    [
        ({"temperature": 0}, "temperature", 0),
        ({"max_tokens": 5}, "max_tokens", 5),
        ({"max_completion_tokens": 5}, "max_completion_tokens", 5),
        ({"stream_options": {"include_usage": False}}, "stream_options", {"include_usage": False}),
        (
            {"stream_options": {"include_obfuscation": False}},
            "stream_options",
            {"include_usage": True, "include_obfuscation": False},
        ),
        ({"stream_options": "wrong"}, "stream_options", "wrong"),
        ({"model": "other"}, "model", "other"),
        ({"tools": [{"type": "function"}]}, "tools", [{"type": "function"}]),
    ],
)
def test_the_callers_options_win(options: dict[str, Any], key: str, value: object) -> None:
    """DESIGN 5: what the caller gives is sent as it is, over what is added here."""
    assert body(Request(MESSAGES, "m", options=options))[key] == value


def test_no_stream_options() -> None:
    """PROTOCOLS 3.1: strict servers refuse names that they do not know: null leaves this one out."""
    assert "stream_options" not in body(Request(MESSAGES, "m", options={"stream_options": None}))


def test_messages_pass_as_they_are() -> None:
    """DESIGN 5: the neutral form is this wire's own: images, calls, results and whatever else is in a
    message are sent unchanged."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages: tuple[dict[str, Any], ...] = (
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}],
        },
        {"role": "assistant", "content": None, "reasoning_content": "Hm", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "2"},
    )

    assert body(Request(messages, "m"))["messages"] == list(messages)


def test_options_of_the_source() -> None:
    """PROTOCOLS 5.3: a source may ask for more in the stream's options."""
    made = body(Request(MESSAGES, "m"), stream_options={"continuous_usage_stats": True})

    assert made["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}


def test_the_request_is_not_changed() -> None:
    """A request may be sent again: making its body changes nothing of it."""
    request = Request(MESSAGES, "m", options={"temperature": 0})
    body(request)["messages"].append({"role": "system"})

    assert request.messages == MESSAGES
    assert dict(request.options) == {"temperature": 0}
