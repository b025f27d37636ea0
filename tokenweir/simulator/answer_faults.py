"""The faults of an answer itself: steps in, steps out, spoiled.

Law of this file: pure; for protocols whose last event repeats what was said before, so that a fault of the
frames alone would leave it standing. Faults of the frames stand in faults.py.
"""

from collections.abc import Iterable, Iterator

from tokenweir.pipeline.events import Done, Failure, Finish
from tokenweir.simulator.answer import Step
from tokenweir.simulator.quirks import Quirks

_ENDLESS = frozenset({"no-done", "no-finish", "no-end"})
"""One fault, where the finish and the end are one event."""


def spoiled_answer(steps: Iterable[Step], quirks: Quirks, failure: Failure) -> Iterator[Step] | None:
    """The steps as `quirks.fault` leaves them: broken by `failure`, or without their end; None for no
    fault, and for one of the frames."""
    if quirks.fault == "error":
        return _failing(steps, quirks.fault_after, failure)
    if quirks.fault in _ENDLESS:
        return (step for step in steps if not isinstance(step.event, Done))
    return None


def _failing(steps: Iterable[Step], after: int, failure: Failure) -> Iterator[Step]:
    """An end in the middle, when `after` tokens have been said, and before the finish at the latest."""
    seen = 0
    for step in steps:
        if isinstance(step.event, Finish) or (step.token and seen >= after):
            yield Step(step.at, Done(failure))
            return
        seen += step.token
        yield step
