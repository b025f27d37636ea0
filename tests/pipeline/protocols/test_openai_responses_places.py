"""Wholes without numbers find their texts by order."""

from collections.abc import Sequence

import pytest

from tests.pipeline.protocols.test_verified_text import text
from tokenweir.pipeline.protocols.openai_responses_places import Places


@pytest.mark.parametrize(
    ("said", "wholes", "places"),
    [
        ({}, ["a", "", "b"], [0, None, 1]),
        ({3: "a", 1: "b"}, ["b", "a", "c"], [1, 3, 4]),
        ({0: "", 1: "a"}, ["", "a"], [0, 1]),
        ({1: "a"}, ["", "a"], [None, 1]),
        ({0: "", 1: "a"}, ["a"], [1]),  # the empty one is left out
        ({0: "", 1: "", 2: "a"}, ["a", "b"], [2, 3]),
        ({0: "", 1: "a"}, ["lost", "a"], [0, 1]),
        ({0: "", 1: "a"}, ["", "other"], [0, 1]),
        ({0: "a", 1: ""}, ["a", "lost", ""], [0, 1, None]),
        ({0: "a", 1: "", 2: "a"}, ["a", "", "a"], [0, 1, 2]),
        ({0: "a", 1: ""}, ["", "a"], [None, 0]),
    ],
)
def test_places(said: dict[int, str], wholes: Sequence[str], places: Sequence[int | None]) -> None:
    """P1: each whole is held against the text that was said, and what was never said has a place."""
    found = Places({index: text(*filter(None, [one])) for index, one in said.items()})

    assert [found.take(one) for one in wholes] == places


def test_a_text_that_cannot_be_told() -> None:
    """It may be any, so nothing is said twice."""
    long = text("a")
    long.drop()

    assert Places({0: text(), 1: long}).take("b") == 1
