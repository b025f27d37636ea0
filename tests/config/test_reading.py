"""Where a value came from, and all that is wrong in one go."""

import pytest

from tokenweir.config.reading import ConfigError, Place, Reading, dotted, shown
from tokenweir.pipeline.errors import MisuseError


def problems(reading: Reading) -> tuple[str, ...]:
    """What it tells."""
    with pytest.raises(ConfigError) as caught:
        reading.settle()
    assert isinstance(caught.value, MisuseError)
    return caught.value.problems


def test_by_lines_and_then_the_rest() -> None:
    """P21: in the order of the file, whatever was found first; nothing twice."""
    reading = Reading(Place("f", 1))
    reading.put(("a", "b"), 1, Place("environment: X", names=True))
    reading.places[("c",)] = Place("f", 7)
    reading.places[("d",)] = Place("f", 3)
    reading.wrong(("a", "b"), "bad")
    reading.wrong(("a", "b", 0), "worse")
    reading.wrong(("c", "below"), "bad")
    reading.wrong(("d",), "bad")
    reading.wrong(("d",), "bad")
    reading.wrong_at(Place("f"), "no line")

    assert problems(reading) == (
        "f:3: d: bad",
        "f:7: c.below: bad",
        "environment: X: bad",
        "environment: X: a.b[0]: worse",
        "f: no line",
    )


def test_nothing_wrong() -> None:
    """P21: notes are no faults."""
    reading = Reading(Place("f", 1))
    reading.note(("a",), "odd")
    reading.settle()

    assert reading.sound
    assert reading.notes == ["f:1: a: odd"]


def test_too_many() -> None:
    """P21, P8: a hundred are told; a file of nonsense fills no screen for ever."""
    reading = Reading(Place("f", 1))
    for number in range(250):
        reading.wrong((f"k{number}",), "bad")

    assert len(problems(reading)) == 101
    assert problems(reading)[-1] == "and 150 more"


def test_put() -> None:
    """C13: what is put replaces what was there, with the places of all that stood in it."""
    reading = Reading(Place("f", 1))
    reading.values = {"a": {"b": [1, 2]}, "n": 5}
    reading.places |= {("a",): Place("f", 1), ("a", "b"): Place("f", 2), ("a", "b", 0): Place("f", 3)}
    reading.put(("a", "b"), [3], Place("--b", names=True))
    reading.put(("n", "x"), 1, Place("--x", names=True))

    assert reading.values == {"a": {"b": [3]}, "n": 5}
    assert reading.place_of(("a", "b", 0)) == Place("--b", names=True)
    assert (reading.given("a", "b"), reading.given("a", "b", 0), reading.given("n", "x")) == (
        True,
        False,
        False,
    )


def test_what_is_left_of_a_list() -> None:
    """P21: its members keep the numbers that the file gives them."""
    reading = Reading(Place("f", 1))
    reading.places["a", 1, "b", 4] = Place("f", 7)
    reading.keep(("a", 1, "b"), {0: 2, 1: 4})
    reading.keep(("a",), {0: 1})
    reading.wrong(("a", 0, "b", 1), "bad")

    assert problems(reading) == ("f:7: a[1].b[4]: bad",)
    assert reading.given("a", 0, "b", 1)
    assert (reading.faulty("a", 0, "b", 1), reading.faulty("a", 0, "b", 0)) == (True, False)


def test_what_is_called_otherwise() -> None:
    """P21: a member that goes on under another name is told of by the one that the file has."""
    reading = Reading(Place("f", 1))
    reading.keep(("a",), {"my-box": "My Box"})
    reading.wrong(("a", "my-box", "b"), "bad")

    assert problems(reading) == ("f:1: a.My Box.b: bad",)


def test_names() -> None:
    """P28: a name steers no terminal, and is not endless."""
    assert dotted(("a b", 0, "\x1b[31m")) == "a b[0].'\\x1b[31m'"
    assert (shown(""), shown("é"), len(shown("x" * 10_000))) == ("''", "é", 63)
