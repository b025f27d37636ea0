r"""Where a text may be cut without harm: never inside what a reader sees as one character.

Law of this file: pure functions of a text and a place in it. A place is a number of code points, as
everywhere. The rules are those of Unicode's grapheme clusters (UAX 29) as far as a cut could be seen:
surrogate pairs, CR LF, combining marks, variation selectors, joiners, skin tones, flags, conjuncts,
Hangul syllables.
"""

from unicodedata import category, combining

_ZWJ = "\u200d"
_VIRAMA = 9  # the combining class of the sign that joins two consonants
_EXTENDING = "\u200c\u200d\uff9e\uff9f"
_SIMPLE = "\u0300"  # below it nothing extends what stands before it


def may_cut(text: str, at: int) -> bool:
    r"""Whether a cut before `text[at]` parts nothing; always true at both ends.

    >>> may_cut("e\u0301", 1), may_cut("\U0001f469\u200d\U0001f680", 2), may_cut("ab", 1)
    (False, False, True)
    """
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before < _SIMPLE and after < _SIMPLE:
        return not (before == "\r" and after == "\n")
    return not (_extends(after) or before == _ZWJ or combining(before) == _VIRAMA or _pairs(text, at))


def _extends(sign: str) -> bool:
    return (
        sign in _EXTENDING
        or category(sign) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= sign <= "\U0001f3ff"
        or "\U000e0020" <= sign <= "\U000e007f"
    )


def _pairs(text: str, at: int) -> bool:
    """Whether the two characters around the place belong together for what they both are."""
    before, after = text[at - 1], text[at]
    if _flag(before) and _flag(after):
        begin = at - 1
        while begin > 0 and _flag(text[begin - 1]):
            begin -= 1
        return (at - begin) % 2 == 1
    if "\ud800" <= before <= "\udbff":
        return "\udc00" <= after <= "\udfff"
    leads = "\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return leads and "\u1160" <= after <= "\u11ff"


def _flag(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def cut_before(text: str, at: int) -> int:
    """The last place up to `at` where the text may be cut; 0 where there is none."""
    at = min(at, len(text))
    while not may_cut(text, at):
        at -= 1
    return at


def cut_after(text: str, at: int) -> int:
    """The first place from `at` on where the text may be cut; its end where there is none."""
    while not may_cut(text, at):
        at += 1
    return min(at, len(text))


def piece_end(text: str, least: int, reach: int) -> int:
    """Where a piece of at least `least` characters ends: at the end of the text if that is at most
    `reach` characters further, else behind the next white space in reach, else where it may be cut.

    >>> piece_end("to be or not", 4, 3), piece_end("incomprehensible", 4, 3), piece_end("to be", 4, 3)
    (6, 4, 5)
    """
    most = least + reach
    if len(text) <= most:
        return len(text)
    for at in range(least, most + 1):
        if text[at - 1].isspace() and not text[at].isspace() and may_cut(text, at):
            return at
    return cut_after(text, least)
