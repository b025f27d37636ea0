"""Bytes cut anywhere become whole lines."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.feeding import CUTS, pieces
from tokenweir.stages.sse_lines import Lines

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
