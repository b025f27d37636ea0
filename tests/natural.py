"""Natural texts: what a model would plausibly answer, from nothing to about 4,000 characters.

Law of this file: which kinds there are, how often, and how long they get. Text number N of a seed is
always the same text, so a failing one can be named by two numbers. The kinds are in natural_prose.py,
natural_code.py, natural_data.py, natural_signs.py and natural_oddities.py.

>>> sample(3).text == sample(3).text
True
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tests.natural_code import CODE
from tests.natural_data import DATA
from tests.natural_oddities import ODDITIES
from tests.natural_prose import PROSE
from tests.natural_signs import SIGNS

LONGEST = 4_000
_MEDIAN, _SPREAD = 5.8, 1.1
"""Sizes are log-normal: half of the answers below 330 characters, one in fifty at the limit."""
_CUT_SHORT = 0.08
"""The share of answers that the token limit cuts off, anywhere."""

KINDS = {**PROSE, **CODE, **DATA, **SIGNS, **ODDITIES}
_OFTEN = {
    "prose en": 6,
    "markdown": 4,
    "python": 3,
    "prose zh": 3,
    "short": 4,
    "prose de": 2,
    "prose ja": 2,
    "json": 2,
}
_NAMES = list(KINDS)
_WEIGHTS = [_OFTEN.get(name, 1) for name in _NAMES]


class Sample(NamedTuple):
    """One text, and what it is."""

    number: int
    kind: str
    text: str


def dice(number: int, seed: int, purpose: str) -> Random:
    """The source of chance for one text and one purpose."""
    return Random(f"{seed}/{number}/{purpose}")  # noqa: S311 - test data, not secrets


def sample(number: int, seed: int = 0, kind: str | None = None) -> Sample:
    """Text number `number`; of any kind, or of the one that is asked for."""
    chance = dice(number, seed, "text")
    name = kind or chance.choices(_NAMES, _WEIGHTS)[0]
    size = min(LONGEST, int(chance.lognormvariate(_MEDIAN, _SPREAD)))
    text = KINDS[name](chance, size)[: LONGEST + 200]
    if chance.random() < _CUT_SHORT and text:
        text = text[: chance.randint(1, len(text))]
    return Sample(number, name, text)


def texts(count: int, seed: int = 0) -> Iterator[Sample]:
    """The first `count` texts."""
    return (sample(number, seed) for number in range(count))
