"""Questions to a backend that is silent before its first token, about how far it is.

Law of this file: when a question is due, and that none does harm: it is a task beside the read that waits,
gone before the read's events are handed on. Which question it is, the source says.
"""

from math import inf

from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.base import Source

HEAD_START = 0.5
"""Seconds of silence before the first question: a model that is loaded has often answered by then."""

PAUSE = 1.0
"""Seconds between two questions that are answered."""

UNANSWERED_PAUSE = 1.5
"""Seconds after a question that is not; doubled each time."""


class Inquiry:
    """The questions of one attempt. `due` is when the next one is."""

    __slots__ = ("_pause", "due")

    def __init__(self) -> None:
        self.due = inf
        self._pause = UNANSWERED_PAUSE

    def begin(self, now: float) -> None:
        """The request is being sent."""
        self.due, self._pause = now + HEAD_START, UNANSWERED_PAUSE

    def stop(self) -> None:
        """The answer itself tells how far it is, or nobody can."""
        self.due = inf

    async def ask(self, source: Source, request: Request, now: float) -> Phase | None:
        """Ask at `now`; None where no answer came. May be cut off at any time: that is no answer either."""
        self.due = now + self._pause
        self._pause *= 2
        try:
            told = await source.progress(request)
        except Exception:  # noqa: BLE001 - the answer is awaited elsewhere: a question that fails costs nothing
            return None
        if not isinstance(told, Phase):
            self.stop()
            return None
        self.due, self._pause = now + PAUSE, UNANSWERED_PAUSE
        return told
