"""How a text becomes chunks: cuts for delta streams, and their cumulative twins.

Law of this file: pure functions of a text and a source of chance. The joined chunks of a cut are the
text, always. A twin is the same stream as a cumulative backend sends it: every chunk is all the text
so far, with the habits of PROTOCOLS 8.2.
"""

import re
from collections.abc import Callable
from random import Random

Chunks = list[str]
Cut = Callable[[str, Random], Chunks]
Twin = Callable[[Chunks, Random], Chunks]

_PIECE = re.compile(
    r"\n+|[ \t]?[^\W\d_]+|[ \t]?\d{1,3}|[ \t]?[^\w\s]+|[ \t\r\f\v\u00a0\u3000]+(?=[ \t])|\s|_|.", re.DOTALL
)
_LONG_WORD = 6
HALF = "\ufffd"
REPEAT_CHARACTERS, REPEAT_DELTAS = 32, 3
"""A last chunk that repeats everything can be told from text only beyond this (DESIGN 4)."""


def subwords(text: str, chance: Random) -> Chunks:
    """Pieces like those of byte-pair vocabularies: a word with the space before it, long words in
    two or three, digits by up to three, runs of whitespace and of signs together, ideographs by one
    or two."""
    pieces: Chunks = []
    for piece in _PIECE.findall(text):
        step = 2 if ord(piece[-1]) > 0x2E80 else _LONG_WORD  # the ideographs
        if len(piece) > step and piece[-1].isalpha():
            at = 0
            while at < len(piece):
                size = chance.randint(1, step)
                pieces.append(piece[at : at + size])
                at += size
        else:
            pieces.append(piece)
    return pieces


def characters(text: str, _chance: Random) -> Chunks:
    """One code point a chunk: a flag, a family or an accent comes in parts."""
    return list(text)


def _pattern(pattern: str) -> Cut:
    compiled = re.compile(pattern, re.DOTALL)

    def cut(text: str, _chance: Random) -> Chunks:
        return compiled.findall(text)

    return cut


def _by_size(low: int, high: int) -> Cut:
    def cut(text: str, chance: Random) -> Chunks:
        chunks: Chunks = []
        at = 0
        while at < len(text):
            size = chance.randint(low, high)
            chunks.append(text[at : at + size])
            at += size
        return chunks

    return cut


def several_tokens(text: str, chance: Random) -> Chunks:
    """One to three tokens a chunk, as batching servers send them."""
    pieces = subwords(text, chance)
    chunks: Chunks = []
    while pieces:
        count = chance.randint(1, 3)
        chunks.append("".join(pieces[:count]))
        del pieces[:count]
    return chunks


def several_lines(text: str, chance: Random) -> Chunks:
    """One to four lines a chunk: a proxy or a pipe that flushes at line ends, when it gets to it."""
    lines = text.splitlines(keepends=True)
    chunks: Chunks = []
    while lines:
        count = chance.randint(1, 4)
        chunks.append("".join(lines[:count]))
        del lines[:count]
    return chunks


def some_empty(text: str, chance: Random) -> Chunks:
    """Code points, with empty chunks between, before and after them."""
    chunks: Chunks = []
    for character in text:
        chunks += [""] * (chance.random() < 0.1) + [character]
    return [*chunks, ""]


def large_first(text: str, chance: Random) -> Chunks:
    """A large first chunk, then tokens: speculative decoding, or a proxy that waited."""
    size = chance.randint(1, max(1, len(text) * 3 // 4))
    return [text[:size], *subwords(text[size:], chance)] if text else []


def whole(text: str, _chance: Random) -> Chunks:
    """Everything at once."""
    return [text] if text else []


CUTS: dict[str, Cut] = {
    "characters": characters,
    "words, space before": _pattern(r"\s*\S+|\s+"),
    "words, space after": _pattern(r"\S+\s*|\s+"),
    "sub-words": subwords,
    "1-3 tokens": several_tokens,
    "lines": _pattern(r"[^\n]*\n|[^\n]+"),
    "1-4 lines": several_lines,
    "sentences": _pattern(r"[^.!?。！？\n]*[.!?。！？\n]+\s*|[^.!?。！？\n]+"),  # noqa: RUF001 - CJK stops
    "1-40 characters": _by_size(1, 40),
    "10-200 characters": _by_size(10, 200),
    "some empty": some_empty,
    "large first": large_first,
    "whole": whole,
}


def cumulated(chunks: Chunks) -> Chunks:
    """All the text so far, at each chunk."""
    text = ""
    return [text := text + chunk for chunk in chunks]


def plain(chunks: Chunks, _chance: Random) -> Chunks:
    """The clean form."""
    return cumulated(chunks)


def trimmed(chunks: Chunks, _chance: Random) -> Chunks:
    """Every chunk without the whitespace at its end."""
    return [chunk.rstrip() for chunk in cumulated(chunks)]


def no_growth(chunks: Chunks, chance: Random) -> Chunks:
    """Some chunks are sent again."""
    return [again for chunk in cumulated(chunks) for again in [chunk] * chance.choice([1, 1, 1, 2, 3])]


def last_again(chunks: Chunks, chance: Random) -> Chunks:
    """The last chunk is sent again, once or twice."""
    every = cumulated(chunks)
    return every + every[-1:] * chance.randint(1, 2)


def empty_last(chunks: Chunks, _chance: Random) -> Chunks:
    """The last chunk is empty."""
    return [*cumulated(chunks), ""]


def half_characters(chunks: Chunks, chance: Random) -> Chunks:
    """The chunk ends in the middle of a character's bytes: U+FFFD stands there for a while."""
    every = cumulated(chunks)
    final = every[-1] if every else ""
    sent: Chunks = []
    for chunk in every:
        following = final[len(chunk) : len(chunk) + 1]
        if following and not following.isascii() and chance.random() < 0.5:
            part = following.encode()[: chance.randint(1, len(following.encode()) - 1)]
            sent.append(chunk + HALF * chance.choice([1, len(part)]))
        else:
            sent.append(chunk)
    return sent if sent[-1:] == [final] else [*sent, final]


def final_repeat(chunks: Chunks, _chance: Random) -> Chunks:
    """Deltas, then everything once more in the last chunk."""
    return [*chunks, "".join(chunks)]


TWINS: dict[str, Twin] = {
    "plain": plain,
    "trimmed": trimmed,
    "no growth": no_growth,
    "last again": last_again,
    "empty last": empty_last,
    "half characters": half_characters,
    "final repeat": final_repeat,
}
