"""Stream: one answer, pulled event by event.

Law of this file: the order of things in the life of one stream, and nothing of any backend. It owns
no task and no scope across a read (measured: a producer task with a channel costs twice the CPU), so
leaving it early poisons nothing. One network read at a time; no await stands between a read and
keeping what it brought, so a cancelled consumer loses nothing that was delivered.

    connecting ─> waiting ─> flowing ─> over
        │  retry    │          │
        └───────────┴──────────┴─ fault, deadline, cancel: rescue, finish the cores, one End

Until the first content, the driver looks up once a second and says what is being waited for. From
then on a read is one await, and one lazy timer of the connection serves all deadlines.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator
from math import inf
from types import TracebackType
from typing import Any, Self

import anyio

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import MisuseError, error_for
from tokenweir.pipeline.events import Done, End, Event, Failure, Outcome, Phase, PhaseName, Start
from tokenweir.pipeline.log import log_end
from tokenweir.pipeline.meter import Meter
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.stage import FusedCore, Stage
from tokenweir.pipeline.transport import Connection, DeadlinePassed

TICK = 1.0
"""Seconds between two `Phase` events while nothing comes."""

_GRAIN = 1e-6
"""Seconds: less than any deadline, more than the rounding of sums of times."""

_WAITED_FOR = {
    "first_token": "the first token; a large model may still be loading: allow more with",
    "silence": "any byte; the backend may hang. Allow more with",
    "between_tokens": "the next token. Allow more with",
    "total": "the end of the answer. Allow more with",
}


class Stream:
    """The events of one answer: an async iterator, best used as `async with`.

    `End` is always the last event. After an `End` whose outcome is not `complete`, the next step
    raises the StreamError that belongs to it (unless `check=False`), so that nobody takes a broken
    answer for a whole one. `end` is the stream's `End` once there is one, however it ended.

    Raises MisuseError where it is read twice, or by two tasks at once.
    """

    def __init__(
        self, source: Source, request: Request, stage: Stage[bytes, Event], *, check: bool = True
    ) -> None:
        self.end: End | None = None
        self._opened = False
        self._source = source
        self._request = request
        self._stage = stage
        self._check = check
        self._ready: list[Event] = []  # reversed: the next event is the last
        self._connection: Connection | None = None
        self._core: FusedCore[bytes, Event] = stage.core()
        self._timed = self._core.timed
        self._iterated = False
        self._reading = False
        self._raised = False
        self._content = False  # text or tool calls have come
        self._answered = False  # anything but phases has come: no other attempt any more
        self._start: Start | None = None
        self._cause: Exception | None = None
        self._phase: PhaseName = "connecting"
        self._told = -inf
        self._retry_at: float | None = None
        self._waited = 0.0  # seconds of waiting for the backend since the last content
        self._silent = 0.0  # seconds of them that ended with a tick, and not with a byte
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- the consumer's side ------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[Event]:
        self._once()
        return self

    async def __anext__(self) -> Event:
        if self._ready:
            return self._ready.pop()
        await self._fill()
        return self._ready.pop()

    def batches(self) -> AsyncIterator[list[Event]]:
        """The same events, in lists: those of one network read together."""
        self._once()
        return _Batches(self)

    def _once(self) -> None:
        if self._iterated:
            msg = "this stream is being read already: call pipeline.stream(...) for another one, or fan out"
            raise MisuseError(msg)
        self._iterated = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave: the upstream is closed at once. Nothing more is delivered; `end` is recorded."""
        if self.end is None:
            self._begin()
            self._shut("cancelled", Failure("cancelled", "the consumer left before the end"))
        self._ready.clear()
        self._raised = True

    def __del__(self) -> None:
        if self._opened and self.end is None and self._connection is not None:
            if self._loop is None:
                self._connection.close()
            elif not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._connection.close)
            warnings.warn(f"unclosed {self!r}: use `async with`", ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        state = self.end.outcome if self.end else ("flowing" if self._content else self._phase)
        return f"<Stream of {self._source.provider}: {state}>"

    # --- pulling ------------------------------------------------------------------------------

    async def _fill(self) -> None:
        """Read until there is an event. Raises StopAsyncIteration, or the failure after its End."""
        if self._reading:
            msg = "another task is reading this stream: give each reader its own stream, or fan out"
            raise MisuseError(msg)
        self._reading = True
        try:
            while not self._ready:
                if self.end is not None:
                    self._stop()
                await self._pull()
        except BaseException:
            if self.end is None:
                self._shut("cancelled", Failure("cancelled", "the consumer was cancelled or interrupted"))
                self._ready.clear()
            raise
        finally:
            self._reading = False

    def _stop(self) -> None:
        end = self.end
        if (
            self._check
            and end is not None
            and end.outcome not in ("complete", "cancelled")
            and not self._raised
        ):
            self._raised = True
            bug = self._core.error
            raise error_for(end) from (self._cause if bug is None else bug.__cause__)
        raise StopAsyncIteration

    def _begin(self) -> None:
        """The request's first moment, on the consumer's event loop."""
        if self._opened:
            return
        self._opened = True
        self._clock = running_clock()
        self._told = self._clock()
        self._meter = Meter(self._told)
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    async def _pull(self) -> None:
        if not self._content:
            await self._pull_early()
            return
        connection = self._connection
        if connection is None:
            return
        now = self._clock()
        deadline = connection.deadline = self._next_deadline(now)
        if deadline < connection.armed:
            connection.arm()
        due = self._core.deadline() if self._timed else None
        try:
            data = await connection.read() if due is None else await self._read_until(connection, due - now)
        except Exception as fault:  # noqa: BLE001 - every fault of a connection becomes an End
            connection.deadline = inf
            self._fault(fault, now)
            return
        connection.deadline = inf
        later = self._clock()
        self._waited += later - now
        if data is None:
            self._silent += later - now
            self._accept(self._core.tick(later), later)
        else:
            self._silent = 0.0
            self._take(data, later)

    async def _read_until(self, connection: Connection, seconds: float) -> bytes | None:
        """A core holds something until then: look up in time."""
        with anyio.move_on_after(max(0.0, seconds)):
            return await connection.read()
        return None

    async def _pull_early(self) -> None:
        """Before the first content: the only time when the driver looks up from waiting."""
        self._begin()
        now = self._clock()
        if self._retry_at is not None:
            await self._wait_for_retry(now)
            return
        connection = self._connection
        if connection is None:
            self._open(now)
            return
        data: bytes | None = None
        try:
            with anyio.move_on_after(self._early_wait(now)) as scope:
                data = await connection.read()
        except Exception as fault:  # noqa: BLE001 - as in _pull
            self._fault(fault, now)
            return
        later = self._clock()
        self._waited += later - now
        if self.end is not None:
            return  # another task left meanwhile
        if data is not None:
            self._take(data, later)
        elif not scope.cancelled_caught:
            await self._head(connection, later)
        else:
            self._look_up(later)

    def _open(self, now: float) -> None:
        self._connection = self._source.open(self._request)
        if self._meter.attempts == 1:
            self._source.retry.request()
            if self._source.remote:
                self._tell("connecting", now)

    def _early_wait(self, now: float) -> float:
        """Until when to wait for the backend without looking up. A consumer that is slower than the
        phases gets the whole time, else nothing would ever arrive."""
        pause = self._told + TICK - now
        due = self._core.deadline() if self._timed else None
        until = min(TICK if pause <= _GRAIN else pause, inf if due is None else due - now)
        return max(_GRAIN, min(until, self._early_budget(now)))

    def _look_up(self, now: float) -> None:
        """Nothing has come."""
        if self._early_budget(now) <= _GRAIN:
            self._deadline(self._early_name(now))
            return
        if self._timed:
            self._accept(self._core.tick(now), now)
        if now >= self._told + TICK - _GRAIN:
            self._tell(self._waiting(), now)

    async def _wait_for_retry(self, now: float) -> None:
        due = self._retry_at or now
        await anyio.sleep(max(0.0, min(self._told + TICK, due, now + self._early_budget(now)) - now))
        later = self._clock()
        self._waited += later - now
        if self._early_budget(later) <= _GRAIN:
            self._deadline(self._early_name(later))
        elif later >= due - _GRAIN:
            self._retry_at = None
            self._meter.attempts += 1
        elif later >= self._told + TICK - _GRAIN:
            self._tell(self._phase, later)

    async def _head(self, connection: Connection, now: float) -> None:
        """The headers have come."""
        self._meter.read(0, now)
        if not self._source.accepts(connection.status or 0, connection.headers):
            body = await self._source.read_body(connection)
            self._end_or_retry(
                "error", self._source.refusal(connection.status or 0, connection.headers, body)
            )

    def _waiting(self) -> PhaseName:
        if self._connection is not None and not self._connection.connected:
            return "connecting"
        return self._source.waiting if self._phase == "connecting" else self._phase

    def _tell(self, name: PhaseName, now: float, detail: str | None = None) -> None:
        self._phase, self._told = name, now
        if self.end is None:
            self._ready.insert(0, Phase(name, None, detail, round(now - self._meter.started, 3)))

    # --- deadlines ----------------------------------------------------------------------------

    def _early_budget(self, now: float) -> float:
        allowed, total = self._source.deadlines.first_token, self._source.deadlines.total
        left = inf if allowed is None else allowed - self._waited
        return left if total is None else min(left, self._meter.started + total - now)

    def _early_name(self, now: float) -> str:
        total = self._source.deadlines.total
        over = total is not None and now >= self._meter.started + total - _GRAIN
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
        first = self._next_deadline(now) + _GRAIN
        limits = self._source.deadlines
        if limits.total is not None and self._meter.started + limits.total <= first:
            return "total"
        if limits.between_tokens is not None and now + limits.between_tokens - self._waited <= first:
            return "between_tokens"
        return "silence"

    def _deadline(self, name: str) -> None:
        seconds = getattr(self._source.deadlines, name)
        message = f"waited {seconds:g} s for {_WAITED_FOR[name]} Deadlines({name}=...)"
        self._rescue()
        if self.end is None:
            self._end_or_retry("timeout", Failure("timeout", message, name))

    # --- what came ----------------------------------------------------------------------------

    def _take(self, data: bytes, now: float) -> None:
        if not data:
            message = "the backend closed its answer before the end"
            self._end_or_retry("truncated", Failure("truncated", message))
            return
        self._meter.read(len(data), now)
        if self._timed:
            self._accept(self._core.tick(now), now)
        self._accept(self._core.feed([data]), now)
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
        self._keep(batch[: batch.index(done)])
        if done.failure is None:
            self._shut("complete")
        else:
            outcome: Outcome = "truncated" if done.failure.kind == "truncated" else "error"
            self._end_or_retry(outcome, self._source.scrub(done.failure))

    def _keep(self, batch: list[Event]) -> None:
        """`Start` waits for the first content: until then another attempt may still answer."""
        if not self._answered:
            batch = self._hold_start(batch)
        if self._ready:
            self._ready = batch[::-1] + self._ready
        else:
            batch.reverse()
            self._ready = batch

    def _hold_start(self, batch: list[Event]) -> list[Event]:
        kept: list[Event] = []
        for event in batch:
            if isinstance(event, Start):
                self._start = event
                continue
            if isinstance(event, Phase):
                self._phase, self._told = event.name, self._clock()
            else:
                self._answered = True
                if self._start is not None:
                    kept.append(self._start)
                    self._start = None
            kept.append(event)
        return kept

    # --- the end ------------------------------------------------------------------------------

    def _fault(self, fault: Exception, began: float) -> None:
        """A read that began at `began` failed. Another task may have left meanwhile: then it is over."""
        connection = self._connection
        if connection is None or self.end is not None:
            return
        if isinstance(fault, DeadlinePassed):
            self._deadline(self._late_name(began))
            return
        failure = connection.failure(fault)
        if failure is None:
            self._cause = fault
            self._shut("error", Failure("upstream", f"the transport broke: {type(fault).__name__}"))
            return
        self._rescue()
        if self.end is not None:
            return
        outcome: Outcome = {"timeout": "timeout", "truncated": "truncated"}.get(failure.kind, "error")  # type: ignore[assignment]
        self._end_or_retry(outcome, failure)

    def _rescue(self) -> None:
        """Bytes that had arrived before the fault are delivered before the fault is told."""
        rest = self._connection.rescue() if self._connection is not None else b""
        if rest:
            self._take(rest, self._clock())

    def _end_or_retry(self, outcome: Outcome, failure: Failure) -> None:
        """Another attempt, as long as nothing but phases has come; then the fault is an event, unless
        the answer was whole already (every choice had finished) and only its end marker is missing."""
        if self.end is not None:
            return
        delay = None if self._answered else self._source.retry.delay(failure, self._meter.attempts)
        if delay is None:
            self._accept(self._core.finish(), self._clock())
            if self.end is None:
                self._shut(outcome, failure)
            return
        self._close()
        self._start, self._core = None, self._stage.core()
        now = self._clock()
        self._retry_at = now + delay
        loading = failure.kind == "model_loading"
        detail = failure.message if loading else f"again in {delay:.1f} s: {failure.message}"
        self._tell("loading" if loading else "connecting", now, detail)

    def _shut(self, outcome: Outcome, failure: Failure | None = None) -> None:
        """Synchronous, once: finish the cores, make `End`, let the connection go."""
        if self.end is not None:
            return
        now = self._clock()
        self.end = End(outcome)  # from here on nothing can end it again
        rest = [event for event in self._core.finish() if type(event) is not Done]
        self._meter.count(rest, now)
        self._keep(rest)
        if self._start is not None:
            self._ready.insert(0, self._start)
        if self._core.error is not None and failure is None:
            outcome, failure = "error", Failure("stage", str(self._core.error))
        self.end = End(outcome, failure, self._meter.stats(now, self._core.figures()))
        self._ready.insert(0, self.end)
        self._close(whole=outcome == "complete")
        log_end(self._source.provider, self._request.model, self.end)

    def _close(self, *, whole: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            (getattr(connection, "release", connection.close) if whole else connection.close)()


class _Batches:
    """The batches of one stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        return self

    async def __anext__(self) -> list[Event]:
        stream: Any = self._stream
        if not stream._ready:  # noqa: SLF001 - the second face of the same object
            await stream._fill()  # noqa: SLF001 - as above
        batch: list[Event] = stream._ready[::-1]  # noqa: SLF001 - as above
        stream._ready.clear()  # noqa: SLF001 - as above
        return batch
