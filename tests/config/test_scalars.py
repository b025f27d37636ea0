"""One rule for words, in files and in variables."""

import math
from typing import Any

import pytest

from tokenweir.config.scalars import read_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("null", None),
        ("NULL", None),
        ("nil", "nil"),
        ("True", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("y", "y"),
        ("off", "off"),
        ("-12", -12),
        ("+5", 5),
        ("0o17", 15),
        ("0xff", 255),
        ("017", 17),
        ("1.", 1.0),
        (".5", 0.5),
        ("-2.5e-3", -0.0025),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("inf", "inf"),
        ("1,5", "1,5"),
        ("12e", "12e"),
        ("0x", "0x"),
        ("1:30:00", "1:30:00"),
        ("9" * 5000, "9" * 5000),
        ("٣", "٣"),
    ],
)
def test_words(text: str, value: Any) -> None:
    """C04: numbers are numbers, and everything else is text, as YAML 1.2 has it."""
    read = read_scalar(text)

    assert (read, type(read)) == (value, type(value))


def test_no_number() -> None:
    """C04: it is told from text, so that it can be refused as what it is."""
    read = read_scalar(".nan")

    assert isinstance(read, float)
    assert math.isnan(read)
