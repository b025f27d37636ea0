"""The names, defaults and checks of deadlines; test_stream_deadlines.py shows them at work."""

from typing import Any

import pytest

from tokenweir import Deadlines
from tokenweir.pipeline.deadlines import HOSTED, LOCAL, WAITED_FOR, late
from tokenweir.pipeline.errors import DeadlineError, MisuseError, error_for
from tokenweir.pipeline.events import End

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


@pytest.mark.parametrize("name", WAITED_FOR)
def test_late(name: str) -> None:
    """P15: what was waited for, for how long, and what can be done, in an error of its own type."""
    what, hint = WAITED_FOR[name]
    failure = late(name, 90.0, what, hint)
    error = error_for(End("timeout", failure))

    assert name in NAMES
    assert failure.message == f"waited 90 s for {what}. {hint} Allow more with Deadlines({name}=...)"
    assert (failure.kind, failure.phase, failure.retryable) == ("timeout", name, False)
    assert isinstance(error, DeadlineError)
    assert str(error).startswith("timeout: waited 90 s for ")


def test_late_without_a_hint() -> None:
    """P15: the message is whole without one."""
    assert late("total", 0.5, "it").message == "waited 0.5 s for it. Allow more with Deadlines(total=...)"
