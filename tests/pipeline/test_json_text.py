"""Where a JSON value ends."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.json_text import Brackets, JSONText, is_json

Cuts = list[int]

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(['"', "\\", "}{", "]["])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)
CONTAINERS = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


@given(VALUES, st.booleans())
def test_whole_values_are_json(value: object, ascii_only: bool) -> None:  # noqa: FBT001 - drawn, not called
    """V03: whatever a JSON writer writes is whole; without its last byte an object or array is not."""
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    assert is_json(text)
    if isinstance(value, (dict, list)):
        assert not is_json(text[:-1])


@pytest.mark.parametrize(
    "text", [rb'{"a":"\ud83d"}', b'{"a":NaN}', b"[-Infinity]", b'{"a":"\xff"}', b'["\xff",NaN]', b" {} "]
)
def test_what_servers_send_as_json(text: bytes) -> None:
    """V08, V09, V11: half surrogates, NaN and broken UTF-8 do not make a payload unfinished."""
    assert is_json(text)


@pytest.mark.parametrize(
    "text",
    [b"", b"[DONE]", b"{", b"{}{}", b"hello", b'{"a"}', b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000],
)
def test_what_is_no_json(text: bytes) -> None:
    """V10, V11: words, halves, two values, and what nobody can read because it is too deep."""
    assert not is_json(text)


@given(CONTAINERS, st.sampled_from([None, 1, "\t"]))
def test_pretty_printed_over_lines(value: object, indent: int | str | None) -> None:
    """V24: the lines of one value are collected up to its last one, and not a line further."""
    lines = json.dumps(value, indent=indent).encode().split(b"\n")
    text = JSONText()

    assert [text.add(line) for line in lines] == [False] * (len(lines) - 1) + [True]
    assert json.loads(text.value()) == value


@given(CONTAINERS, st.lists(st.integers(0, 200), max_size=6))
def test_brackets_over_any_cut(value: object, cuts: Cuts) -> None:
    """P3: the brackets close with the last byte, wherever the text was cut: in a string, behind a
    backslash, anywhere."""
    text = json.dumps(value).encode()
    brackets = Brackets()
    edges = sorted({0, len(text) - 1, *(cut for cut in cuts if cut < len(text))})
    for begin, end in pairwise(edges):
        assert not brackets.add(text[begin:end])

    assert brackets.add(text[edges[-1] :])


def test_an_escaped_line_end() -> None:
    """V24: a backslash at the end of a line escapes the line end, not the next line's quote."""
    text = JSONText()

    assert not text.add(b'{"a": "x\\')
    assert text.add(b'"}')


def test_an_open_string_is_not_whole() -> None:
    """V24: brackets that balance inside an open string say nothing."""
    assert not Brackets().add(b'{}"{')
    assert Brackets().add(b'{}"{"')


def test_an_escape_at_a_cut() -> None:
    """P3: the quote behind it is text, though a cut stands between them, and the next quote is not."""
    brackets = Brackets()

    assert [brackets.add(piece) for piece in (b'["a\\', b"", b'"', b'"]')] == [False, False, False, True]


def test_empty_lines_inside() -> None:
    """V24: they are white space of the value, and end nothing."""
    text = JSONText()

    assert [text.add(line) for line in (b"{", b"", b"", b"}")] == [False, False, False, True]
    assert text.value() == b"{\n\n\n}"
