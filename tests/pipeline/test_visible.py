"""What steers a terminal is made visible, wherever the text was cut."""

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.visible import visible

STEERS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u200e\u200f\u061c"


def steers(char: str) -> bool:
    """The definition, by what Unicode says of a character."""
    if unicodedata.category(char) == "Cc":
        return char not in "\n\t"
    return unicodedata.bidirectional(char) in STEERS or char in MARKS


def test_every_character_of_unicode() -> None:
    """P28, S08: exactly the steering characters become escapes, and no escape steers."""
    for code in range(sys.maxunicode + 1):
        shown = visible(chr(code))

        assert (shown != chr(code)) == steers(chr(code)), hex(code)
        assert not any(map(steers, shown)), hex(code)


@given(st.text(), st.text())
def test_cuts_change_nothing(head: str, tail: str) -> None:
    """P28, D08: the mapping has no state, so no chunk boundary can smuggle anything through."""
    assert visible(head) + visible(tail) == visible(head + tail)


def test_ordinary_text_is_untouched() -> None:
    """P4: letters of any script, emoji with joiners, newlines and tabs come out as they went in."""
    text = "naïve\tनमस्ते 漢字 👩\u200d👧\n\u2028soft\xadhyphen"

    assert visible(text) == text
