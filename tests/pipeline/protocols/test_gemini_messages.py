"""Messages in OpenAI's form as Gemini's contents."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.gemini_messages import messages_of

PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}


def call(call_id: str, name: str, arguments: str = "{}", **fields: Any) -> dict[str, Any]:
    """One entry of `tool_calls`."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **fields}


def contents(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The contents of messages, of which none is a system message."""
    made = messages_of(messages)
    assert made.keys() == {"contents"}
    found: list[dict[str, Any]] = made["contents"]
    return found


def signed(signature: str) -> dict[str, Any]:
    """Where Google's OpenAI face puts a signature."""
    return {"extra_content": {"google": {"thought_signature": signature}}}


def test_text_and_roles() -> None:
    """Instructions stand apart, wherever they stood; the model's role is `model`; nothing is empty."""
    found = messages_of(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, "b"]},
            {"role": "assistant", "content": "c", "reasoning_content": "Hm"},
            {"role": "developer", "content": [{"type": "text", "text": "In French."}]},
            {"role": "system", "content": ""},
            {"role": "user", "content": ""},
        ]
    )

    assert found == {
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "In French."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
            {"role": "model", "parts": [{"text": "Hm", "thought": True}, {"text": "c"}]},
            {"role": "user", "parts": [{"text": ""}]},
        ],
    }


@pytest.mark.parametrize(
    ("part", "made"),
    [
        (PNG, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
        (
            {"type": "image_url", "image_url": "https://a.example/b.png"},
            {"fileData": {"fileUri": "https://a.example/b.png"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": "aGk="}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}},
            {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
        ),
        ({"type": "refusal", "refusal": "No."}, {"text": "No."}),
    ],
)
def test_parts(part: dict[str, Any], made: dict[str, Any]) -> None:
    """Data goes inline with its type, an address as one that Gemini fetches."""
    assert contents({"role": "user", "content": [part]}) == [{"role": "user", "parts": [made]}]


def test_calls_and_their_results() -> None:
    """Arguments are an object; the results of one turn stand in one content, each with its tool's name."""
    found = contents(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [call("a", "look", '{"x":1}'), call("b", "now", "")],
        },
        {"role": "tool", "tool_call_id": "a", "content": '{"sky": "blue"}'},
        {"role": "tool", "tool_call_id": "b", "content": "noon"},
        {"role": "user", "content": "And?"},
        {"role": "tool", "name": "other", "content": "[1]"},
    )

    assert found == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "look", "args": {"x": 1}, "id": "a"}},
                {"functionCall": {"name": "now", "args": {}, "id": "b"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "look", "response": {"sky": "blue"}, "id": "a"}},
                {"functionResponse": {"name": "now", "response": {"result": "noon"}, "id": "b"}},
            ],
        },
        {"role": "user", "parts": [{"text": "And?"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "other", "response": {"result": "[1]"}}}]},
    ]


def test_an_id_that_comes_again() -> None:
    """Some backends number the calls of every turn from the start: the call before a result is meant."""
    turns: list[dict[str, Any]] = [
        {"role": "assistant", "tool_calls": [call("call_0", "look")]},
        {"role": "tool", "tool_call_id": "call_0", "content": "a"},
        {"role": "assistant", "tool_calls": [call("call_0", "now")]},
        {"role": "tool", "tool_call_id": "call_0", "content": "b"},
    ]
    answers = [part["functionResponse"] for turn in contents(*turns)[1::2] for part in turn["parts"]]

    assert [answer["name"] for answer in answers] == ["look", "now"]


def test_the_legacy_call() -> None:
    """`function_call` has no id of its own: its name stands for it."""
    found = contents(
        {"role": "assistant", "function_call": {"name": "look", "arguments": '{"x":1}'}},
        {"role": "function", "name": "look", "content": "blue"},
    )

    assert found[0]["parts"] == [{"functionCall": {"name": "look", "args": {"x": 1}, "id": "look"}}]
    assert found[1]["parts"] == [{"functionResponse": {"name": "look", "response": {"result": "blue"}}}]


def test_signatures_come_back() -> None:
    """Each beside its call, or beside the text; where there is no text, alone."""
    found = contents(
        {"role": "assistant", "content": "a", "tool_calls": [call("1", "f", **signed("s1"))], **signed("s2")},
        {"role": "assistant", "content": "", **signed("s3")},
        {"role": "assistant", "content": "b", "extra_content": {"google": {"thought_signature": 5}}},
    )

    assert [turn["parts"] for turn in found] == [
        [
            {"text": "a", "thoughtSignature": "s2"},
            {"functionCall": {"name": "f", "args": {}, "id": "1"}, "thoughtSignature": "s1"},
        ],
        [{"text": "", "thoughtSignature": "s3"}],
        [{"text": "b"}],
    ]


def test_a_refusal_is_text() -> None:
    """OpenAI's models say it beside the content."""
    assert contents({"role": "assistant", "content": None, "refusal": "No."}) == [
        {"role": "model", "parts": [{"text": "No."}]}
    ]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"role": "wizard", "content": "a"}, r"messages\[0\]\.role is 'wizard'"),
        ({"content": [{"type": "image_url", "image_url": "file:///etc/passwd"}]}, "or an address"),
        ({"content": [{"type": "image_url", "image_url": "data:;base64,aGk="}]}, "data with its type"),
        ({"content": [{"type": "image_url", "image_url": "data:image/png,aGk="}]}, r"content\[0\]: gemini"),
        ({"content": [{"type": "file", "file": {"file_id": "f1"}}]}, "parts of type text, image_url"),
        ({"content": [{"type": "input_audio", "input_audio": 5}]}, "parts of type text"),
        ({"content": [{"type": "video"}]}, "parts of type text"),
        ({"content": 5}, r"messages\[0\]\.content is 5"),
        ({"role": "system", "content": [PNG]}, "only text can stand here"),
        ({"role": "tool", "tool_call_id": "x", "content": "a"}, "answers the call 'x', which was not made"),
        ({"role": "tool", "content": "a", "name": 5}, "give the tool's name"),
        ({"role": "tool", "name": "f", "content": [PNG]}, "only text can stand here"),
        (
            {"role": "assistant", "tool_calls": [call("a", "f", "[1]")]},
            r"tool_calls\[0\]: its",
        ),
    ],
)
def test_what_gemini_cannot_take(message: dict[str, Any], told: str) -> None:
    """Refused by its place, before anything is sent."""
    with pytest.raises(MisuseError, match=told):
        messages_of([{"role": "user", **message}])
