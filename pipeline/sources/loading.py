"""Waiting for a model to load, told second by second.

Law of this file: what every load has in common, whatever the backend is asked. No scope is open while a
phase is handed out, so a consumer may leave in the middle.
"""

from collections.abc import Mapping
from typing import Any, Self

from tokenweir.pipeline.clock import Clock, running_clock
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.sources.asking import Question, out_of_time
from tokenweir.pipeline.sources.base import Source

TICK = 1.0
"""Seconds between two phases while nothing comes."""

LOAD_DEADLINE = "first_token"
"""The deadline that bounds a load: a stream that waits for the same load may take as long."""


def loading(elapsed: float, progress: float | None = None) -> Phase:
    """How far a load is, `elapsed` seconds after it began."""
    return Phase("loading", progress, None, round(elapsed, 3))


class LoadPhases:
    """A phase at once and every TICK seconds until the backend answers; raises StreamError as
    `Question.wait`. An iterator and no generator, which could not be left without being closed."""

    def __init__(self, asked: Question) -> None:
        self._asked = asked
        self._began = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Phase:
        if self._began and await self._asked.wait(TICK):
            raise StopAsyncIteration
        self._began = True
        return loading(self._asked.elapsed)


class Patience:
    """How long a load of several questions has taken, and may take."""

    def __init__(self, source: Source, model: str) -> None:
        self._source = source
        self._model = model
        self._clock: Clock = running_clock()
        self._began = self._clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the load began."""
        return self._clock() - self._began

    def check(self) -> None:
        """Raises DeadlineError where it takes too long."""
        allowed: float | None = getattr(self._source.deadlines, LOAD_DEADLINE)
        if allowed is not None and self.elapsed >= allowed:
            raise out_of_time(allowed, f"{self._model} to load", LOAD_DEADLINE)


def check_options(provider: str, options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raises MisuseError for a load option that the backend does not have."""
    unknown = sorted(set(options) - set(known))
    if unknown:
        there = f"there are: {', '.join(known)}" if known else "it has none"
        msg = f"{provider} has no load option {unknown[0]!r}; {there}"
        raise MisuseError(msg)
