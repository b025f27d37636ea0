"""fanout: one stream into several sinks, of which none harms another beyond its policy.

Law of this file: who gets which batch, and when the stream may go on; what one sink does is
branch.py's, what waits for it backlog.py's. It holds one task per branch, so it is entered like any
task group; a batch goes to all branches before anybody is waited for.

                       ┌─ backlog ─ task ─> sink        wait: a full backlog holds `send`
    send(batch) ───────┼─ backlog ─ task ─> sink        merge, drop_oldest: a full one makes room
                       └─ backlog ─ task ─> sink        disconnect: a full one ends its branch
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError, SinkError
from tokenweir.pipeline.events import End, Event, Failure
from tokenweir.pipeline.sink import BranchReport, Sink
from tokenweir.sinks.backlog import weigh
from tokenweir.sinks.branch import branch
from tokenweir.sinks.branch_task import Branch
from tokenweir.sinks.so_far import SoFar


def fanout(*sinks: Sink | Branch, history: bool = False) -> "Fanout":
    """Send each event to all of these sinks, each at its own pace.

    A bare sink that comes first is `branch(sink, "wait")`: the run goes at its pace. Every other one
    is `branch(sink, "disconnect")`: it costs the others nothing. `branch` says what else there is.

    A branch that fails, leaves or is disconnected gets an `End` of its own and is closed; the others
    go on, and `figures` tells. `send` raises ReceiverLeftError when the last one has left, so that the
    run ends, and SinkError where one of them failed.

    `history=True` keeps the answer so far (its memory is the answer's size) for
    `join(sink, replay=True)`.

    One fanout serves one stream. `Pipeline.run` enters it; by hand it is
    `async with fanout(a, b) as out: await out.send(batch)`. Raises MisuseError where no branch keeps
    the run alive, or a branch is given twice; its `send` raises StageError at a `Snapshot`.
    """
    branches: list[Branch] = []
    for sink in sinks:
        branches.append(_branch(sink, first=not branches))
    if len({id(one) for one in branches}) < len(branches):
        raise MisuseError("fanout(): the same branch stands there twice")
    if not any(one.keeps_alive for one in branches):
        raise MisuseError("fanout() needs a sink that keeps the run alive: fanout(stdout(), websocket(ws))")
    return Fanout(branches, SoFar() if history else None)


class Fanout:
    """The sink that `fanout` makes."""

    def __init__(self, branches: list[Branch], so_far: SoFar | None) -> None:
        self._own = branches  # served by tasks of its own; who joins brings one
        self._branches = list(branches)
        self._so_far = so_far
        self._group: TaskGroup | None = None
        self._entered = 0
        self._end: End | None = None
        self._over = False

    @property
    def figures(self) -> tuple[BranchReport, ...]:
        """What each branch did, in the order in which they came."""
        return tuple(one.report() for one in self._branches)

    async def __aenter__(self) -> Self:
        """Start a task for each branch. Entered again from within, it counts and does nothing."""
        self._entered += 1
        if self._entered == 1:
            if self._over:
                raise MisuseError("a fanout serves one stream: make another one")
            self._group = anyio.create_task_group()
            await self._group.__aenter__()
            for one in self._own:
                self._group.start_soon(one.run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what is still open, and wait for it: GOODBYE seconds at most."""
        self._entered -= 1
        group = self._group
        if self._entered == 0 and group is not None:
            self._cut()
            # Without the error: a task group would wrap it, and no task of ours needs to be told.
            await group.__aexit__(None, None, None)
            self._group = None

    async def send(self, batch: Sequence[Event]) -> None:
        """Hand a batch to every branch. Returns when each has room for it, was not worth waiting for or,
        where it holds the `End`, is through with it. Raises as told at `fanout`."""
        if self._group is None:
            raise MisuseError(
                "a fanout is entered first: async with fanout(...) as out: await out.send(batch)"
            )
        if self._over or self._end is not None:
            raise MisuseError("a fanout serves one stream, and this one has ended")
        weight = weigh(batch)
        if self._so_far is not None:
            self._so_far.feed(batch)
        if isinstance(batch[-1], End):
            self._end = batch[-1]
        await self._hand_out(batch, weight)
        if self._end is not None:
            ended = running_clock()()
            for one in list(self._branches):
                await one.outlast(ended)
        self._check()

    async def _hand_out(self, batch: Sequence[Event], weight: int) -> None:
        began = running_clock()()
        full = [one for one in self._branches if not one.offer(batch, weight)]
        try:
            # Also where nobody is full: the tasks of the branches must get their turn.
            await anyio.lowlevel.checkpoint()
            while full:
                await full[0].wait_for_room(weight, began)
                full.pop(0).admit(batch, weight)
        finally:
            for interrupted in full:  # nothing is lost: what comes next, an End perhaps, comes after it
                interrupted.push(batch, weight)

    async def aclose(self) -> None:
        """No event will follow: end what is still open, and wait for it."""
        self._cut()
        if self._group is not None:
            for one in list(self._branches):
                await one.over.wait()

    async def join(self, sink: Sink | Branch, *, replay: bool = False) -> BranchReport:
        """Take part from now on, and return when this sink's part is over. Cancelled, it leaves.

        From any task of the same event loop, while the stream flows or after it: then the sink gets the
        `End` alone. `replay=True` sends first what was so far, in few events: `Start`, one delta per
        channel, revisions applied, one per tool call, what nobody models, ends and figures.

        A bare sink is `branch(sink, "disconnect")`. Raises MisuseError where the fanout keeps no history.
        """
        joining = _branch(sink, first=False)
        if joining in self._branches:
            raise MisuseError("this branch has a place in this fanout already")
        if replay:
            if self._so_far is None:
                raise MisuseError("join(replay=True) needs what was so far: fanout(..., history=True)")
            so_far = self._so_far.replay()
            if so_far:
                joining.push(so_far, weigh(so_far))
        if self._end is not None:
            joining.push([self._end], weigh([self._end]))
        elif self._over:
            joining.cancel()
        self._branches.append(joining)
        await joining.run(joined=True)
        return joining.report()

    def _cut(self) -> None:
        self._over = True
        for one in self._branches:
            one.cancel()

    def _check(self) -> None:
        """Raise where nobody is left for whom the run goes on."""
        keepers = [one for one in self._branches if one.keeps_alive]
        if any(one.outcome in ("open", "complete") for one in keepers):
            return
        if all(one.outcome in ("left", "cancelled") for one in keepers):
            raise ReceiverLeftError("no receiver of the fanout is left")
        told = [f"{one.name}: {one.failure.message}" for one in keepers if one.failure]
        raise SinkError(Failure("sink", f"no branch of the fanout is left; {'; '.join(told)}"))


def _branch(sink: Sink | Branch, *, first: bool) -> Branch:
    if isinstance(sink, Branch):
        return sink
    return branch(sink, "wait" if first else "disconnect")
