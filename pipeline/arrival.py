"""What comes of one answer, kept in order for its consumer, and how it ends.

Law of this file: the inner half of Stream, which does not wait for anything: bytes in, events kept,
one `End`. Every way to end goes through `_shut`, which is synchronous and happens once. What waits
for the backend stands in waiting.py, what the consumer calls in stream.py.
"""

import asyncio
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.core import FusedCore
from tokenweir.pipeline.events import (
    Done,
    End,
    Event,
    Extra,
    Failure,
    FailureKind,
    Outcome,
    Phase,
    PhaseName,
    Start,
    Usage,
)
from tokenweir.pipeline.inquiry import Inquiry
from tokenweir.pipeline.log import log_end
from tokenweir.pipeline.meter import Meter
from tokenweir.pipeline.phases import Phases
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.retry import why_again
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.stage import Stage

HELD_LIMIT = 8
"""Events behind `Start` that wait for the first content; more than that is an answer of its own (audio)."""

_OURS: frozenset[FailureKind] = frozenset({"bad_request", "stage", "cancelled"})
"""Failures that another backend would meet too."""


class Route(NamedTuple):
    """A backend, what is asked of it, and what makes events of its bytes."""

    source: Source
    request: Request
    stage: Stage[bytes, Event]


class Arrival:
    """The state of one answer. `others` are asked in turn where `route` fails before anything has come."""

    def __init__(self, route: Route, others: Sequence[Route] = (), *, check: bool = True) -> None:
        self.end: End | None = None
        self._opened = False
        self._source, self._request, self._stage = route
        self._others, self._check = others, check
        self._ready: list[Event] = []  # reversed: the next event is the last
        self._connection: Connection | None = None
        self._core: FusedCore[bytes, Event] = route.stage.core()
        self._timed = self._core.timed
        self._iterated = self._reading = self._raised = False
        self._content = False  # text or tool calls have come
        self._answered = False  # anything but phases has come: no other attempt any more
        self._held: list[Event] = []
        self._refused: Failure | None = None  # why what comes is not wanted
        self._cause: Exception | None = None
        self._phases = Phases()
        self._inquiry = Inquiry()
        self._headers_came = False  # and nobody has looked at them
        self._wake: float = inf  # when a reader wants to be told that nothing has come
        self._retry_at: float | None = None
        self._attempts = 1  # of this source
        self._waited: float = 0.0  # seconds of waiting for the backend since the last content
        self._silent: float = 0.0  # seconds of them that ended with a tick, and not with a byte
        self._loop: asyncio.AbstractEventLoop | None = None

    def _begin(self) -> None:
        """The request's first moment, on the consumer's event loop."""
        if self._opened:
            return
        self._opened = True
        self._clock = running_clock()
        self._meter = Meter(self._clock())
        self._phases.begin(self._meter.started)
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def _take(self, data: bytes, now: float) -> None:
        if not data:
            message = "the backend closed its answer before the end"
            self._end_or_retry("truncated", Failure("truncated", message))
            return
        self._meter.read(len(data), now)
        if self._timed:
            core = self._core
            self._accept(core.tick(now), now)
            if core is not self._core:
                return  # another backend is asked now
        self._accept(self._core.feed([data]), now)
        self._check_core()

    def _tick(self, now: float) -> None:
        """Nothing has come, and a core wanted to be told the time."""
        self._accept(self._core.tick(now), now)
        self._check_core()

    def _check_core(self) -> None:
        """A stage that broke ends the stream: what comes after it may lack something."""
        if self._core.error is not None and self.end is None:
            self._shut("error", Failure("stage", str(self._core.error)))

    def _accept(self, batch: list[Event], now: float) -> None:
        """Keep a batch for the consumer; `Done` ends the stream."""
        if not batch:
            return
        if self._meter.count(batch, now):
            self._waited = 0.0
            self._content = True
        if self._meter.done is None:
            self._keep(batch)
            return
        done, self._meter.done = self._meter.done, None
        core = self._core
        self._keep(batch[: batch.index(done)])
        if core is not self._core:
            return  # as in _take
        if done.failure is None:
            self._shut("complete")
        else:
            outcome: Outcome = "truncated" if done.failure.kind == "truncated" else "error"
            self._end_or_retry(outcome, self._source.scrub(done.failure))

    def _keep(self, batch: list[Event]) -> None:
        early = not self._answered
        if early:
            batch = self._hold(batch)
        if self._ready:
            self._ready = batch[::-1] + self._ready
        else:
            batch.reverse()
            self._ready = batch
        if early and self._refused is not None:
            self._leave(self._refused)

    def _hold(self, batch: list[Event]) -> list[Event]:
        """`Start`, and figures and extras behind it, wait for the first content: until then another
        attempt may still answer. A phase passes them."""
        kept: list[Event] = []
        for at, event in enumerate(batch):
            if isinstance(event, Phase):
                kept.append(self._phases.hear(event, self._clock()))
                self._inquiry.stop()
            elif isinstance(event, Start | Usage | Extra) and len(self._held) < HELD_LIMIT:
                self._held.append(event)
            else:
                self._refused = self._source.other_model(self._request.model, self._held)
                if self._refused is not None:
                    break
                self._answered = True
                held, self._held = self._held, []
                return kept + held + batch[at:]
        return kept

    def _leave(self, failure: Failure) -> None:
        """Another model answers than the one asked for, and that is an error: its content is not wanted."""
        self._core, self._content, self._refused = self._stage.core(), False, None
        if self._others:
            self._go_on(failure)
        else:
            self._shut("error", failure)

    # --- the end ------------------------------------------------------------------------------

    def _rescue(self) -> None:
        """Bytes that had arrived before the fault are delivered before the fault is told."""
        rest = self._connection.rescue() if self._connection is not None else b""
        if rest:
            self._take(rest, self._clock())

    def _end_or_retry(self, outcome: Outcome, failure: Failure) -> None:
        """Another attempt, as long as nothing but phases has come; then the fault is an event, unless
        the answer was whole already (every choice had finished) and only its end marker is missing."""
        self._check_core()
        if self.end is not None:
            return
        source, early = self._source, not self._answered
        self._attempts -= (turned := early and source.turns(self._connection, failure))
        delay = 0.0 if turned else None
        if early and not turned:
            delay = source.retry.delay(failure, self._attempts, others=bool(self._others))
        if delay is None and self._others and not self._answered and failure.kind not in _OURS:
            self._go_on(failure)
            return
        if delay is None:
            self._accept((core := self._core).finish(), self._clock())
            if self.end is None and self._core is core:  # an error held back may ask for another attempt
                self._shut(outcome, failure)
            return
        self._retry_at = (now := self._begin_again()) + delay
        name, detail = why_again(failure, delay)
        self._tell(name, now, detail, known=name == "loading")

    def _go_on(self, failure: Failure) -> None:
        """Another backend, with deadlines and attempts of its own."""
        failed = self._source.provider
        (self._source, self._request, self._stage), *self._others = self._others
        now = self._begin_again()
        self._attempts = 1
        self._meter.attempts += 1
        self._waited = self._silent = 0.0
        self._tell("connecting", now, f"{self._source.provider}, since {failed} failed: {failure.message}")

    def _begin_again(self) -> float:
        self._close()
        self._held, self._core = [], self._stage.core()
        self._timed = self._core.timed
        return self._clock()

    def _shut(self, outcome: Outcome, failure: Failure | None = None) -> None:
        """Synchronous, once: finish the cores, make `End`, let the connection go."""
        if self.end is not None:
            return
        now = self._clock()
        self.end = End(outcome)  # from here on nothing can end it again
        rest = [event for event in self._core.finish() if type(event) is not Done]
        self._meter.count(rest, now)
        self._keep(rest)
        self._ready = self._held[::-1] + self._ready
        self._held = []
        figures = self._core.figures()
        if self._core.error is not None and failure is None:
            outcome, failure = "error", Failure("stage", str(self._core.error))
        self.end = End(outcome, failure, self._meter.stats(now, figures))
        self._ready.insert(0, self.end)
        self._close(whole=outcome == "complete")
        log_end(self._source.provider, self._request.model, self.end)

    def _close(self, *, whole: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            (getattr(connection, "release", connection.close) if whole else connection.close)()

    def _tell(self, name: PhaseName, now: float, detail: str | None, *, known: bool = False) -> None:
        self._ready.insert(0, self._phases.say(name, now, detail, known=known))
