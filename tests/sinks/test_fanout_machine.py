"""fanout under any course of events: what a branch got is always a beginning of what was sent.

The machine drives a real fanout on a real event loop in virtual time. Its model is a list: what was
handed to `send`. A rule is something that happens to the run or to one sink; after each, every branch
is held against the model.
"""

import asyncio
import re
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any

import anyio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.sinks.receivers import Kept
from tests.virtual import VirtualLoop
from tokenweir.pipeline.errors import ReceiverLeftError, SinkError
from tokenweir.pipeline.events import Delta, End, Event
from tokenweir.sinks import branch, fanout
from tokenweir.sinks.branch_task import Branch

BATCHES, NBYTES = 4, 2000
MOST = 6
"""Sinks in one example."""
POLICIES = st.sampled_from(["wait", "merge", "drop_oldest", "disconnect"])
PATIENCE = st.sampled_from([0.0, 0.5, 3.0])
WHICH = st.integers(0, MOST - 1)


class Driven(Kept):
    """A sink that stalls and breaks when it is told to, and that watches what is done to it."""

    def __init__(self, *, replayed: bool) -> None:
        super().__init__()
        self.replayed = replayed
        self.since = 0
        """How much had been sent when it joined."""
        self.stalled = False
        self.fault: Exception | None = None
        self._told = asyncio.Event()

    async def send(self, batch: Sequence[Event]) -> None:
        assert batch
        assert "closed" not in self.calls, "it is closed"
        assert not self.ends, "it has had its End"
        await super().send(batch)

    async def take(self) -> None:
        while self.stalled:
            self._told.clear()
            await self._told.wait()
        if self.fault is not None:
            raise self.fault

    def go_on(self) -> None:
        """Stall no more."""
        self.stalled = False
        self._told.set()

    @property
    def numbers(self) -> list[int]:
        """Which of the numbered deltas it got."""
        return [int(number) for number in re.findall(r"<(\d+)>", self.text)]


class Course(RuleBasedStateMachine):
    """One stream into one fanout."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.read: deque[list[Event]] = deque()
        """What the stream has brought, and the run has not taken yet."""
        self.more = asyncio.Event()
        self.number = 0
        self.sent: list[str] = []
        self.sinks: list[Driven] = []
        self.joiners: list[asyncio.Task[Any]] = []
        self.sending: anyio.CancelScope | None = None
        self.host: asyncio.Task[None] | None = None

    def let(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Let the loop run until this is done."""
        return self.loop.run_until_complete(work)

    def sink(self, policy: Any, patience: float, *, replay: bool = False) -> Branch:
        """One sink more, as a branch."""
        sink = Driven(replayed=replay)
        self.sinks.append(sink)
        return branch(sink, policy, patience=patience, batches=BATCHES, nbytes=NBYTES)

    @initialize(specs=st.lists(st.tuples(POLICIES, PATIENCE), min_size=1, max_size=3))
    def begin(self, specs: list[tuple[str, float]]) -> None:
        """The run enters its fanout."""
        self.fan = fanout(*(self.sink(policy, patience) for policy, patience in specs), history=True)
        self.host = self.loop.create_task(self.run_it())
        self.let(anyio.sleep(0.01))

    async def run_it(self) -> None:
        """As a run does: one batch after the other, until the End, or until nobody is left."""
        async with self.fan:
            while True:
                while not self.read:
                    self.more.clear()
                    await self.more.wait()
                batch = self.read.popleft()
                self.sent.extend(event.text for event in batch if isinstance(event, Delta))
                try:
                    with anyio.CancelScope() as self.sending:
                        await self.fan.send(batch)
                except SinkError:
                    return
                if isinstance(batch[-1], End):
                    return

    @rule(sizes=st.lists(st.sampled_from([1, 1, 1, 700, 3000]), min_size=1, max_size=4))
    def send(self, sizes: list[int]) -> None:
        """A read brings so many deltas."""
        batch: list[Event] = []
        for size in sizes:
            batch.append(Delta(f"<{self.number}>".ljust(size, ".")))
            self.number += 1
        self.read.append(batch)
        self.more.set()
        self.let(anyio.sleep(0.001))

    @rule()
    def end(self) -> None:
        """The stream ends; what comes after that nobody reads."""
        self.read.append([End("complete")])
        self.more.set()
        self.let(anyio.sleep(0.001))

    @precondition(lambda self: self.sending is not None)
    @rule()
    def interrupt(self) -> None:
        """Somebody gives up one `send`, and goes on with the next."""

        async def give_up() -> None:
            assert self.sending is not None
            self.sending.cancel()
            await anyio.sleep(0.001)

        self.let(give_up())

    @rule(which=WHICH)
    def stall(self, which: int) -> None:
        """A sink hangs at its next batch."""
        self.sinks[which % len(self.sinks)].stalled = True

    @rule(which=WHICH)
    def go_on(self, which: int) -> None:
        """It hangs no more."""
        self.sinks[which % len(self.sinks)].go_on()
        self.let(anyio.sleep(0.001))

    @rule(which=WHICH, fault=st.sampled_from([ReceiverLeftError("gone"), ValueError("broken")]))
    def fail(self, which: int, fault: Exception) -> None:
        """A sink raises at its next batch."""
        self.sinks[which % len(self.sinks)].fault = fault

    @precondition(lambda self: len(self.sinks) < MOST)
    @rule(policy=POLICIES, patience=PATIENCE, replay=st.booleans())
    def join(self, policy: str, patience: float, replay: bool) -> None:  # noqa: FBT001 - drawn by name
        """One more comes, while the stream flows or later."""

        async def come() -> None:
            one = self.sink(policy, patience, replay=replay)
            self.sinks[-1].since = len(self.sent)
            await self.fan.join(one, replay=replay)

        self.joiners.append(self.loop.create_task(come()))
        self.let(anyio.sleep(0.001))

    @precondition(lambda self: self.joiners)
    @rule(which=WHICH)
    def leave(self, which: int) -> None:
        """One that came is cancelled."""
        self.joiners[which % len(self.joiners)].cancel()
        self.let(anyio.sleep(0.001))

    @rule(seconds=st.sampled_from([0.01, 0.6, 4.0]))
    def tick(self, seconds: float) -> None:
        """Time passes."""
        self.let(anyio.sleep(seconds))

    @invariant()
    def a_beginning_of_what_was_sent(self) -> None:
        """P1, P12: a lossless branch got a beginning of it; another one got its numbers in order."""
        for sink, report in zip(self.sinks, self.fan.figures, strict=True):
            there = "".join(self.sent if sink.replayed else self.sent[sink.since :])
            if report.policy == "drop_oldest":
                assert sink.numbers == sorted(set(sink.numbers))
            else:
                assert there.startswith(sink.text)
            if report.outcome == "complete":
                assert sink.text == there or sink.missing
                assert sink.replayed or len(sink.numbers) + sink.missing == len(self.sent) - sink.since
            assert len(sink.ends) <= 1
            assert sink.calls.count("closed") <= 1

    def teardown(self) -> None:
        """The run is cancelled: every sink has had one End and is closed, and no task is left."""
        if self.host is not None:
            self.let(self.cancel())
            for sink, report in zip(self.sinks, self.fan.figures, strict=True):
                assert (len(sink.ends), sink.calls.count("closed"), sink.calls[-1]) == (1, 1, "closed"), (
                    report
                )
                assert report.outcome != "open"
        assert asyncio.all_tasks(self.loop) == set()
        self.loop.close()

    async def cancel(self) -> None:
        """In bounded time, whatever the sinks do."""
        assert self.host is not None
        self.host.cancel()
        with anyio.fail_after(5):
            await asyncio.wait([self.host])
        for joiner in self.joiners:
            joiner.cancel()
        with anyio.fail_after(5):
            await asyncio.gather(*self.joiners, return_exceptions=True)  # noqa: TID251 - all are over, or cancelled


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
