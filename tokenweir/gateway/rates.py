"""How fast live answers come, for whoever looks at them now and then.

Law of this file: the figures of a moment, from two looks at one counter; nothing is added to the way of a
token.
"""

from collections import deque
from weakref import WeakKeyDictionary

from tokenweir.gateway.live import Answer

WINDOW = 5.0
"""Seconds that a rate is about."""

APART = 0.5
"""Seconds between two looks that are kept, at least."""


class Rates:
    """Remembers how far each live answer was when somebody looked."""

    def __init__(self) -> None:
        self._seen: WeakKeyDictionary[Answer, deque[tuple[float, int]]] = WeakKeyDictionary()

    def of(self, answer: Answer, now: float) -> float | None:
        """Tokens per second over the last seconds; None before the first token. The first look knows only
        the rate since the first token."""
        if answer.first_token is None:
            return None
        seen = self._seen.setdefault(answer, deque([(answer.first_token, 0)]))
        while len(seen) > 1 and seen[1][0] <= now - WINDOW:
            seen.popleft()
        since, tokens = seen[0]
        if now - seen[-1][0] >= APART:
            seen.append((now, answer.tokens))
        return round((answer.tokens - tokens) / (now - since), 2) if now > since else None
