"""What nobody models is kept."""

import json
from typing import Any

from tokenweir.pipeline.events import Event, Extra
from tokenweir.pipeline.protocols.extras import REMEMBERED, Extras


def told(*fields: dict[str, Any], index: int | None = None) -> list[tuple[str, Any]]:
    """(kind, value) of what comes of the fields of some chunks."""
    extras, out = Extras(), list[Event]()
    for one in fields:
        extras.take(one, index, out)
    assert all(isinstance(event, Extra) and event.index == index for event in out)
    return [(event.kind, json.loads(bytes(event.data))) for event in out if isinstance(event, Extra)]


def test_around_the_choices() -> None:
    """DESIGN 3: what a backend repeats in every chunk counts once a value."""
    assert told({"a": 1}, {"a": 1, "b": [2]}, {"a": 2}, {"a": 1, "b": [2]}) == [
        ("a", 1),
        ("b", [2]),
        ("a", 2),
        ("a", 1),
    ]


def test_inside_a_choice() -> None:
    """P1: inside a choice equal values are two values: log probabilities, token ids, audio. Fields that
    are known to repeat count once."""
    same = {"token_ids": [198], "channel": "final"}

    assert told(same, same, index=0) == [("token_ids", [198]), ("channel", "final"), ("token_ids", [198])]


def test_choices_stand_apart() -> None:
    """V13: what one choice repeats is news in another."""
    extras, out = Extras(), list[Event]()
    for index in (0, 1, 0):
        extras.take({"channel": "final"}, index, out)

    assert [event.index for event in out if isinstance(event, Extra)] == [0, 1]


def test_what_says_nothing() -> None:
    """V12: null and empty values say nothing; zero and false do."""
    assert told({"a": None, "b": "", "c": [], "d": {}, "e": 0, "f": False}) == [("e", 0), ("f", False)]
    assert told({"a": {"b": None, "c": None}, "d": {"e": None, "f": 0}}) == [("d", {"e": None, "f": 0})]


def test_bounded_memory() -> None:
    """P8: however many fields come, only so many are remembered; of the others, repeats pass."""
    extras, out = Extras(), list[Event]()
    for number in range(REMEMBERED * 3):
        extras.take({f"k{number}": "x" * 100}, None, out)
    extras.take({"k0": "x" * 100, f"k{REMEMBERED}": "x" * 100}, None, out)

    assert len(out) == REMEMBERED * 3 + 1
