"""Bytes cut anywhere become whole lines, and lines the usual events."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.feeding import CUTS, pieces
from tokenweir.stages.sse_lines import Lines, events_in, text_of

BODIES = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"a", b"\xe2\x80\xa8", b"\xc2\x85", b"\xef\xbb\xbf", b"\xef", b"\v\f"]
    )
).map(b"".join)
HALF_A_BOM = (b"\xef", b"\xef\xbb")
"""Held until a third byte tells what it is; alone it is nothing."""


@given(BODIES, CUTS)
@example(b"a\r\rb\n\n", [4])
@example(b"a\r\nb", [2])
@example(b"\n", [])
@example(b"a\r\n\n", [2, 3])
@example(b"\xef\xbb\xbf\r\n", [1, 2, 3, 4])
def test_lines_over_any_cut(body: bytes, cuts: list[int]) -> None:
    """P3, V01, V02: one leading BOM goes, CR, LF and CRLF become LF, nothing else is touched, and each
    line is given with the piece that ends it."""
    text = body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    whole, _, rest = text.rpartition(b"\n")
    lines = Lines()
    given_back = b""
    for piece in pieces(body, cuts):
        block = lines.take(piece)
        assert not block or block.endswith(b"\n")
        assert b"\n" not in lines.rest
        assert b"\r" not in lines.rest
        given_back += block

    assert given_back == (whole + b"\n" if b"\n" in text else b"")
    assert bytes(lines.rest) == (rest if body not in HALF_A_BOM else b"")


LONG = b"data: " + b"x" * 200
"""A line behind which events are found one by one; before it, by their separators."""
LINES = st.lists(
    st.sampled_from([b"data: a", b"data: bc", b"data: ", b"data:a", LONG, b"", b"", b"", b"id: 1", b": x"])
)


@pytest.mark.parametrize("first", [b"data: a", b"data: " + b"x" * 121, b"data: " + b"x" * 122, LONG])
@pytest.mark.parametrize(
    ("then", "values"),
    [
        (b"", []),
        (b"data: b\n\ndata: \n\n", [b"b", b""]),
        (b"data: b\n\n\n", None),
        (b"\ndata: b\n\n", None),
        (b"data: b\ndata: c\n\n", None),
        (b"data:b\n\n", None),
        (b"id: 1\n\n", None),
        (b"data: b\n\nevent: x\ndata: c\n\n", None),
    ],
)
def test_events_in(first: bytes, then: bytes, values: list[bytes] | None) -> None:
    """V04: each value where there is nothing but `data: X` and an empty line, and none of them where
    there is anything else; what stands behind the cut is not looked at."""
    block = first + b"\n\n" + then
    found = [] if values is None else [first[6:], *values]

    assert events_in(block, len(block)) == found
    assert events_in(block + b"id: 7\ndata: d\n", len(block)) == found


@given(LINES)
def test_events_in_any_lines(lines: list[bytes]) -> None:
    """P3: the two ways of finding events give the same, and what a pattern gives."""
    body = b"".join(line + b"\n" for line in [b"data: a", *lines, b"data: z", b""])
    block = body.replace(b"\n", b"\n\n") if b"" not in lines else body
    for text in (block, LONG + b"\n\n" + block):
        cut = text.rindex(b"\n\n") + 2
        usual = re.fullmatch(rb"(data: [^\n]*\n\n)+", text[:cut])

        assert events_in(text, cut) == (re.findall(rb"data: ([^\n]*)\n\n", text[:cut]) if usual else [])


def test_text_of() -> None:
    """V08: broken UTF-8 becomes U+FFFD, one for each byte that cannot begin a character."""
    assert text_of("é".encode() + b"\xff\xe2\x82") == "é\ufffd\ufffd"
