"""Faults of the answer itself: what is said, and that nothing is said behind it."""

import pytest

from tokenweir.pipeline.events import Delta, Done, Event, Failure, Finish, Start
from tokenweir.simulator.answer import Step
from tokenweir.simulator.answer_faults import spoiled_answer
from tokenweir.simulator.quirks import Quirks

FAILURE = Failure("upstream", "boom")
STEPS = [
    Step(0.0, Start("i")),
    Step(1.0, Delta("a"), token=True),
    Step(2.0, Delta("b"), token=True),
    Step(3.0, Finish("stop")),
    Step(3.0, Done()),
]


def said(fault: str | None, after: int = 1) -> list[tuple[float, Event]] | None:
    """What is left of the steps, each with its time."""
    left = spoiled_answer(STEPS, Quirks(fault=fault, fault_after=after), FAILURE)
    return None if left is None else [(step.at, step.event) for step in left]


WHOLE = [(step.at, step.event) for step in STEPS]


@pytest.mark.parametrize(("after", "kept"), [(0, 1), (1, 2), (2, 3), (99, 3)])
def test_an_error(after: int, kept: int) -> None:
    """V15: it comes in place of the token that would follow, and of the finish at the latest."""
    assert said("error", after) == [*WHOLE[:kept], (WHOLE[kept][0], Done(FAILURE))]


def test_an_error_that_never_comes() -> None:
    """An answer that was stopped before has no place for it."""
    left = spoiled_answer(STEPS[:2], Quirks(fault="error", fault_after=99), FAILURE)

    assert left is not None
    assert list(left) == STEPS[:2]


@pytest.mark.parametrize("fault", ["no-done", "no-finish", "no-end"])
def test_no_end(fault: str) -> None:
    """V17: all that was said, and not its end."""
    assert said(fault) == WHOLE[:-1]


@pytest.mark.parametrize("fault", [None, "cut", "crlf"])
def test_faults_of_the_frames(fault: str | None) -> None:
    """They are not this file's."""
    assert said(fault) is None
