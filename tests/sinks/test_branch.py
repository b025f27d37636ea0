"""The options of a branch are checked when it is made."""

from typing import Any, cast

import pytest

from tests.sinks.receivers import Kept
from tokenweir.pipeline.errors import MisuseError
from tokenweir.sinks import branch, memory

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"policy": "block"}, "one of wait, merge, drop_oldest, disconnect"),
    ({"patience": -1}, "seconds, or None"),
    ({"patience": float("nan")}, "seconds, or None"),
    ({"batches": 1}, "at least 2"),
    ({"nbytes": 0}, "at least 1"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_bounds_that_are_none(options: dict[str, Any], message: str) -> None:
    """What cannot be is refused at once, with what can be."""
    with pytest.raises(MisuseError, match=message):
        branch(memory(), **options)


def test_what_is_no_sink() -> None:
    """A function is no sink: the message says how it becomes one."""
    with pytest.raises(MisuseError, match=r"callback\(f\)"):
        branch(cast("Any", print))


def test_names() -> None:
    """In its figures a branch has the name that it was given, or that of its sink."""
    names = [branch(memory()), branch(memory(), name="archive"), branch(Kept())]

    assert [one.report().name for one in names] == ["memory", "archive", "kept"]
    assert names[0].report().outcome == "open"
