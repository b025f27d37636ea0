"""What a reader sees as one character stays one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.stages.text_cuts import cut_after, cut_before, may_cut, piece_end

WHOLE = [
    "e\u0301",  # a combining accent
    "\r\n",
    "\U0001f469\u200d\U0001f680",  # an astronaut: woman, joiner, rocket
    "\U0001f44d\U0001f3fd",  # a thumb and its skin
    "❤\ufe0f",  # a variation selector
    "\U0001f1e9\U0001f1ea",  # a flag
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # a flag made of tags
    "क्ष",  # a conjunct
    "\u1112\u1161\u11ab",  # a Hangul syllable in parts
    "\ud83d\ude42",  # two halves of a surrogate pair
    "ｶﾞ",  # a halfwidth voiced sound
]


@pytest.mark.parametrize("whole", WHOLE, ids=ascii)
def test_no_cut_inside(whole: str) -> None:
    """Not at any place of it, wherever it stands."""
    text = f"a{whole}{whole}b"
    allowed = [at for at in range(len(text) + 1) if may_cut(text, at)]

    assert allowed == [0, 1, 1 + len(whole), 1 + 2 * len(whole), len(text)]


def test_flags_go_in_pairs() -> None:
    """Which two letters make a flag depends on where their row begins."""
    text = "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7x"

    assert [at for at in range(6) if may_cut(text, at)] == [0, 2, 4, 5]


@given(st.text("ab \n漢e\u0301🇩🇪👩\u200d🚀क्ष", max_size=30), st.integers(0, 35))
def test_before_and_after(text: str, at: int) -> None:
    """Both give places that may be cut, the nearest ones."""
    before, after = cut_before(text, at), cut_after(text, at)

    assert may_cut(text, before)
    assert may_cut(text, after)
    assert before <= min(at, len(text)) <= after <= len(text)
    assert not any(may_cut(text, place) for place in range(before + 1, min(at, len(text))))
    assert not any(may_cut(text, place) for place in range(min(at, len(text)), after))


@pytest.mark.parametrize(
    ("text", "least", "reach", "end"),
    [
        ("one two three", 2, 4, 4),
        ("one two three", 4, 4, 4),
        ("one two", 4, 4, 7),
        ("incomprehensible", 4, 4, 4),
        ("漢字漢字漢字漢字", 3, 4, 3),
        ("a" + "e\u0301" * 10, 4, 4, 5),
        ("one  two three", 2, 4, 5),
        ("a \u0301b cdefgh", 2, 4, 5),
    ],
)
def test_pieces_end_between_words(text: str, least: int, reach: int, end: int) -> None:
    """Behind the white space after a word where that is near, else where it may be cut."""
    assert piece_end(text, least, reach) == end


@given(st.text("ab \n漢e\u0301🇩🇪", min_size=1, max_size=40), st.integers(1, 45), st.integers(0, 12))
def test_a_piece_is_long_enough(text: str, least: int, reach: int) -> None:
    """Never shorter than asked for, while there is text; never cut where it may not be."""
    end = piece_end(text, least, reach)

    assert min(least, len(text)) <= end <= len(text)
    assert may_cut(text, end)
