"""Text stands in strings, parts and lists of parts, and something else may stand beside it."""

from typing import Any

import pytest

from tokenweir.pipeline.protocols.openai_chat_parts import beside_text, details_beside, refusal_of, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (["a", {"text": "b"}, {"thinking": [{"text": "c"}]}, 5, None], "abc"),
        ({"summary": "s"}, "s"),
        ({"text": 5}, ""),
        ({"text": None, "thinking": "t"}, "t"),
        (None, ""),
        (7, ""),
    ],
)
def test_text_of(value: object, text: str) -> None:
    """PROTOCOLS 2.1, 2.3: text stands in strings, lists of parts, and parts."""
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("a", None),
        (None, None),
        ([], None),
        (7, 7),
        ({"type": "text", "text": "a"}, None),
        ({"type": "text", "text": "", "x": None, "y": []}, None),
        ({"type": "text", "text": "a", "x": 0}, {"type": "text", "x": 0}),
        ({"type": "image", "url": "u"}, {"type": "image", "url": "u"}),
        ({"thinking": [{"text": "a", "x": 1}, "b"]}, {"type": None, "thinking": [{"type": None, "x": 1}]}),
        ({"text": "a", "summary": "s"}, {"type": None, "summary": "s"}),
        ([{"text": "a"}, 5, {"type": "t", "text": "b", "x": 1}], [5, {"type": "t", "x": 1}]),
    ],
)
def test_beside_text(value: object, left: object) -> None:
    """DESIGN 3: whatever is not the text is left, in the form that it came in."""
    assert beside_text(value) == left


@pytest.mark.parametrize(
    ("detail", "text", "kept"),
    [
        ({"type": "reasoning.text", "text": "a", "index": 0, "format": None, "id": "r"}, "a", False),
        ({"type": "reasoning.text", "text": "a", "signature": None}, "a", False),
        ({"type": "reasoning.text", "text": "a", "signature": "s"}, "a", True),
        ({"type": "reasoning.summary", "summary": "a"}, "a", False),
        ({"type": "reasoning.encrypted", "data": "e"}, "a", True),
        ({"type": "reasoning.text", "text": "a"}, "", True),
        ("a", "a", False),
        (5, "a", True),
    ],
)
def test_details_beside(detail: object, text: str, kept: bool) -> None:  # noqa: FBT001 - a table, not called
    """PROTOCOLS 2.3: what only repeats the reasoning beside it is not kept; all of it is, alone."""
    assert details_beside([detail], text) == ([detail] if kept else [])


@pytest.mark.parametrize("details", [None, {}, "x", []])
def test_no_details(details: object) -> None:
    """V12: what is no list has no details."""
    assert details_beside(details, "") == []


def test_refusal_of() -> None:
    """PROTOCOLS 2.1: a part that is a refusal."""
    parts: list[Any] = [{"type": "refusal", "refusal": "No"}, {"refusal": 5}, "No", None]

    assert [refusal_of(part) for part in parts] == ["No", "", "", ""]
