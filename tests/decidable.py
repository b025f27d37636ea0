r"""Which cumulative streams can be told from delta streams by their chunks alone, and which cannot.

Law of this file: a rule of its own: it imports nothing of the detector that it is used to judge, and
it measures by prediction what the detector measures by parsing. What both know is the notion of a
refrain; so that no agreement is taken for proof, the number of deltas altered never asks this rule.

The reasoning. Two readings are open: "each chunk is new text" and "each chunk is all the text so
far". Under the first, a chunk that begins with everything before it says the same thing again, by
intent or by chance.

By intent texts do so all the time, but then something stands between (a line end, a comma: `I`,
`\nI am`), or the same unit comes again and again: a refrain, laughter, a sentence to be written a
hundred times, of which one chunk brings one unit, the next two and the one after it three. So where
all that was sent again is two or more of one unit, both readings are natural.

What remains is chance, and chance is measured in bits: as many as what was sent again takes to say
once. A stream is decidable where it grew at least twice (once may be a refrain with a tail: `na na`,
`na na hey`), and where one thing that was sent again is no refrain and takes at least 40 bits: one
chance in 10^12. Ladders that people ask for (`H`, `HE`, `HEL`, `HELL`) take fewer.

Nobody can wait for ever: the bits must be there within 48 chunks and 12,000 characters, or by the
end of the stream.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log2
from typing import Literal

Reason = Literal["no growth", "one growth", "refrain", "few bits", "not in time"]
REASONS: tuple[Reason, ...] = ("no growth", "one growth", "refrain", "few bits", "not in time")

GROWTHS = 2
BITS = 40.0
PATIENCE_CHUNKS, PATIENCE_CHARACTERS = 48, 12_000

_LOOKED_AT = 400


def decidable(chunks: Sequence[str]) -> bool:
    """Whether `chunks`, all the text so far in each, can be known to be that."""
    return why_not(chunks) is None


def why_not(chunks: Sequence[str]) -> Reason | None:
    """Why the chunks of a cumulative stream leave both readings open; None where they do not.

    >>> why_not(["ha", "haha", "hahahaha"]), why_not(["H", "HE", "HEL", "HELL"])
    ('refrain', 'few bits')
    >>> why_not(["The", "The answer", "The answer is", "The answer is 42"]) is None
    True
    """
    snapshots = [chunk.rstrip("\ufffd") for chunk in chunks if chunk]
    if len(snapshots) <= 1:
        return None  # both readings say the same
    patient = snapshots[:PATIENCE_CHUNKS]
    while len(patient) > GROWTHS + 1 and sum(map(len, patient)) > PATIENCE_CHARACTERS:
        patient.pop()
    grown = list(dict.fromkeys(snapshot for snapshot in patient if snapshot))
    if any(bits(text) >= BITS and not is_refrain(text) for text in reversed(grown[GROWTHS - 1 : -1])):
        return None
    if len(patient) < len(snapshots):
        return "not in time"
    if len(grown) <= GROWTHS:
        return "no growth" if len(grown) <= 1 else "one growth"
    return "refrain" if is_refrain(grown[-2]) else "few bits"


def is_refrain(text: str) -> bool:
    """Whether all of `text` is one unit, at least twice; the last time may break off.

    >>> is_refrain("na na na"), is_refrain("na na hey")
    (True, False)
    """
    return any(
        text[unit] == text[0] and text.startswith(text[unit:]) for unit in range(1, len(text) // 2 + 1)
    )


def bits(text: str) -> float:
    """What it takes to say `text` once to somebody who learns as he listens: for each character the
    surprise, after the character before it, counted so far in this text alone. One that never came
    after that character costs the surprise of something new, and then what it takes to name it.

    >>> bits("ha" * 40) < 30 < 40 < bits("The answer is")
    True
    """
    followers: dict[str, Counter[str]] = {}
    known: set[str] = set()
    total = 0.0
    for before, character in pairwise("\0" + text[:_LOOKED_AT]):
        seen = followers.setdefault(before, Counter())
        weight = seen.total() + len(seen)
        if character in seen:
            total += log2(weight / seen[character])
        else:
            total += log2(weight / len(seen)) if seen else 0.0
            total += log2(len(known)) if character in known else _worth(character)
        seen[character] += 1
        known.add(character)
    return total


def _worth(character: str) -> float:
    """Bits of one character by chance: ten digits, some thirty letters, sixty kana, and of
    ideographs, Hangul syllables and emoji some seven hundred."""
    if character.isdigit():
        return 3.3
    if character < "\u2e80":
        return 5.0
    return 6.0 if "\u3040" <= character <= "\u30ff" else 9.5
