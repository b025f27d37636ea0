"""Messages in OpenAI's form as the turns of the Messages API."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.anthropic_messages import conversation_of

PNG = "data:image/png;base64,AAAA"
CACHED = {"cache_control": {"type": "ephemeral"}}


def call(call_id: str, name: str, arguments: object = "{}") -> dict[str, Any]:
    """A call in OpenAI's form."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def turns(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns of a conversation without a system prompt."""
    system, found = conversation_of(messages)
    assert system == ""
    return found


def text(said: str, **fields: Any) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": said, **fields}


def test_a_conversation_with_tools() -> None:
    """PROTOCOLS 6: calls are blocks, and the results of parallel calls stand in one turn, with what the
    user says after them."""
    found = turns(
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [call("a", "look", '{"at": "sky"}'), call("b", "now", None)],
        },
        {"role": "tool", "tool_call_id": "a", "content": "Blue."},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": [text("Noon"), {"type": "image_url", "image_url": PNG}],
        },
        {"role": "user", "content": "And?"},
    )
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}

    assert found == [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": [
                text("Let me look."),
                {"type": "tool_use", "id": "a", "name": "look", "input": {"at": "sky"}},
                {"type": "tool_use", "id": "b", "name": "now", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "Blue."},
                {"type": "tool_result", "tool_use_id": "b", "content": [text("Noon"), image]},
                text("And?"),
            ],
        },
    ]


def test_results_that_say_little() -> None:
    """An empty one, one that failed, and the legacy function's, whose call has its name."""
    legacy = {"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}}
    found = turns(
        {"role": "tool", "tool_call_id": "a", "content": ""},
        {"role": "tool", "tool_call_id": "b", "content": "No.", "is_error": True},
        legacy,
        {"role": "function", "name": "look", "content": "Blue."},
    )

    assert found[0]["content"] == [
        {"type": "tool_result", "tool_use_id": "a"},
        {"type": "tool_result", "tool_use_id": "b", "content": "No.", "is_error": True},
    ]
    assert found[1]["content"] == [{"type": "tool_use", "id": "look", "name": "look", "input": {}}]
    assert found[2]["content"] == [{"type": "tool_result", "tool_use_id": "look", "content": "Blue."}]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (PNG, {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
        ("data:image/webp;x=1;base64,BB", {"type": "base64", "media_type": "image/webp", "data": "BB"}),
        ("data:;base64,BB", {"type": "base64", "media_type": "image/png", "data": "BB"}),
        ("https://example.org/a.png", {"type": "url", "url": "https://example.org/a.png"}),
    ],
)
def test_images(url: str, source: dict[str, str]) -> None:
    """As data, or as an address."""
    (turn,) = turns({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]})

    assert turn["content"] == [{"type": "image", "source": source}]


def test_what_a_part_says_besides_is_kept() -> None:
    """A mark of the API's cache is no part of OpenAI's form, and is not left out in silence."""
    parts = [text("Long.", **CACHED), {"type": "image_url", "image_url": {"url": PNG}, **CACHED}]
    system, (turn,) = conversation_of(
        [{"role": "system", "content": [text("Rules.", **CACHED)]}, {"role": "user", "content": parts}]
    )

    assert system == [text("Rules.", **CACHED)]
    assert [block["cache_control"] for block in turn["content"]] == [CACHED["cache_control"]] * 2


def test_instructions_stand_apart_wherever_they_stood() -> None:
    """Developer messages are instructions too; several are several blocks; users' turns join."""
    system, found = conversation_of(
        [
            {"role": "system", "content": "One."},
            {"role": "user", "content": "a"},
            {"role": "developer", "content": "Two."},
            {"role": "user", "content": "b"},
        ]
    )

    assert system == [text("One."), text("Two.")]
    assert found == [{"role": "user", "content": [text("a"), text("b")]}]


def test_past_reasoning_goes_with_its_signature() -> None:
    """It comes before the text, as it came; what nobody signed is left out, since the API refuses it."""
    said = {"role": "assistant", "content": "Blue.", "reasoning": "Hm."}

    assert turns({**said, "signature": "c2ln"})[0]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        text("Blue."),
    ]
    assert turns(said) == [{"role": "assistant", "content": "Blue."}]


def test_blocks_of_its_own_pass_as_they_are() -> None:
    """What came as an Extra goes back as it came: redacted thinking, server tools, documents."""
    blocks = [{"type": "redacted_thinking", "data": "b3Bh"}, {"type": "document", "source": {"type": "text"}}]

    assert turns({"role": "assistant", "content": blocks})[0]["content"] == blocks


def test_a_refusal_is_what_was_said() -> None:
    """OpenAI's models say it in a field or a part of its own; here it is text."""
    parts = [{"type": "refusal", "refusal": "I will not."}]

    assert turns({"role": "assistant", "content": None, "refusal": "No."})[0]["content"] == "No."
    assert turns({"role": "assistant", "content": parts})[0]["content"] == "I will not."


def test_what_says_nothing_is_no_turn() -> None:
    """The API takes no empty turn."""
    assert turns({"role": "user", "content": ""}, {"role": "assistant", "content": "a"}) == [
        {"role": "assistant", "content": "a"}
    ]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"role": "wizard", "content": "a"}, r"messages\[0\].role is 'wizard'"),
        ({"role": "system", "content": [{"type": "image_url", "image_url": PNG}]}, "a system prompt is text"),
        ({"role": "tool", "content": "a"}, r"messages\[0\] has no tool_call_id"),
        ({"role": "tool", "name": "look", "content": "a"}, r"messages\[0\] has no tool_call_id"),
        ({"role": "assistant", "tool_calls": [call("", "look")]}, r"messages\[0\].tool_calls\[0\] has no id"),
        ({"role": "assistant", "tool_calls": [call("a", "look", "[1]")]}, "takes a JSON object"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": None}]}, "of type input_audio"),
        ({"role": "user", "content": 7}, "text, or a list of parts"),
    ],
)
def test_what_has_no_form_is_refused(message: dict[str, Any], told: str) -> None:
    """With the place at fault."""
    with pytest.raises(MisuseError, match=told):
        turns(message)
