"""The neutral messages: what any wire reads of them."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.messages import (
    Call,
    Image,
    Other,
    Text,
    arguments_of,
    calls_of,
    image_at,
    parts_of,
    reasoning_of,
    text_of,
)

WHERE = "messages[2]"


def user(content: Any) -> dict[str, Any]:
    """A message with this content."""
    return {"role": "user", "content": content}


@pytest.mark.parametrize("content", [None, "", [], (), [""], [{"type": "text", "text": ""}]])
def test_nothing_is_no_part(content: Any) -> None:
    """However it is written."""
    assert parts_of(user(content), WHERE) == []
    assert parts_of({"role": "assistant"}, WHERE) == []
    assert text_of(user(content), WHERE) == ""


def test_parts_in_their_order() -> None:
    """Text under any of OpenAI's types, images by address or data, and what is neither as it is."""
    audio = {"type": "input_audio", "input_audio": {"data": "aGk="}}
    content = (
        "a",
        {"type": "text", "text": "b"},
        {"type": "input_text", "text": "c"},
        {"type": "output_text", "text": "d"},
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
        {"type": "image_url", "image_url": "data:image/png;base64,aGk="},
        audio,
    )

    assert parts_of(user(content), WHERE) == [
        *(Text(text) for text in "abcd"),
        Image("https://a.example/b.png"),
        Image("data:image/png;base64,aGk=", "image/png", "aGk="),
        Other("input_audio", audio),
    ]


def test_what_stands_beside_a_part() -> None:
    """It is kept for the wires that know it."""
    mark = {"cache_control": {"type": "ephemeral"}}
    content = [
        {"type": "text", "text": "a", **mark},
        {"type": "image_url", "image_url": {"url": "https://a.example/b", "detail": "low"}, **mark},
    ]

    assert [part.beside for part in parts_of(user(content), WHERE) if not isinstance(part, Other)] == [
        mark,
        mark,
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (5, r"messages\[2\]\.content is 5: text, or a list of parts"),
        ({"type": "text"}, r"messages\[2\]\.content is \{"),
        ([5], r"messages\[2\]\.content\[0\] is 5"),
        (["a", {"text": "b"}], r"messages\[2\]\.content\[1\] is \{"),
        ([{"type": "image_url"}], r"content\[0\] is .*a part is"),
        ([{"type": "image_url", "image_url": {"url": 5}}], r"content\[0\] is"),
        ([{"type": 5}], r"content\[0\] is"),
    ],
)
def test_what_is_no_content(content: Any, told: str) -> None:
    """Told by its place."""
    with pytest.raises(MisuseError, match=told):
        parts_of(user(content), WHERE)


def test_text_alone() -> None:
    """Joined with nothing between; a part of another kind is refused by its place and its type."""
    assert text_of(user(["a", {"type": "text", "text": "b"}]), WHERE) == "ab"
    for part, kind in (
        ({"type": "image_url", "image_url": "https://a.example/b"}, "image_url"),
        ({"type": "file", "file": 5}, "file"),
    ):
        with pytest.raises(MisuseError, match=rf"messages\[2\]\.content\[1\] is of type {kind}: only text"):
            text_of(user(["a", part]), WHERE)


@pytest.mark.parametrize(
    ("url", "media_type", "data"),
    [
        ("data:image/png;base64,aGk=", "image/png", "aGk="),
        ("data:image/svg+xml;charset=utf-8;base64,aGk=", "image/svg+xml", "aGk="),
        ("data:;base64,aGk=", None, "aGk="),
        ("data:image/png;base64,", "image/png", ""),
        ("data:image/png,aGk=", None, None),
        ("data:image/png;base64", None, None),
        ("https://a.example/x;base64,y", None, None),
    ],
)
def test_images(url: str, media_type: str | None, data: str | None) -> None:
    """Only base64 data is read; anything else is an address, and the wire says what it thinks of it."""
    assert image_at(url) == Image(url, media_type, data)


def test_calls() -> None:
    """Arguments are text, whatever they were; the legacy call counts where there are no others."""
    function = {"name": "f", "arguments": '{"a":1}'}
    listed = [{"id": "1", "function": function}, {"function": {"name": "g", "arguments": {"b": 2}}}, 5]

    assert calls_of({"tool_calls": listed}) == [
        Call("1", "f", '{"a":1}'),
        Call("", "g", '{"b":2}'),
        Call("", "", "{}"),
    ]
    assert calls_of({"function_call": function}) == [Call("f", "f", '{"a":1}')]
    assert calls_of({"function_call": function, "tool_calls": listed[:1]}) == [Call("1", "f", '{"a":1}')]
    assert calls_of({"tool_calls": None, "function_call": None}) == []


def test_arguments() -> None:
    """An object, and none at all is an empty one."""
    assert arguments_of(Call("1", "f", '{"a": [1]}'), WHERE) == {"a": [1]}
    assert arguments_of(Call("1", "f", ""), WHERE) == {}


@pytest.mark.parametrize("arguments", ["{", "[1]", "5", "null", "\ud83d", '{"a":' * 100_000])
def test_arguments_that_are_no_object(arguments: str) -> None:
    """V11: told by the call's place, at any depth."""
    with pytest.raises(
        MisuseError, match=r"messages\[2\]\.tool_calls\[0\]: its arguments are .* a JSON object"
    ):
        arguments_of(Call("1", "f", arguments), "messages[2].tool_calls[0]")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning(name: str) -> None:
    """Under any of its usual names, where it is text."""
    assert reasoning_of({name: "Hm"}) == "Hm"
    assert reasoning_of({name: ["Hm"]}) == ""
    assert reasoning_of({}) == ""
