"""Whatever one sink does stays in its branch: it gets one End, is closed, and the others go on."""

import asyncio
from contextlib import suppress
from typing import Any

import anyio
import pytest

from tests.sinks.receivers import Broken, Kept, Stuck
from tests.virtual import virtual
from tokenweir.pipeline.errors import ReceiverLeftError, SinkError
from tokenweir.pipeline.events import Delta, End, Failure, Gap
from tokenweir.pipeline.sink import BranchReport, Sink
from tokenweir.sinks import branch, fanout, stdout
from tokenweir.sinks.branch_task import GOODBYE, PATIENCE

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


COMPLETE = End("complete")
LEFT = ReceiverLeftError("gone")
LATE = SinkError(Failure("timeout", "took no byte", "write"))


class Stop(BaseException):
    """Not an Exception."""


async def beside(sink: Sink, count: int = 5, **options: Any) -> tuple[Kept, BranchReport]:
    """A healthy sink first, and this one beside it; what the healthy one got, and this one's figures."""
    healthy = Kept()
    async with fanout(healthy, branch(sink, **options)) as out:
        for number in range(count):
            await out.send([Delta(str(number))])
            await anyio.wait_all_tasks_blocked()
        await out.send([COMPLETE])

    assert healthy.calls == [*([Delta(str(number))] for number in range(count)), [COMPLETE], "closed"]
    return healthy, out.figures[1]


@pytest.mark.parametrize(
    ("fault", "outcome", "failure"),
    [
        (ValueError("mine"), "failed", Failure("sink", "ValueError: mine")),
        (Stop("mine"), "failed", Failure("sink", "Stop: mine")),
        (LEFT, "left", LEFT.failure),
        (LATE, "failed", LATE.failure),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("after", [0, 3])
async def test_a_sink_that_raises(fault: BaseException, outcome: str, failure: Failure, after: int) -> None:
    """D09, D12: it gets an End of its own, is closed once and reported; the others get everything."""
    sink = Broken(fault, after)
    _, report = await beside(sink)

    assert sink.text == "01234"[: after + 1]
    assert sink.calls[-2:] == [[End("cancelled" if outcome == "left" else "error", failure)], "closed"]
    assert len(sink.ends) == 1
    assert (report.outcome, report.failure, report.delivered) == (outcome, failure, after)


@pytest.mark.parametrize("anyio_backend", [virtual("asyncio")])
async def test_a_sink_whose_own_task_was_cancelled() -> None:
    """D09: a cancellation that is not ours is that sink's fault, and ends nobody else."""
    sink = Broken(asyncio.CancelledError())
    _, report = await beside(sink)

    assert (report.outcome, len(sink.ends), sink.calls[-1]) == ("failed", 1, "closed")


async def test_a_sink_that_fails_at_the_end() -> None:
    """D12: it saw the stream's End, so it gets no other one; it has failed all the same."""
    sink = Broken(ValueError("late"), after=5)
    _, report = await beside(sink)

    assert sink.ends == [COMPLETE]
    assert (report.outcome, report.delivered) == ("failed", 5)


async def test_a_sink_that_cannot_be_closed() -> None:
    """D12: what goes wrong at closing is reported, and harms nobody."""

    class Clinging(Kept):
        async def aclose(self) -> None:
            await super().aclose()
            raise OSError("disk full")

    sink = Clinging()
    _, report = await beside(sink)

    assert sink.calls[-2:] == [[COMPLETE], "closed"]
    assert (report.outcome, report.failure) == ("failed", Failure("sink", "OSError: disk full"))


async def test_a_sink_that_does_not_close() -> None:
    """D11: closing has its PATIENCE, and then is left alone."""

    class Hanging(Kept):
        async def aclose(self) -> None:
            await anyio.sleep_forever()

    began = anyio.current_time()
    _, report = await beside(Hanging())

    assert report.outcome == "disconnected"
    assert anyio.current_time() - began == pytest.approx(PATIENCE)


async def test_a_sink_that_neither_takes_its_end_nor_closes() -> None:
    """D11: both together have GOODBYE seconds."""

    class Dead(Stuck):
        async def aclose(self) -> None:
            await anyio.sleep_forever()

    began = anyio.current_time()
    _, report = await beside(Dead(), batches=2)

    assert report.outcome == "disconnected"
    assert anyio.current_time() - began == pytest.approx(GOODBYE)


async def test_a_primary_may_take_its_time_to_close() -> None:
    """P1: who is waited for without a limit is so at closing too; a cancellation ends that."""

    class Slow(Kept):
        async def aclose(self) -> None:
            await anyio.sleep(60)
            await super().aclose()

    first, second = Slow(), Slow()
    async with fanout(first) as out:
        await out.send([COMPLETE])
    gone = fanout(second)
    with anyio.move_on_after(5):
        async with gone:
            await gone.send([COMPLETE])

    assert (first.calls, out.figures[0].outcome) == ([[COMPLETE], "closed"], "complete")
    assert (second.calls, gone.figures[0].outcome) == ([[COMPLETE]], "cancelled")


async def test_a_sink_that_is_stuck_for_good() -> None:
    """P12, D03: disconnected, it has its time for an End of its own, and then it is closed."""
    sink = Stuck()
    began = anyio.current_time()
    _, report = await beside(sink, batches=2)
    failure = Failure("sink", "the receiver fell behind: disconnected as its policy says")

    assert sink.calls == [[Delta("0")], [Gap(3), End("error", failure)], "closed"]
    assert (report.outcome, report.failure, report.dropped) == ("disconnected", failure, 3)
    assert anyio.current_time() - began == pytest.approx(GOODBYE / 2)


async def test_a_sink_that_takes_nothing_at_the_end() -> None:
    """P12: what waits when the stream ends has PATIENCE, and not for ever."""
    sink = Stuck()
    began = anyio.current_time()
    _, report = await beside(sink)

    assert (report.outcome, report.dropped) == ("disconnected", 5)
    assert [type(event) for event in sink.events] == [Delta, Gap, End]
    assert anyio.current_time() - began == pytest.approx(PATIENCE + GOODBYE / 2)


async def test_a_sink_that_moves_at_the_end_is_waited_for() -> None:
    """D04: slow but moving, it gets everything; patience counts from the last batch that it took."""
    sink = Kept(pace=0.9 * PATIENCE)
    _, report = await beside(sink, batches=99)

    assert (sink.text, sink.ends, report.outcome) == ("01234", [COMPLETE], "complete")


async def test_patience_can_be_more() -> None:
    """D04: who knows a receiver to be slow allows it more."""
    sink = Kept(pace=20)
    _, report = await beside(sink, policy="merge", patience=30)

    assert (sink.text, sink.ends, report.outcome) == ("01234", [COMPLETE], "complete")


async def test_a_sink_that_ignores_being_cancelled() -> None:
    """D09: a sink that swallows its cancellation is served no more all the same."""

    class Deaf(Stuck):
        async def take(self) -> None:
            try:
                await super().take()
            except BaseException:  # noqa: BLE001 - the very fault
                return

    sink = Deaf()
    _, report = await beside(sink, batches=2)

    assert (len(sink.ends), sink.calls[-1], report.outcome) == (1, "closed", "disconnected")


async def test_a_sink_that_ignores_being_cancelled_while_it_closes() -> None:
    """D09: it took everything, but it did not close in time, and that is what is told."""

    class Deaf(Kept):
        async def aclose(self) -> None:
            try:
                await anyio.sleep_forever()
            except BaseException:  # noqa: BLE001 - the very fault
                return

    _, report = await beside(Deaf())

    assert (report.outcome, report.delivered) == ("disconnected", 6)


async def test_a_sink_that_turns_its_cancellation_into_a_fault() -> None:
    """D09: the first reason stays the reason."""

    class Touchy(Stuck):
        async def take(self) -> None:
            try:
                await super().take()
            except BaseException:  # noqa: BLE001 - the very fault
                raise ValueError("cancelled!") from None

    _, report = await beside(Touchy(), batches=2)

    assert report.outcome == "disconnected"


async def test_a_sink_that_closes_the_fanout() -> None:
    """D09: closing everything from within `send` is safe; every branch gets its one End."""

    class Closing(Kept):
        async def take(self) -> None:
            if len(self.times) == 1:
                await out.aclose()

    first, closing = Kept(), Closing()
    async with fanout(first, closing) as out:
        with suppress(ReceiverLeftError):  # where that has happened before `send` returns
            await out.send([Delta("a")])
        await anyio.wait_all_tasks_blocked()

    # On trio either one may have its turn first.
    assert (first.text in {"", "a"}, closing.text) == (True, "a")
    assert [[end.outcome for end in sink.ends] for sink in (first, closing)] == [["cancelled"], ["cancelled"]]
    assert [sink.calls[-1] for sink in (first, closing)] == ["closed", "closed"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_interrupt_is_not_swallowed(backend: str) -> None:
    """D09: what is meant for the whole program ends the whole program, and each sink is closed first."""
    first, second = Kept(), Broken(KeyboardInterrupt())

    async def main() -> None:
        async with fanout(first, second) as out:
            await out.send([Delta("a")])
            await anyio.sleep_forever()

    with pytest.raises((KeyboardInterrupt, BaseExceptionGroup)) as told:
        anyio.run(main, backend=backend)

    assert isinstance(told.value, KeyboardInterrupt) or told.group_contains(KeyboardInterrupt)
    assert [sink.calls[-1] for sink in (first, second)] == ["closed", "closed"]


async def test_sinks_of_ours_in_a_branch(capsys: pytest.CaptureFixture[str]) -> None:
    """Any sink can be a branch: here one writes, and refuses what it cannot take back."""
    _, report = await beside(stdout())

    assert (capsys.readouterr().out, report.outcome) == ("01234\n", "complete")
