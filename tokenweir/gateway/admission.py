"""Who may begin an answer: so many at once, and so many of one client.

Law of this file: counting, in the turn of the loop in which the request came (PROMISES P17). Nothing waits
here: what is too much is refused before a backend hears of it (fault S17).
"""

from tokenweir.config.schema import Limits
from tokenweir.gateway.live import Answer, Live
from tokenweir.gateway.refused import Refused
from tokenweir.pipeline.events import Failure


def enter(live: Live, answer: Answer, limits: Limits) -> None:
    """Let this answer begin. Raises Refused: 429 for a client that has enough under way, 503 where all
    places are taken. Both say when to come again."""
    own = limits.max_streams_per_key
    if own is not None and answer.key is not None and live.of_key(answer.key) >= own:
        message = f"this key has {own} answers under way, and may have no more (limits.max_streams_per_key)"
        raise Refused(Failure("rate_limited", message, retryable=True))
    if len(live) >= limits.max_streams:
        message = f"{limits.max_streams} answers are under way, and there may be no more (limits.max_streams)"
        raise Refused(Failure("overloaded", message, retryable=True))
    live.enter(answer)
