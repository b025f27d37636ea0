"""Messages in the chat API's form as input items."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.openai_responses_input import input_of

USER: dict[str, Any] = {"role": "user", "content": "Hi"}
PIXEL = "data:image/png;base64,AA=="


def items(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The items of messages that follow a user's."""
    return input_of([USER, *messages])[1][1:]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_first_system_message_is_the_instructions(role: str) -> None:
    """If it is text, something follows it, and the caller gave no others."""
    system = {"role": role, "content": "Be brief."}
    listed = {"role": role, "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": " brief."}]}
    parts = [{"type": "input_text", "text": "Be"}, {"type": "input_text", "text": " brief."}]

    assert input_of([system, USER]) == ("Be brief.", [USER])
    assert input_of([system, USER], "Own.") == ("Own.", [system, USER])
    assert input_of([system]) == (None, [system])
    assert input_of([USER, system]) == (None, [USER, system])
    assert input_of([listed, USER]) == (None, [{"role": role, "content": parts}, USER])


def test_parts_of_a_user() -> None:
    """Text, images with the detail asked for, files; an input in this API's own form passes."""
    own = {"type": "input_image", "file_id": "file-1", "detail": "low"}
    content = [
        {"type": "text", "text": "See:", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "high"}},
        {"type": "image_url", "image_url": "https://example.org/a.png"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "AA=="}},
        own,
    ]

    assert items({"role": "user", "content": content})[0]["content"] == [
        {"type": "input_text", "text": "See:", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_image", "image_url": PIXEL, "detail": "high"},
        {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "AA=="},
        own,
    ]
    assert items({"role": "user", "content": ""}) == [{"role": "user", "content": ""}]


def test_an_assistant_says_thinks_and_calls() -> None:
    """Reasoning before the text, calls behind it, each an item."""
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    message = {
        "role": "assistant",
        "reasoning_content": "Hm.",
        "content": [{"type": "text", "text": "A"}, {"type": "output_text", "text": "B"}],
        "tool_calls": [call, {"id": "b", "function": {"name": "g"}}],
        "phase": "commentary",
    }

    assert items(message) == [
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
        {"role": "assistant", "content": "AB", "phase": "commentary"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x":1}'},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
    ]


def test_items_of_this_api_go_as_they_are() -> None:
    """Encrypted reasoning is sent back whole, in its place, and the text of it is not sent beside it."""
    thought: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "AA"}
    content = [{"type": "text", "text": "A"}, thought, {"type": "text", "text": "B"}]

    assert items({"role": "assistant", "content": content, "reasoning": "Hm."}) == [
        {"role": "assistant", "content": "A"},
        thought,
        {"role": "assistant", "content": "B"},
    ]


def test_a_refusal() -> None:
    """It stands in a list, beside the text."""
    refused = {"type": "refusal", "refusal": "No."}
    said = {"type": "output_text", "text": "A"}

    for message in ({"content": "A", "refusal": "No."}, {"content": [said, refused]}):
        assert items({"role": "assistant", **message}) == [
            {"type": "message", "role": "assistant", "content": [said, refused]}
        ]


def test_results_of_calls() -> None:
    """Each names its call; that of a custom tool has a form of its own, and the old form has a name."""
    custom = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    legacy = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    found = items(
        {"role": "assistant", "content": None, "tool_calls": [custom]},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
        {"role": "tool", "tool_call_id": "d", "content": [{"type": "image_url", "image_url": PIXEL}]},
        legacy,
        {"role": "function", "name": "f", "content": "2"},
    )

    assert found == [
        {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "1"},
        {
            "type": "function_call_output",
            "call_id": "d",
            "output": [{"type": "input_image", "image_url": PIXEL, "detail": "auto"}],
        },
        {"type": "function_call", "call_id": "f", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "f", "output": "2"},
    ]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"role": "wizard", "content": "Hi"}, r"messages\[1\] has the role 'wizard'"),
        (
            {"role": "user", "content": [{"type": "input_audio"}]},
            r"\[1\]\.content\[0\] .*input_audio",
        ),
        (
            {"role": "assistant", "content": [{"type": "image_url", "image_url": PIXEL}]},
            r"messages\[1\]\.content\[0\] .*image_url",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]},
            r"messages\[1\]\.tool_calls\[0\] has no id",
        ),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, r"tool_calls\[0\] has no name"),
        ({"role": "tool", "content": "1"}, r"messages\[1\] has no tool_call_id"),
    ],
)
def test_what_has_no_form_is_refused(message: dict[str, Any], told: str) -> None:
    """With its place, before anything is sent."""
    with pytest.raises(MisuseError, match=told):
        items(message)
