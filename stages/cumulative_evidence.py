"""How much a resend says: the evidence rule of `cumulative_detect`'s `auto`.

Law of this file: pure functions and their thresholds, with the reason of each. The readings being
told apart are "every chunk is new text" and "every chunk is all the text so far". A chunk that
begins with the whole text so far fits both. What tells them apart is how much information was sent
again: `No`, `Nooo`, `Noooooo` say little, `I am an intelligent` says much.

Base rates (PROTOCOLS 8.3): in 14,733 natural texts cut into deltas, one extension of four or more
characters never occurred, and three in a row never did. The thresholds are far beyond that, because
waiting is cheap: a chunk is held only while it begins with everything before it, which a delta
stream soon refutes.
"""

_WORD_WORTH = 2
"""A further word is worth two phrases: ladders (`H`, `HE`, `HEL`) have no words."""

_IDEOGRAPHS = "\u2e80"
"""From here on a character is a syllable or a word, and a phrase that ends in one is worth two."""

_LOOKED_AT = 512
"""Characters of a text that are looked at: more changes no decision."""

STRONG, STRONG_GROWTHS = 18, 3
"""Decide in mid-stream: three extensions, the last of a text worth 18 (`The answer is 42` is)."""

PATIENT, PATIENT_GROWTHS = 12, 8
"""Or eight extensions of a text worth 12: backends that send one character or ideograph a chunk."""

COARSE, COARSE_GROWTHS = 48, 2
"""Or two extensions of a text worth 48 (about 80 characters): backends with few, large chunks."""

SETTLING, SETTLING_GROWTHS = 7, 2
"""At the end of the stream, or at a bound, with nothing against it: two extensions, worth 7, or 6 where
the text is longer than the words that people spell in ladders."""

_LONGER_THAN_WORDS = 12


def information(text: str) -> int:
    """What `text` is worth: the phrases of its Lempel-Ziv parsing (each the shortest piece that did
    not stand before it), and its distinct words.

    >>> information("Noooooooo"), information("This is the house")
    (3, 17)
    """
    text = text[:_LOOKED_AT]
    worth = _WORD_WORTH * max(0, len(set(text.split())) - 1)
    at = 0
    while at < len(text):
        end = at + 1
        while end <= len(text) and text[at:end] in text[: end - 1]:
            end += 1
        worth += 2 if text[min(end, len(text)) - 1] >= _IDEOGRAPHS else 1
        at = end
    return worth


def refrain(text: str) -> bool:
    """Whether all of `text` is one thing said at least twice (the last time may break off): somebody
    who asks for a line a hundred times gets deltas that look like resends of it.

    >>> refrain("la la la"), refrain("la la ley")
    (True, False)
    """
    period = text.find(text[: (len(text) + 1) // 2], 1)
    return 0 < period <= len(text) // 2 and text.startswith(text[period:])


def convincing(resent: str, growths: int) -> bool:
    """Whether `growths` extensions, the last of `resent`, decide for cumulative in mid-stream."""
    if growths < COARSE_GROWTHS or len(resent) < SETTLING:
        return False
    worth = information(resent)
    return (
        (worth >= STRONG and growths >= STRONG_GROWTHS)
        or (worth >= PATIENT and growths >= PATIENT_GROWTHS)
        or (worth >= COARSE and growths >= COARSE_GROWTHS)
    )


def settling(resent: str, growths: int, sent: int, tokens: int | None) -> bool:
    """Whether what is undecided when it must be settled reads as cumulative.

    `sent` is the length of all chunks together, `tokens` the backend's own count of the output where
    there is one: text that is worth something and would need more than ten characters a token as
    deltas, but not as a resend, was resent.
    """
    worth = information(resent)
    if growths >= SETTLING_GROWTHS and worth + (len(resent) >= _LONGER_THAN_WORDS) >= SETTLING:
        return True
    if not tokens or growths < 1 or worth < SETTLING:
        return False
    return sent / tokens > 10 and len(resent) / tokens <= 8  # noqa: PLR2004 - characters a token, explained above


def common_prefix(one: str, other: str) -> int:
    """The length of what two texts have in common at their beginning, by halving (no copy per
    character; the cost is that of a few comparisons of memory).

    >>> common_prefix("listing", "listening")
    4
    """
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
