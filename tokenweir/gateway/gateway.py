"""The gateway's state for as long as it runs: the configuration in force, and what goes on.

Law of this file: what every handler may look at, and nothing of HTTP but the type of its requests. The
configuration may be replaced; what counts and what is under way outlives that.
"""

import os
from collections.abc import Callable
from enum import Enum

from aiohttp import web

from tokenweir.config.read import Loaded
from tokenweir.gateway.live import Answer, Live
from tokenweir.gateway.log import log_answer
from tokenweir.gateway.metrics import Metrics
from tokenweir.gateway.setup import Setup
from tokenweir.pipeline.clock import running_clock


class Phase(Enum):
    """Where the gateway is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Gateway:
    """What a running gateway is made of."""

    def __init__(self, loaded: Loaded) -> None:
        self.setup = Setup(loaded)
        self.metrics = Metrics()
        self.live = Live(self._ended)
        self.phase = Phase.STARTING
        self.started = running_clock()()
        self.bound_host = "127.0.0.1"
        self.generation = 1
        """Of the configuration: one more with each that was taken over."""
        self.failed_reloads = 0
        self.beats: set[Callable[[float], None]] = set()
        """One for each open stream: it looks after its client's connection, at the clock's time (see
        attendant.py)."""

    def _ended(self, answer: Answer) -> None:
        self.metrics.ended(answer)
        log_answer(answer)


GATEWAY = web.AppKey("gateway", Gateway)

REQUEST_ID = web.RequestKey("request_id", str)
"""Made here for each request: 128 bits that nobody can guess. The client's own is not taken over."""

CLIENT = web.RequestKey("client", str)
"""The name of the client's key. Not there where no keys are configured."""

NOTE = web.RequestKey("note", Answer)
"""The answer that a request began: its end is told by that, be it a refusal."""

BEGUN = web.RequestKey("begun", bool)
"""Whether a stream has begun to answer: nothing else can answer then."""

SETUP = web.RequestKey("setup", Setup)
"""The configuration that was in force when the request came: it stays so for this request."""


def new_request_id() -> str:
    """An id for a request or an answer."""
    return os.urandom(16).hex()
