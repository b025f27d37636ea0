"""When another attempt is made (PROMISES P6): only before the first content, and rarely.

Law of this file: the rule, as arithmetic; the stream does the waiting.
"""

import random
from collections.abc import Callable

from tokenweir.pipeline.events import Failure, PhaseName

LOADING_WAIT = 1.0
"""Seconds between two questions to a backend that says that its model is loading."""

LONGEST_WAIT = 60.0
"""Seconds: a backend that asks for more than this is not waited for."""

SHORT_WAIT = 2.0
"""Seconds, the same where another backend may be asked."""


class Retry:
    """At most `attempts` attempts for one request, and at most one retry for ten requests in the long
    run (a budget of `burst` retries to begin with), so that a struggling backend is not hammered."""

    def __init__(
        self, attempts: int = 3, burst: int = 10, jitter: Callable[[], float] = random.random
    ) -> None:
        self._attempts = attempts
        self._burst = float(burst)
        self._budget = float(burst)
        self._jitter = jitter

    def request(self) -> None:
        """A request begins: it earns a tenth of a retry."""
        self._budget = min(self._burst, self._budget + 0.1)

    def delay(self, failure: Failure, attempt: int, *, others: bool = False) -> float | None:
        """Seconds until the next attempt after attempt number `attempt` failed so; None for none.

        The backend's own `Retry-After` counts, else 0.5 s doubling up to 8 s, less up to a quarter. A
        model that is loading is asked again every second, or more seldom where the backend says so: that
        is waiting, and the stream's first-token deadline ends it. `others` says that another backend may be
        asked: one that wants to be left alone for long is not waited for then.
        """
        if not failure.retryable:
            return None
        if failure.kind == "model_loading":
            return max(LOADING_WAIT, min(failure.retry_after or 0.0, LONGEST_WAIT))
        if attempt >= self._attempts or self._budget < 1:
            return None
        wait: float = min(8.0, 0.5 * 2 ** (attempt - 1)) * (1 - 0.25 * self._jitter())
        if failure.retry_after is not None:
            if failure.retry_after > (SHORT_WAIT if others else LONGEST_WAIT):
                return None
            wait = max(0.0, failure.retry_after)
        self._budget -= 1
        return wait


def why_again(failure: Failure, delay: float) -> tuple[PhaseName, str]:
    """What is told of the wait for another attempt.

    >>> why_again(Failure("overloaded", "busy"), 0.5)
    ('connecting', 'again in 0.5 s: busy')
    """
    if failure.kind == "model_loading":
        return "loading", failure.message
    return "connecting", f"again in {delay:.1f} s: {failure.message}"
