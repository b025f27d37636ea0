"""The names, defaults and checks of deadlines; test_stream_deadlines.py shows them at work."""

from typing import Any

import pytest

from tokenweir import Deadlines
from tokenweir.pipeline.deadlines import HOSTED, LOCAL
from tokenweir.pipeline.errors import MisuseError

NAMES = ("connect", "first_token", "silence", "between_tokens", "total")


def test_defaults() -> None:
    """P15: five, each with a name, and none that is hidden."""
    assert Deadlines.__struct_fields__ == NAMES
    assert [getattr(LOCAL, name) for name in NAMES] == [5.0, 300.0, 60.0, 120.0, None]
    assert [getattr(HOSTED, name) for name in NAMES] == [5.0, 120.0, 60.0, 120.0, None]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", [0, 0.0, -1, float("nan"), float("inf"), float("-inf"), "5", "5s", True, [5]]
)
def test_wrong(name: str, value: Any) -> None:
    """C04, T06: refused where it is given, by name; `None` is how to have no deadline."""
    with pytest.raises(MisuseError, match=rf"Deadlines\({name}=.*seconds above 0, or None"):
        Deadlines(**{name: value})


@pytest.mark.parametrize("value", [None, 1, 1e-3, 10 * 365 * 86400.0])
def test_right(value: float | None) -> None:
    """T06: any positive time, or none."""
    assert [getattr(Deadlines(**{name: value}), name) for name in NAMES] == [value] * 5
