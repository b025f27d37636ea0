"""Who may begin an answer, or open a websocket: so many at once, and so many of one client.

Law of this file: counting, in the turn of the loop in which the request came (PROMISES P17). Nothing waits
here: what is too much is refused before a backend hears of it (fault S17).
"""

from collections.abc import Collection

from tokenweir.config.schema import Limits
from tokenweir.gateway.gateway import Gateway, Phase
from tokenweir.gateway.live import Answer
from tokenweir.gateway.refused import SHUTTING_DOWN, Refused
from tokenweir.pipeline.events import Failure


def enter(gateway: Gateway, answer: Answer, limits: Limits) -> None:
    """Let this answer begin. Raises Refused: 429 for a client that has enough under way, 503 where all
    places are taken, and where the drain began while the request was still coming. All say when to come
    again."""
    live = gateway.live
    if gateway.phase is Phase.DRAINING:
        raise Refused(SHUTTING_DOWN, headers={"Connection": "close"})
    own = 0 if answer.key is None else live.of_key(answer.key)
    _check("answers under way", answer.key, own, len(live), limits)
    live.enter(answer)


def check_room(owners: Collection[str | None], client: str | None, limits: Limits) -> None:
    """Whether a client may open one websocket more. `owners` are the clients of those that are open, one for
    each. There may be as many as answers, of one client too. Raises Refused as `enter` does."""
    own = sum(owner == client for owner in owners)
    _check("websockets open", client, own, len(owners), limits)


def _check(what: str, client: str | None, own: int, taken: int, limits: Limits) -> None:
    each = limits.max_streams_per_key
    if each is not None and client is not None and own >= each:
        message = f"this key has {each} {what}, and may have no more (limits.max_streams_per_key)"
        raise Refused(Failure("rate_limited", message, retryable=True))
    if taken >= limits.max_streams:
        message = f"there are {limits.max_streams} {what}, and there may be no more (limits.max_streams)"
        raise Refused(Failure("overloaded", message, retryable=True))
