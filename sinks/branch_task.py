"""The work of one branch of a fanout: a sink, what waits for it, and how its part ends.

Law of this file: one task serves one sink, and whatever that sink does (raise, hang, leave, be slow
to close) stays in here. The sink gets exactly one `End` and is closed, however its part ends.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from math import inf
from typing import Any, cast

import anyio

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import ReceiverLeftError, SinkError
from tokenweir.pipeline.events import End, Event, Failure, Gap
from tokenweir.pipeline.sink import BranchReport, Fate, Sink
from tokenweir.sinks.backlog import Backlog

PATIENCE = 1.0
GOODBYE = 1.0
"""Seconds that a sink has at most once its part is cut short: half of them for an `End` of its own, and
half to close."""


class Branch:
    """What `branch` makes, for one fanout and one stream. All of it belongs to the fanout."""

    def __init__(
        self, sink: Sink, backlog: Backlog, name: str, *, patience: float | None, keeps_alive: bool
    ) -> None:
        self.name = name
        self.keeps_alive = keeps_alive
        self.outcome: Fate = "open"
        self.failure: Failure | None = None
        self.over = anyio.Event()
        """Its sink has seen its `End` and is closed."""
        self._sink = sink
        self._backlog = backlog
        waits = backlog.policy == "wait"
        self._room_patience = (inf if patience is None else patience) if waits else 0.0
        self._end_patience = (inf if waits else PATIENCE) if patience is None else patience
        self._delivered = 0
        self._lost = 0
        self._waited = 0.0
        self._moved = -inf
        self._told = False  # its sink has seen an End
        self._closed = False
        self._more = anyio.Event()
        self._room = anyio.Event()
        self._scope: anyio.CancelScope | None = None  # of its task, while that serves

    @property
    def open(self) -> bool:
        """Whether it is still served."""
        return self.outcome == "open"

    def report(self) -> BranchReport:
        """Its figures so far."""
        backlog = self._backlog
        return BranchReport(
            self.name,
            backlog.policy,
            self.outcome,
            self.failure,
            self._delivered,
            backlog.merged,
            backlog.dropped + self._lost,
            round(self._waited, 6),
        )

    # --- what the fanout does -----------------------------------------------------------------

    def offer(self, batch: Sequence[Event], weight: int) -> bool:
        """Hand over a batch, without waiting. False: it is worth waiting for room."""
        if self.open and not self._backlog.offer(batch, weight):
            if self._room_patience:
                return False
            self._refuse(batch, "as its policy says")
        self._more.set()
        return True

    async def wait_for_room(self, weight: int, began: float) -> None:
        """Until there is room, its patience has ended, or it is no longer served."""
        clock = running_clock()
        waiting = clock()
        with anyio.CancelScope(deadline=began + self._room_patience):
            while self.open and not self._backlog.fits(weight):
                self._room = anyio.Event()
                await self._room.wait()
        self._waited += clock() - waiting

    def admit(self, batch: Sequence[Event], weight: int) -> None:
        """After waiting: hand over a batch, or disconnect."""
        if self.open and not self._backlog.fits(weight):
            self._refuse(batch, f"after {self._room_patience:g} s of waiting for it")
        self.push(batch, weight)

    def push(self, batch: Sequence[Event], weight: int) -> None:
        """Hand over a batch beyond its bounds."""
        if self.open:
            self._backlog.push(batch, weight)
            self._more.set()

    async def outlast(self, since: float) -> None:
        """The stream has ended: wait for its sink as long as that moves, then disconnect it."""
        clock = running_clock()
        while self.open:
            due = max(since, self._moved) + self._end_patience
            if clock() >= due:
                self._refuse((), f"{self._end_patience:g} s after the end")
            with anyio.CancelScope(deadline=due):
                await self.over.wait()

    def cancel(self) -> None:
        """Serve it no longer: the stream was left."""
        self._leave("cancelled", Failure("cancelled", "the stream was left before its end"))

    def _refuse(self, batch: Sequence[Event], when: str) -> None:
        self._leave("disconnected", Failure("sink", f"the receiver fell behind: disconnected {when}"))
        self._lost += self._backlog.clear() + len(batch)

    def _leave(self, outcome: Fate, failure: Failure) -> None:
        if self.open:
            self.outcome, self.failure = outcome, failure
            self._room.set()
            if self._scope is not None:
                self._scope.cancel()

    # --- its task -----------------------------------------------------------------------------

    async def run(self, *, joined: bool = False) -> None:
        """Serve the sink to its end. Nothing of the sink's gets out; a cancellation does where `joined`,
        since the task is its caller's then."""
        try:
            async with AsyncExitStack() as life:
                if hasattr(self._sink, "__aenter__"):
                    await life.enter_async_context(cast("Any", self._sink))
                await self._serve_and_part(joined=joined)
        except BaseException as fault:
            self._fail(fault, joined=joined)
            cancelled = joined and isinstance(fault, anyio.get_cancelled_exc_class())
            if cancelled or isinstance(fault, KeyboardInterrupt | SystemExit):
                raise
        finally:
            self.over.set()

    async def _serve_and_part(self, *, joined: bool) -> None:
        try:
            # A task of the fanout's own outlives a cancellation by the End: the fanout ends it.
            with anyio.CancelScope(shield=not joined) as self._scope:
                await self._serve()
        except BaseException as fault:
            self._fail(fault, joined=joined)
            raise
        finally:
            await self._part()

    async def _serve(self) -> None:
        clock = running_clock()
        while not self._told:
            if not self.open:
                return
            batch = self._backlog.take()
            if not batch:
                self._more = anyio.Event()
                await self._more.wait()
                continue
            self._room.set()
            self._told = isinstance(batch[-1], End)
            await self._sink.send(batch)
            self._delivered += len(batch)
            self._moved = clock()
        self._closed = True
        await self._sink.aclose()
        if self.open:
            self.outcome = "complete"

    async def _part(self) -> None:
        """What is left to do for a sink whose part was cut short: an `End` of its own, and the closing."""
        try:
            if not self._told:
                with anyio.move_on_after(GOODBYE / 2, shield=True):
                    await self._sink.send(self._last_words())
        finally:
            if not self._closed:
                with anyio.move_on_after(GOODBYE / 2, shield=True):
                    await self._sink.aclose()

    def _last_words(self) -> list[Event]:
        wrong = self.outcome in ("failed", "disconnected")
        end = End("error" if wrong else "cancelled", self.failure)
        return [Gap(self._lost), end] if self._lost else [end]

    def _fail(self, fault: BaseException, *, joined: bool) -> None:
        """Its sink raised. A branch that is over already keeps what it is."""
        if not self.open:
            return
        self.outcome = "failed"
        if isinstance(fault, SinkError):
            self.outcome = "left" if isinstance(fault, ReceiverLeftError) else "failed"
            self.failure = fault.failure
        elif not isinstance(fault, anyio.get_cancelled_exc_class()):
            self.failure = Failure("sink", f"{type(fault).__name__}: {fault}")
        elif joined:
            self.outcome, self.failure = "left", Failure("cancelled", "who had joined was cancelled")
        else:
            self.failure = Failure("sink", "its own task was cancelled")
        self._room.set()
