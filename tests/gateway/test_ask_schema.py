"""Types and bounds of OpenAI's fields."""

from typing import Any

import pytest

from tokenweir.gateway.ask_schema import Chat, read
from tokenweir.gateway.refused import Refused

HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]


def refusal(**fields: Any) -> Refused:
    """Why a chat with these fields is refused."""
    with pytest.raises(Refused) as refused:
        read({"messages": HI, **fields}, Chat)
    assert refused.value.status == 400
    return refused.value


GOOD: list[tuple[str, list[Any]]] = [
    ("model", ["m", "a/b:c", "m" * 512, None]),
    ("stream", [True, False, None]),
    ("stream_options", [{}, {"include_usage": True}, {"include_usage": None}, {"new": 1}, None]),
    ("n", [1, 10**9, None]),
    ("max_tokens", [1, 2**31 - 1, None]),
    ("max_completion_tokens", [1]),
    ("temperature", [0, 0.7, 2, 2.0, None]),
    ("top_p", [0, 1, 0.5]),
    ("presence_penalty", [-2, 2, 0.1]),
    ("frequency_penalty", [-2, 2]),
    ("stop", ["", "a", [], ["a"] * 16, None]),
    ("seed", [-(2**63), 0, 2**63 - 1]),
    ("logit_bias", [{}, {"50256": -100}, {"1": 0.5}]),
    ("logprobs", [True, False]),
    ("top_logprobs", [0, 20]),
    ("tools", [[], [{"type": "function"}]]),
    ("tool_choice", ["auto", {"type": "function"}]),
    ("response_format", [{"type": "json_object"}, {"type": "new", "x": 1}]),
    ("modalities", [["text"]]),
    ("nobody_knows", [1, "a", [], {}]),
]
BAD: list[tuple[str, list[Any]]] = [
    ("model", [1, ["m"], {}, "", True, "m" * 513]),
    ("stream", ["yes", "true", 1, 0, [], {}]),
    ("stream_options", [True, "include_usage", [], {"include_usage": "yes"}, {"include_usage": 1}]),
    ("n", [0, -1, 1.5, 2.0, "1", True]),
    ("max_tokens", [0, -1, 2**31, 10**30, 1.0, 1e9, "x", "1", True, []]),
    ("max_completion_tokens", [0, -1, 2**31, "x"]),
    ("temperature", [-0.1, 2.1, "0.7", True, [], float("nan"), float("inf")]),
    ("top_p", [-0.1, 1.1, "1"]),
    ("presence_penalty", [-2.1, 2.1, "1"]),
    ("frequency_penalty", [-2.1, 2.1]),
    ("stop", [1, ["a"] * 17, [1], {}, True]),
    ("seed", [0.5, "1", 2**63, -(2**63) - 1, 10**30]),
    ("logit_bias", [[], "x", {"1": "a"}]),
    ("logprobs", [1, "true"]),
    ("top_logprobs", [-1, 21, 1.5, True]),
    ("tools", [{}, "x", [1], ["x"], [[]]]),
    ("tool_choice", [1, [], True]),
    ("response_format", ["json", [], {}, {"type": 1}, {"type": ""}]),
    ("modalities", ["text", [1]]),
    ("messages", [[], {}, "Hi", None, ["Hi"], [1], [None], [[]]]),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD for value in values])
def test_what_is_taken(name: str, value: Any) -> None:
    """R06, R07: every type that OpenAI's API has for it, and both ends of its range."""
    assert read({"messages": HI, name: value}, Chat).messages[0].role == "user"


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD for value in values])
def test_what_is_not(name: str, value: Any) -> None:
    """R06, R07: 400 that names the field and says what it should be."""
    refused = refusal(**{name: value})

    assert refused.param is not None
    assert refused.param.startswith(name)
    assert str(refused).startswith(f"{refused.param}: ")


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": "Be brief"},
        {"role": "developer", "content": "Be brief"},
        {"role": "user", "content": ""},
        {"role": "user", "content": []},
        {"role": "user", "content": [{"type": "text", "text": ""}], "name": "me"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": "https://example.org/a.png"}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
        {"role": "user", "content": [{"type": "new", "anything": 1}]},
        {"role": "assistant", "content": "Hi", "tool_calls": None},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "assistant", "tool_calls": [{"id": "1"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f"}},
        {"role": "assistant", "content": None, "refusal": "No"},
        {"role": "tool", "content": "3", "tool_call_id": "1"},
        {"role": "function", "content": "3", "name": "f"},
    ],
)
def test_messages_that_are_taken(message: dict[str, Any]) -> None:
    """Of every role, with every content that OpenAI's API knows."""
    assert read({"messages": [message]}, Chat).messages[0].role == message["role"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "messages[1].role"),
    ({"content": "Hi"}, "messages[1].role"),
    ({"role": "robot", "content": "Hi"}, "messages[1].role"),
    ({"role": 1, "content": "Hi"}, "messages[1].role"),
    ({"role": "user"}, "messages[1]"),
    ({"role": "user", "content": None}, "messages[1]"),
    ({"role": "user", "content": 1}, "messages[1].content"),
    ({"role": "user", "content": {}}, "messages[1].content"),
    ({"role": "user", "content": ["Hi"]}, "messages[1].content[0]"),
    ({"role": "user", "content": [{}]}, "messages[1].content[0].type"),
    ({"role": "user", "content": [{"type": 1}]}, "messages[1].content[0].type"),
    ({"role": "user", "content": [{"type": "text"}]}, "messages[1].content[0]"),
    ({"role": "user", "content": [{"type": "text", "text": 1}]}, "messages[1].content[0].text"),
    ({"role": "user", "content": [{"type": "image_url"}]}, "messages[1].content[0]"),
    ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, "messages[1].content[0]"),
    ({"role": "user", "content": [{"type": "file", "file": "x"}]}, "messages[1].content[0].file"),
    ({"role": "assistant", "content": None}, "messages[1]"),
    ({"role": "assistant", "content": None, "tool_calls": []}, "messages[1]"),
    ({"role": "assistant", "content": None, "tool_calls": "x"}, "messages[1].tool_calls"),
    ({"role": "tool", "content": "3"}, "messages[1]"),
    ({"role": "tool", "content": "3", "tool_call_id": 1}, "messages[1].tool_call_id"),
    ({"role": "tool", "content": None, "tool_call_id": "1"}, "messages[1]"),
]


@pytest.mark.parametrize(("message", "param"), WRONG)
def test_messages_that_are_not(message: dict[str, Any], param: str) -> None:
    """R07: 400 that names the place."""
    assert refusal(messages=[*HI, message]).param == param


def test_messages_there_must_be() -> None:
    """Named, as they are missing."""
    with pytest.raises(Refused) as refused:
        read({}, Chat)
    assert refused.value.param == "messages"
