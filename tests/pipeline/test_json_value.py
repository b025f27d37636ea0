"""Unchecked JSON, looked at with types."""

import pytest

from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text

WRONG: tuple[object, ...] = (None, True, 1, 1.5, "text", [1], {"a": 1})


@pytest.mark.parametrize("value", WRONG)
def test_what_is_not_there_is_empty(value: object) -> None:
    """V12: none of the questions raises, whatever a backend sent."""
    kind = type(value)

    assert as_object(value) == (value if kind is dict else {})
    assert as_list(value) == (value if kind is list else [])
    assert as_text(value) == (value if kind is str else "")


@pytest.mark.parametrize(
    ("value", "count"),
    [(0, 0), (7, 7), (10**30, 10**30), (-1, None), (True, None), (1.0, None), ("1", None), (None, None)],
)
def test_a_count_is_a_whole_number_from_0(value: object, count: int | None) -> None:
    """V21: a figure that is no count is no figure."""
    assert as_count(value) == count
