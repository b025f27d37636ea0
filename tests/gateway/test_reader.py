"""The client's side of a connection, as figures of its socket."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pytest

from tokenweir.gateway import reader
from tokenweir.gateway.reader import Reader


class Transport:
    """One that notes when it was aborted. So many bytes wait at each look."""

    def __init__(self, waiting: Sequence[int] = (9,)) -> None:
        self.aborted = 0
        self._waiting = cycle(waiting)

    def get_write_buffer_size(self) -> int:
        """What is still to be sent."""
        return next(self._waiting)

    def abort(self) -> None:
        """Cut."""
        self.aborted += 1


def looked(monkeypatch: pytest.MonkeyPatch, taken: list[int | None], *, transport: Any) -> Reader:
    """A reader with a patience of 3 s who was looked at once a second, with these figures."""
    figures = iter(taken)

    def acknowledged(_: object) -> int | None:
        return next(figures)

    monkeypatch.setattr(reader, "acknowledged", acknowledged)
    made = Reader(transport, 3.0)
    for second in range(len(taken)):
        made.look(float(second))
    return made


@pytest.mark.parametrize(
    ("taken", "dead"),
    [
        ([5, 5, 5], False),
        ([5, 5, 5, 5], True),
        ([5, 5, 5, 6, 6, 6], False),
        ([5, 5, 5, 6, 6, 6, 6], True),
        ([None, None, None, None], True),  # where nobody tells, what waits does not shrink
    ],
)
def test_who_takes_no_byte_for_so_long_is_dead(
    monkeypatch: pytest.MonkeyPatch, taken: list[int | None], *, dead: bool
) -> None:
    """P14: and is cut, once it is."""
    transport = Transport()

    assert looked(monkeypatch, taken, transport=transport).dead is dead
    assert transport.aborted == dead


def test_who_is_slow_is_not_dead_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """P14: then what still waits tells it."""
    transport = Transport([9, 8, 7, 6, 5, 4])

    assert not looked(monkeypatch, [None] * 6, transport=transport).dead
    assert transport.aborted == 0


def test_who_has_taken_all_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """P14: what waits next has its own time; a connection that is gone is nobody's to cut."""
    made = looked(monkeypatch, [5, 5, 5], transport=None)
    made.took_all()

    def acknowledged(_: object) -> int:
        return 5

    monkeypatch.setattr(reader, "acknowledged", acknowledged)
    for second in (3.0, 4.0, 5.0):
        made.look(second)
        assert not made.dead
    made.look(6.0)

    assert made.dead
