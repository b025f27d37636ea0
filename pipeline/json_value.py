"""JSON that nobody has checked yet, looked at with types.

Law of this file: two questions that every protocol asks of a backend's payload, answered without a
cast at each place. Neither raises: what is not there is empty.
"""

from collections.abc import Mapping
from typing import Any


def as_object(value: object) -> Mapping[str, Any]:
    """`value` if it is a JSON object, else an empty one.

    >>> as_object({"a": 1}), as_object([1])
    ({'a': 1}, {})
    """
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] - cast() costs


def as_list(value: object) -> list[Any]:
    """`value` if it is a JSON array, else an empty one.

    >>> as_list([1]), as_list(None)
    ([1], [])
    """
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType] - as above


def as_text(value: object) -> str:
    """`value` if it is a string, else nothing.

    >>> as_text("a"), as_text(None)
    ('a', '')
    """
    return value if isinstance(value, str) else ""


def as_count(value: object) -> int | None:
    """`value` if it is a whole number from 0 on, else None (true and false are no numbers).

    >>> as_count(3), as_count(True), as_count(-1)
    (3, None, None)
    """
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
