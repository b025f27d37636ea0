"""Waiting for the backend: reads, phases, deadlines, attempts.

Law of this file: the one place where a stream waits, and how long it may. It owns no task and no
scope across a read. Until the first content it looks up once a second and says what is being waited
for; from then on a read is one await, and one lazy timer of the connection serves all deadlines.
"""

from math import inf

import anyio

from tokenweir.pipeline.connection import Connection, DeadlinePassed
from tokenweir.pipeline.deadlines import WAITED_FOR, late
from tokenweir.pipeline.events import Failure, Outcome, PhaseName
from tokenweir.pipeline.overdue import GRAIN, Overdue
from tokenweir.pipeline.sources.base import BODY_WAIT

TICK = 1.0
"""Seconds between two `Phase` events while nothing comes."""


class Waiting(Overdue):
    """The reads of one answer."""

    async def _pull(self) -> None:
        connection = self._connection
        if connection is None or not self._content:
            await self._pull_early()
            return
        now = self._clock()
        deadline = connection.deadline = self._next_deadline(now)
        if deadline < connection.armed:
            connection.arm()
        due = min(self._core_due(), self._wake) if self._timed else self._wake
        try:
            data = await connection.read() if due == inf else await self._read_until(connection, due - now)
        except Exception as fault:  # noqa: BLE001 - every fault of a connection becomes an End
            connection.deadline = inf
            self._fault(fault, now)
            return
        connection.deadline = inf
        later = self._clock()
        self._waited += later - now
        if data is None:
            self._silent += later - now
            self._tick(later)
        else:
            self._silent = 0.0
            self._take(data, later)

    def _core_due(self) -> float:
        """When a core wants to be told the time: at once where it broke in saying so."""
        due = self._core.deadline()
        if self._core.error is not None:
            return -inf
        return inf if due is None else due

    async def _read_until(self, connection: Connection, seconds: float) -> bytes | None:
        """A core holds something until then: look up in time."""
        with anyio.move_on_after(max(0.0, seconds)):
            return await connection.read()
        return None

    async def _pull_early(self) -> None:
        """Before the first content: the only time when the driver looks up from waiting."""
        self._begin()
        now = self._clock()
        connection = self._connection
        if self._retry_at is not None:
            await self._wait_for_retry(now)
        elif connection is None:
            self._open(now)
        elif self._headers_came:
            await self._head(connection, now)
        else:
            with anyio.move_on_after(self._early_wait(now)) as scope:
                await self._read_early(connection, now)
            if scope.cancelled_caught and self.end is None and not self._content:
                self._look_up(self._clock())

    async def _read_early(self, connection: Connection, now: float) -> None:
        """One read; beside it a question, where one is due. Bytes that come meanwhile win."""
        if not connection.connected or self._inquiry.due > now + GRAIN:
            await self._keep_early(connection)
            return
        bug: Exception | None = None
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._ask, now)
            try:
                await self._keep_early(connection)
            except Exception as raised:  # noqa: BLE001 - it goes on as it is, and not in the group's own
                bug = raised
            beside.cancel_scope.cancel()
        if bug is not None:
            raise bug

    async def _keep_early(self, connection: Connection) -> None:
        """No await stands between the read and keeping what it brought."""
        began = self._clock()
        try:
            try:
                data = await connection.read()
            finally:  # also where the wait was cut off
                self._waited += self._clock() - began
        except Exception as fault:  # noqa: BLE001 - as in _pull
            self._fault(fault, began)
            return
        if self.end is not None:
            return  # another task left meanwhile
        if data is None:
            self._headers_came = True
        else:
            self._take(data, self._clock())

    async def _ask(self, now: float) -> None:
        told = await self._inquiry.ask(self._source, self._request, now)
        if told is not None and not self._answered:
            self._phases.learn(told)

    def _open(self, now: float) -> None:
        self._connection = self._source.open(self._request)
        self._body, self._body_waited = bytearray(), 0.0
        self._headers_came = False
        self._inquiry.begin(now)
        if self._attempts == 1:
            self._source.retry.request()
            if self._source.remote and self._meter.attempts == 1:
                self._tell("connecting", now, None)

    def _early_wait(self, now: float) -> float:
        """Until when to wait for the backend without looking up. A consumer that is slower than the
        phases gets the whole time, else nothing would ever arrive."""
        pause = self._phases.told + TICK - now
        due = min(self._core_due(), self._wake) if self._timed else self._wake
        until = min(TICK if pause <= GRAIN else pause, due - now)
        if self._inquiry.due > now + GRAIN:
            until = min(until, self._inquiry.due - now)
        return max(GRAIN, min(until, self._early_budget(now)))

    def _look_up(self, now: float) -> None:
        """Nothing has come."""
        if self._early_budget(now) <= GRAIN:
            self._deadline(self._early_name(now))
            return
        if self._timed:
            self._tick(now)
        if self.end is None:
            self._tick_phase(self._waiting(), now)

    def _tick_phase(self, name: PhaseName, now: float) -> None:
        if now >= self._phases.told + TICK - GRAIN:
            self._ready.insert(0, self._phases.tick(name, now))

    async def _wait_for_retry(self, now: float) -> None:
        due = self._retry_at or now
        until = min(self._phases.told + TICK, due, self._wake, now + self._early_budget(now))
        try:
            await anyio.sleep(max(0.0, until - now))
        finally:
            later = self._clock()
            self._waited += later - now
        if self._early_budget(later) <= GRAIN:
            self._deadline(self._early_name(later))
        elif later >= due - GRAIN:
            self._retry_at = None
            self._attempts += 1
            self._meter.attempts += 1
        else:
            self._tick_phase(self._phases.name, later)

    async def _head(self, connection: Connection, now: float) -> None:
        """The headers have come."""
        self._meter.read(0, now)
        if self._source.accepts(connection.status or 0, connection.headers):
            self._headers_came = False
        else:
            await self._refused_so_far(connection, now)

    async def _refused_so_far(self, connection: Connection, now: float) -> None:
        """The body of a refusal, looked up from as any other wait; one that is cut off goes on with what it
        has."""
        left = min(self._early_budget(now), BODY_WAIT - self._body_waited)
        pause = min(left, self._early_wait(now))
        try:
            await self._source.read_body(connection, pause, self._body)
        finally:
            later = self._clock()
            self._waited += later - now
            self._body_waited += later - now
        if self.end is not None:
            return
        if later - now >= pause - GRAIN and pause < left - GRAIN:
            if self._timed:
                self._tick(later)
            self._tick_phase(self._phases.name, later)
            return
        self._headers_came = False
        told = self._source.refusal(connection.status or 0, connection.headers, bytes(self._body))
        self._end_or_retry("error", told)

    def _waiting(self) -> PhaseName:
        if self._connection is None:
            return self._phases.name
        if not self._connection.connected:
            return "connecting"
        return self._source.waiting if self._phases.name == "connecting" else self._phases.name

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
        if self.end is not None or self._retry_at is not None:
            return  # what was rescued has decided already
        outcome: Outcome = {"timeout": "timeout", "truncated": "truncated"}.get(failure.kind, "error")  # type: ignore[assignment]
        self._end_or_retry(outcome, failure)

    # --- deadlines ----------------------------------------------------------------------------

    def _deadline(self, name: str) -> None:
        what, hint = self._phases.waited_for(self._waiting()) if name == "first_token" else WAITED_FOR[name]
        self._rescue()
        if self.end is None:
            self._end_or_retry("timeout", late(name, getattr(self._source.deadlines, name), what, hint))
