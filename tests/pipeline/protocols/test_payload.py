"""JSON is read as servers really send it, and written down in valid Unicode."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.protocols.payload import as_raw, read_payload, shown

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(VALUES, st.booleans())
def test_ordinary_json(value: object, ascii_only: bool) -> None:  # noqa: FBT001 - drawn, not called
    """V10: what a JSON writer writes is read back, and written down again without a change."""
    text = json.dumps(value, ensure_ascii=ascii_only)

    assert read_payload(text.encode()) == value
    assert json.loads(bytes(as_raw(value))) == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"[NaN,Infinity,-Infinity,1e999,-1e999,1e-999]", [None, None, None, None, None, 0.0]),
        (b'"a\xffb\xe2\x82"', "a\ufffdb\ufffd"),
        (b'"\\ud83d"', "\ud83d"),
        (b'["\\ud83d\\ude00",NaN]', ["\U0001f600", None]),
        (b"9" * 400, int("9" * 400)),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":"\\ude00","a":2}', {"a": 2}),
    ],
)
def test_what_other_readers_refuse(data: bytes, value: object) -> None:
    """V08, V09, V11: broken UTF-8, half surrogates, NaN and numbers without bounds are read."""
    assert read_payload(data) == value


@pytest.mark.parametrize(
    "data", [b"", b"{", b"{}{}", b"[1,]", b"'a'", b"9" * 5000, b"[" * 100_000, b'["\xff",' + b"[" * 9000]
)
def test_what_cannot_be_read(data: bytes) -> None:
    """V10, V11: everything else is a ValueError, nesting without end too."""
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the JSON reader's own
        read_payload(data)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'["\xff",' + b"[" * 100_000])
def test_nesting_is_named(data: bytes) -> None:
    """V11: the message says why it cannot be read, by either reader."""
    with pytest.raises(ValueError, match=r"^nested too deeply$"):
        read_payload(data)


@given(st.text(alphabet=st.sampled_from('a\ud83d\ude00é"\\'), max_size=6))
def test_raw_json_is_valid(text: str) -> None:
    """P5, V09: raw JSON is valid Unicode and valid JSON, whatever halves stood in it."""
    data = bytes(as_raw({text: [text]}))
    value: Any = msgspec.json.decode(data)

    assert list(value) == value[next(iter(value))]


def test_shown() -> None:
    """P28: what is shown of a payload is short and cannot steer a terminal."""
    assert shown(b"a\x1b[2J\n\xff") == r"a\x1b[2J\n\ufffd"
    assert len(shown(b"x" * 10_000)) == 200
