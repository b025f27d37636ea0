"""Warmth: one model of one source that is kept warm, and when it is to be asked next.

Law of this file: the state of that, shared by all who keep the same model warm, and one request at a time.
A request here is no stream of anybody's: nobody waits for it, and every stream goes before it.
"""

from math import inf
from threading import get_ident
from weakref import WeakValueDictionary

import anyio

from tokenweir.pipeline.activity import Answering
from tokenweir.pipeline.arrival import Route
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.log import log_keep_warm_failed
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.stream import Stream
from tokenweir.pipeline.waiting import Waiting

KEPT = 2
"""Intervals for which a backend that can be told so keeps the model, should the next request be late."""

FIRST_PAUSE = 5.0
"""Seconds until the next request after one that failed; doubled with each that fails."""

LONGEST_PAUSE = 8
"""Intervals: the longest pause after failures."""

LOOK_AGAIN = 10.0
"""Seconds until a model that is not loaded is looked at again, where others answer meanwhile: its load might
put them out of memory."""


class Warmth:
    """When a model was last asked for anything, and what became of it."""

    def __init__(self, source: Source, model: str | None) -> None:
        self.model = model
        self._source = source
        self._last = -inf
        self._not_before = -inf
        self._failures = 0
        self._flight: anyio.CancelScope | None = None
        self._thread = 0
        self._entered = 0

    def enter(self) -> None:
        """Somebody keeps it warm from now on."""
        self._entered += 1
        if self._entered == 1:
            self._source.activity.watch(self)

    def leave(self) -> None:
        """Somebody does no more."""
        self._entered -= 1
        if self._entered == 0:
            self._source.activity.forget(self)

    def due(self, every: float) -> float:
        """When it is to be asked next (on the event loop's clock), if it is asked `every` so many seconds."""
        return max(self._last + every, self._not_before)

    async def touch(self, every: float) -> None:
        """Ask for it, unless it is being asked already. Raises nothing: what fails is tried again later."""
        now = self._last = running_clock()()
        others = [stream.asked_model for stream in self._source.activity.streams(self._source)]
        if self._flight is not None or any(map(self._is_this, others)):
            return
        with anyio.CancelScope() as scope:
            self._flight, self._thread = scope, get_ident()
            try:
                if others and not await self._is_loaded():
                    self._later(now + min(every, LOOK_AGAIN))
                    return
                failure = await self._ask(every)
            finally:
                self._flight = None
            self._judge(failure, every)

    def stream_began(self, stream: Answering) -> None:
        """It goes first: a request of ours that is under way is cut off."""
        now, flight = running_clock()(), self._flight
        if flight is not None and self._thread == get_ident():
            flight.cancel()
            self._later(now + LOOK_AGAIN)
        if self._is_this(stream.asked_model):
            self._last = now

    def _is_this(self, asked: str | None) -> bool:
        same = self._source.is_same_model
        try:
            return same(self.model, asked) or same(asked, self.model)
        except Exception:  # noqa: BLE001 - a third party's rule; a stream that begins asks this, and goes on
            return asked == self.model

    async def _is_loaded(self) -> bool:
        """Whether asking for it costs no other model its place, as far as the backend tells."""
        try:
            return (await self._source.model_status(self.model)).state == "loaded"
        except Exception:  # noqa: BLE001 - a third party's source raises what it will: then nobody told
            return False

    async def _ask(self, every: float) -> Failure | None:
        """The failure, if it failed."""
        source = self._source
        try:
            request = source.warming(self.model, KEPT * every)
            async with _Ping(Route(source, request, source.stage), check=False) as ping:
                async for _ in ping:
                    pass
        except Exception as bug:  # noqa: BLE001 - nobody waits for this request: its failures are logged
            return Failure("upstream", f"{type(bug).__name__}: {bug}")
        end = ping.end
        return None if end is None or end.outcome == "complete" else end.failure

    def _judge(self, failure: Failure | None, every: float) -> None:
        now = running_clock()()
        if failure is None:
            self._last, self._failures = now, 0
            return
        pause = min(min(FIRST_PAUSE, every) * 2.0**self._failures, LONGEST_PAUSE * every)
        self._failures = min(self._failures + 1, 64)
        self._later(now + pause)
        log_keep_warm_failed(self._source.provider, self.model, failure.kind, pause)

    def _later(self, when: float) -> None:
        self._last, self._not_before = -inf, when


class _Ping(Stream):
    """No stream of anybody's: it shows itself to nobody."""

    def _open(self, now: float) -> None:
        Waiting._open(self, now)  # noqa: SLF001 - its own, without what Stream adds


_SHARED: WeakValueDictionary[tuple[int, str | None], Warmth] = WeakValueDictionary()


def warmth_of(source: Source, model: str | None) -> Warmth:
    """The one of this model of this source, for as long as anybody has it."""
    found = _SHARED.get((id(source), model))
    if found is None:
        found = _SHARED[id(source), model] = Warmth(source, model)
    return found
