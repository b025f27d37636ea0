"""How long a stream may still wait, and which of its deadlines comes first.

Law of this file: arithmetic of the named deadlines (deadlines.py) with what a stream has waited so far. It
waits for nothing, and ends nothing: that stands in waiting.py.
"""

from math import inf

from tokenweir.pipeline.arrival import Arrival

GRAIN = 1e-6
"""Seconds: less than any deadline, more than the rounding of sums of times."""


class Overdue(Arrival):
    """What is left of an answer's time."""

    def _early_budget(self, now: float) -> float:
        allowed, total = self._source.deadlines.first_token, self._source.deadlines.total
        left = inf if allowed is None else allowed - self._waited
        return left if total is None else min(left, self._meter.started + total - now)

    def _early_name(self, now: float) -> str:
        total = self._source.deadlines.total
        over = total is not None and now >= self._meter.started + total - GRAIN
        return "total" if over else "first_token"

    def _next_deadline(self, now: float) -> float:
        limits = self._source.deadlines
        deadline = inf if limits.silence is None else now + limits.silence - self._silent
        if limits.between_tokens is not None:
            deadline = min(deadline, now + limits.between_tokens - self._waited)
        if limits.total is not None:
            deadline = min(deadline, self._meter.started + limits.total)
        return deadline

    def _late_name(self, now: float) -> str:
        """Which deadline was the first to come for a read that began at `now`."""
        first = self._next_deadline(now) + GRAIN
        limits = self._source.deadlines
        if limits.total is not None and self._meter.started + limits.total <= first:
            return "total"
        if limits.between_tokens is not None and now + limits.between_tokens - self._waited <= first:
            return "between_tokens"
        return "silence"
