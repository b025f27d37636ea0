"""Halves of surrogate pairs become whole characters, across any number of deltas."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import CUTS, pieces
from tokenweir.pipeline.protocols.unicode_halves import Halves, whole

UNITS = st.lists(
    st.sampled_from(["\ud83d", "\ude00", "\udbff", "\udc00", "a", "é", "\ufeff", "😀", "\ufffd"])
)
"""Text in pieces of one UTF-16 unit or one character."""


def by_hand(text: str) -> str:
    """The pairs joined and the lone halves replaced, by the definition of UTF-16."""
    joined = re.sub(
        "([\ud800-\udbff])([\udc00-\udfff])",
        lambda pair: chr(0x10000 + (ord(pair[1]) - 0xD800) * 0x400 + ord(pair[2]) - 0xDC00),
        text,
    )
    return re.sub("[\ud800-\udfff]", "\ufffd", joined)


@given(UNITS)
def test_whole(units: list[str]) -> None:
    """P5, V09: pairs are joined, lone halves are U+FFFD, everything else stays, U+FEFF too."""
    assert whole("".join(units)) == by_hand("".join(units))


@given(UNITS, CUTS)
def test_any_cut(units: list[str], cuts: list[int]) -> None:
    """V09: text cut anywhere comes out as if it had come at once; what is given is always valid, and
    at most one half is held."""
    halves = Halves()
    out: list[str] = []
    for piece in pieces(units, cuts):
        out.append(halves.mend("key", "".join(piece)))
        assert out[-1] == out[-1].encode().decode()
    out += [text for _, text in halves.flush()]

    assert "".join(out) == by_hand("".join(units))
    assert not halves


def test_keys_stand_apart() -> None:
    """V09: the halves of two channels are never joined, in whatever order they come."""
    halves = Halves()
    told = [
        halves.mend((0, "text"), "a\ud83d"),
        halves.mend((1, "text"), "b\ud83d"),
        halves.mend((0, "reasoning"), "\ude00"),
        halves.mend((0, "text"), "\ude00c"),
        halves.mend((1, "text"), "d"),
    ]

    assert told == ["a", "b", "\ufffd", "😀c", "\ufffdd"]
    assert not halves


def test_some_may_end_before_others() -> None:
    """V09: what one choice still holds when it ends is given then; the other choices go on."""
    halves = Halves()
    for key in (0, 1, 2):
        halves.mend((key, "text"), "\ud83d")

    assert halves.flush(lambda key: key == (1, "text")) == [((1, "text"), "\ufffd")]
    assert halves.flush() == [((0, "text"), "\ufffd"), ((2, "text"), "\ufffd")]
    assert (halves.flush(), bool(halves)) == ([], False)


@given(st.text())
def test_valid_text_is_untouched(text: str) -> None:
    """P4: what is valid already comes out as it went in, at once."""
    halves = Halves()

    assert halves.mend(0, text) == text
    assert not halves
