"""fanout: one stream into several sinks, of which none harms another beyond its policy."""

from itertools import pairwise
from typing import Any

import anyio
import pytest

from tests.sinks.receivers import Broken, Kept, Stuck
from tests.transcripts import DONE, STOP
from tests.transcripts import text as wire
from tests.virtual import virtual
from tokenweir import Pipeline
from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError, SinkError, StageError
from tokenweir.pipeline.events import Delta, End, Event, Finish, Gap, Snapshot, Start
from tokenweir.pipeline.sink import BranchReport
from tokenweir.sinks import branch, callback, fanout, memory
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops, in virtual time."""
    return virtual(request.param)


COMPLETE = End("complete")
EVERY = 0.01
"""Seconds between two batches of `play`."""


def outcomes(figures: tuple[BranchReport, ...]) -> list[str]:
    """How each branch ended."""
    return [report.outcome for report in figures]


async def play(out: Any, count: int, sent: list[float] | None = None) -> None:
    """Send a delta every 10 ms, and the End; note when each was sent."""
    for number in range(count):
        if sent is not None:
            sent.append(anyio.current_time())
        await out.send([Delta(f"{number} ")])
        await anyio.sleep(EVERY)
    await out.send([COMPLETE])


def counted(count: int) -> str:
    """The text of `play`."""
    return "".join(f"{number} " for number in range(count))


async def test_everybody_gets_everything() -> None:
    """P1: each event once, in order, to every branch; one End, then one closing."""
    sinks = [Kept(), Kept(pace=0.5), Kept(pace=0.01)]
    async with fanout(*sinks) as out:
        await play(out, 30)
        assert out.figures[0].delivered == 31

    assert [sink.text for sink in sinks] == [counted(30)] * 3
    assert [sink.ends for sink in sinks] == [[COMPLETE]] * 3
    assert [sink.calls[-2:] for sink in sinks] == [
        [[COMPLETE], "closed"],
        sinks[1].calls[-2:],
        [[COMPLETE], "closed"],
    ]
    assert [sink.calls.count("closed") for sink in sinks] == [1, 1, 1]
    assert outcomes(out.figures) == ["complete"] * 3
    assert [report.delivered for report in out.figures] == [31] * 3


# --- P12: what a stuck branch costs the others ----------------------------------------------------


@pytest.mark.parametrize("policy", ["disconnect", "merge", "drop_oldest"])
async def test_a_stuck_branch_costs_the_others_nothing(policy: Any) -> None:
    """P12: none of these policies ever holds the stream: each event arrives when it was sent."""
    fast, stuck, sent = Kept(), Stuck(), list[float]()
    async with fanout(fast, branch(stuck, policy)) as out:
        await play(out, 300, sent)

    assert fast.times[:-1] == sent
    assert fast.text == counted(300)
    assert (outcomes(out.figures), out.figures[1].waited) == (["complete", "disconnected"], 0.0)
    assert len(stuck.ends) == 1


@pytest.mark.parametrize("first", [True, False])
async def test_a_stuck_branch_that_is_waited_for(first: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """P12: the others wait as long as its policy says, once, and then go on without it."""
    fast, stuck, sent = Kept(), branch(Stuck(), "wait", patience=0.5), list[float]()
    sinks = (stuck, branch(fast, "wait")) if first else (fast, stuck)
    async with fanout(*sinks) as out:
        await play(out, 200, sent)
    delays = [came - went for came, went in zip(fast.times, sent, strict=False)]
    pauses = [later - sooner - EVERY for sooner, later in pairwise(sent)]

    assert max(delays) == 0.0
    assert sorted(pauses)[-2:] == [pytest.approx(0.0), pytest.approx(0.5)]
    assert fast.text == counted(200)
    report = out.figures[0 if first else 1]
    assert report.outcome == "disconnected"
    assert report.waited == pytest.approx(0.5)
    assert report.failure is not None
    assert "after 0.5 s" in report.failure.message


async def test_two_stuck_branches_are_waited_for_at_once() -> None:
    """P12: patience does not add up: the longest one is what the others see."""
    fast, sent = Kept(), list[float]()
    stuck = [branch(Stuck(), "wait", patience=seconds) for seconds in (0.3, 0.5, 0.4)]
    async with fanout(fast, *stuck) as out:
        await play(out, 200, sent)

    assert sent[-1] - sent[0] == pytest.approx(199 * EVERY + 0.5)
    assert outcomes(out.figures) == ["complete"] + ["disconnected"] * 3


async def test_the_first_one_is_waited_for_without_a_limit() -> None:
    """P12, P13: a run goes at the pace of its primary: that is the back-pressure."""
    primary, other = Kept(pace=10), Kept()
    async with fanout(primary, other) as out:
        for number in range(200):
            await out.send([Delta(f"{number} ")])
        await out.send([COMPLETE])

    assert (primary.text, other.text) == (counted(200), counted(200))
    assert primary.times[-1] >= 10
    assert outcomes(out.figures) == ["complete"] * 2
    assert out.figures[0].waited > 0


async def test_a_slow_branch_that_merges_loses_nothing() -> None:
    """P12: under `merge` a slow receiver gets all of the text in fewer events."""
    slow = Kept(pace=0.8)
    async with fanout(Kept(), branch(slow, "merge")) as out:
        await play(out, 1000)
    report = out.figures[1]

    assert (slow.text, slow.ends, report.outcome) == (counted(1000), [COMPLETE], "complete")
    assert report.merged > 500
    assert report.delivered + report.merged == 1001


async def test_a_slow_branch_that_drops_the_oldest_is_told() -> None:
    """P12: what was dropped is counted in-band; what it got is in order, and the end of it is the newest."""
    slow = Kept(pace=0.8)
    async with fanout(Kept(), branch(slow, "drop_oldest", batches=8)) as out:
        await out.send([Start("s")])
        await play(out, 1000)
    report, got = out.figures[1], [int(word) for word in slow.text.split()]

    assert (got, got[-1], slow.ends) == (sorted(set(got)), 999, [COMPLETE])
    assert slow.events[0] == Start("s")
    assert len(got) + slow.missing == 1000
    assert report.dropped == slow.missing > 500


async def test_a_burst_does_not_disconnect_a_healthy_branch() -> None:
    """P12: a read may bring hundreds of events, and thousands of reads may wait: with each batch a branch
    gets its turn before the next one."""
    healthy = Kept()
    async with fanout(Kept(), healthy) as out:
        for _ in range(500):
            await out.send([Delta("x")] * 300)
        await out.send([COMPLETE])

    assert (len(healthy.text), outcomes(out.figures)) == (150_000, ["complete"] * 2)


# --- D13: who keeps the run alive -----------------------------------------------------------------


async def test_the_last_receiver_leaves() -> None:
    """D13: when nobody is left, `send` says so: quietly where all of them left."""
    sinks = [Broken(ReceiverLeftError("gone"), after) for after in (0, 3)]
    async with fanout(*sinks) as out:
        with pytest.raises(ReceiverLeftError) as left:
            await play(out, 99)

    assert left.value.failure.kind == "cancelled"
    assert outcomes(out.figures) == ["left", "left"]
    assert sinks[1].text == counted(4)


async def test_the_last_receiver_fails() -> None:
    """D12, D13: where one of them failed, that is a fault, and it is named."""
    async with fanout(
        Broken(ReceiverLeftError("gone")), branch(Broken(ValueError("mine")), name="mine")
    ) as out:
        with pytest.raises(SinkError, match="mine: ValueError: mine") as failed:
            await play(out, 99)

    assert not isinstance(failed.value, ReceiverLeftError)
    assert failed.value.failure.kind == "sink"


async def test_who_looks_on_keeps_nothing_alive() -> None:
    """D13: a log goes on for as long as somebody else does, and gets its End then."""
    watcher = Kept()
    async with fanout(Broken(ReceiverLeftError("gone"), 3), branch(watcher, keeps_alive=False)) as out:
        with pytest.raises(ReceiverLeftError):
            await play(out, 99)

    assert [end.outcome for end in watcher.ends] == ["cancelled"]
    assert counted(99).startswith(watcher.text)
    assert outcomes(out.figures) == ["left", "cancelled"]


async def test_all_fail_at_the_end() -> None:
    """D13: an End that nobody took is no success."""
    async with fanout(Broken(ValueError("late"), 5)) as out:
        with pytest.raises(SinkError, match="ValueError: late"):
            await play(out, 5)


# --- leaving --------------------------------------------------------------------------------------


async def test_an_error_in_the_body_comes_out_plain() -> None:
    """A14: no exception group; every branch gets an End that says that the stream was left, and is closed."""
    sinks = [Kept(), Stuck(), Kept(pace=9)]
    began = anyio.current_time()
    out = fanout(*sinks)

    async def fail() -> None:
        async with out:
            await out.send([Delta("a")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert [[end.outcome for end in sink.ends] for sink in sinks] == [["cancelled"]] * 3
    assert [sink.calls[-1] for sink in sinks] == ["closed"] * 3
    assert outcomes(out.figures) == ["cancelled"] * 3
    assert anyio.current_time() - began <= 1.0


async def test_cancelled_in_the_body() -> None:
    """P10: cancelled by its host, a fanout says goodbye to every branch, in bounded time."""
    sinks = [Kept(), Stuck(), Kept()]
    began = anyio.current_time()
    with anyio.move_on_after(5) as scope:
        async with fanout(*sinks) as out:
            await out.send([Delta("a")])
            await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert [[end.outcome for end in sink.ends] for sink in sinks] == [["cancelled"]] * 3
    assert [sink.calls[-1] for sink in sinks] == ["closed"] * 3
    assert anyio.current_time() - began <= 6.0


@pytest.mark.parametrize("when", [0.5, 1.5, 2.5])
async def test_a_run_that_is_cancelled(when: float) -> None:
    """P1, P10: every branch gets what came before, and one End: cancelled; then it is closed."""
    sinks = [Kept(), Kept(pace=0.2), Stuck(after=1)]
    script: list[Step] = [wire("a"), 1.0, wire("b"), 1.0, wire("c"), 9.0, STOP, DONE]
    with anyio.move_on_after(when):
        async with fanout(*sinks) as out:
            await Pipeline(ScriptedSource(script)).run("hi", into=out)

    for sink in sinks:
        assert [end.outcome for end in sink.ends] == ["cancelled"]
        assert "abc".startswith(sink.text)
        assert sink.calls.count("closed") == 1
    assert sinks[0].text == "abc"[: 1 + int(when)]


async def test_a_run_into_a_fanout() -> None:
    """P1, P12: a run enters its fanout; what it reports is what every healthy branch got."""
    kept, shown = memory(), list[Event]()
    fan = fanout(kept, callback(shown.append), Stuck(), Broken(ValueError("mine")))
    source = ScriptedSource([wire("Hel"), 0.5, wire("lo"), STOP, DONE])
    report = await Pipeline(source).run("hi", into=fan)

    assert (report.text, kept.text, kept.end) == ("Hello", "Hello", report.end)
    assert shown == kept.events
    assert outcomes(fan.figures) == ["complete", "complete", "disconnected", "failed"]


async def test_a_run_whose_receivers_have_left() -> None:
    """D13: the upstream is closed, who looked on is told, and the run ends as nobody's fault."""
    watcher = Kept()
    source = ScriptedSource([wire("a"), 1.0, wire("b"), 9.0, STOP, DONE])
    leaving = Broken(ReceiverLeftError("gone"), after=1)
    with pytest.raises(ReceiverLeftError) as left:
        await Pipeline(source).run("hi", into=fanout(leaving, branch(watcher, keeps_alive=False)))

    assert left.value.end is not None
    assert left.value.end.outcome == "cancelled"
    assert left.value.partial.text == "ab"
    assert [end.outcome for end in watcher.ends] == ["cancelled"]
    assert [connection.closed for connection in source.connections] == [1]


async def test_interrupted_while_waiting_for_room() -> None:
    """P1: a `send` that is given up has handed its batch over all the same: there is no hole."""
    sinks = [Kept(pace=1), Kept(pace=1)]
    async with fanout(*(branch(sink, "wait", batches=2) for sink in sinks)) as out:
        for number in range(20):
            with anyio.move_on_after(0.3):
                await out.send([Delta(f"{number} ")])
        await out.send([COMPLETE])

    assert [sink.text for sink in sinks] == [counted(20)] * 2
    assert [sink.ends for sink in sinks] == [[COMPLETE]] * 2


async def test_closed_while_somebody_waits_for_room() -> None:
    """D09: closing from another task lets go of a `send` that waits, and the run ends."""
    async with fanout(Stuck()) as out, anyio.create_task_group() as tasks:

        async def close() -> None:
            await anyio.sleep(5)
            await out.aclose()

        tasks.start_soon(close)
        with pytest.raises(ReceiverLeftError):
            await play(out, 99)

    assert outcomes(out.figures) == ["cancelled"]


async def test_the_end_is_over_when_every_sink_is_closed() -> None:
    """P1: when `send` has given the End, what the sinks have is whole, and their files are closed."""

    class Slow(Kept):
        async def aclose(self) -> None:
            await anyio.sleep(0.5)
            await super().aclose()

    sinks = [Kept(), Slow()]
    async with fanout(*sinks) as out:
        await play(out, 3)
        assert [sink.calls[-1] for sink in sinks] == ["closed"] * 2


# --- D14: late joiners ----------------------------------------------------------------------------


@pytest.mark.parametrize("replay", [False, True])
async def test_joining_late(replay: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """D14: from now on, or with what was so far first; nothing twice, nothing missing."""
    first, late = Kept(), Kept()
    reports: list[BranchReport] = []
    async with anyio.create_task_group() as tasks, fanout(first, history=True) as out:

        async def join() -> None:
            await anyio.sleep(50.5 * EVERY)
            reports.append(await out.join(late, replay=replay))

        tasks.start_soon(join)
        await out.send([Start("s")])
        await play(out, 100)

    assert counted(100).endswith(late.text)
    assert late.text.split()[0] == ("0" if replay else "51")
    assert late.calls[-2:] == [[COMPLETE], "closed"]
    assert late.calls[0] == ([Start("s"), Delta(counted(51))] if replay else [Delta("51 ")])
    assert (reports[0].outcome, out.figures[1]) == ("complete", reports[0])


@pytest.mark.parametrize("replay", [False, True])
async def test_joining_after_the_end(replay: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """D14: who comes too late gets the End, and what was so far if that was asked for."""
    late = Kept()
    async with fanout(memory(), history=True) as out:
        await play(out, 3)
    report = await out.join(late, replay=replay)

    assert late.calls == [[*([Delta(counted(3))] if replay else []), COMPLETE], "closed"]
    assert report.outcome == "complete"


async def test_joining_what_was_left() -> None:
    """D14: a stream that was left without an End ends for a late joiner just so."""
    late = Kept()
    async with fanout(memory()) as out:
        pass
    report = await out.join(late)

    assert ([end.outcome for end in late.ends], late.calls[-1]) == (["cancelled"], "closed")
    assert report.outcome == "cancelled"


async def test_a_joiner_that_is_cancelled_leaves() -> None:
    """D01, D13: its task's end is its leaving: the others go on, and the last one's leaving ends the run."""
    first, late = Kept(), Kept()
    async with fanout(first) as out:
        with anyio.move_on_after(10 * EVERY) as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(out.join, late)
                await play(out, 99)
        assert scope.cancelled_caught
        await out.send([COMPLETE])

    assert [end.outcome for end in late.ends] == ["cancelled"]
    assert late.calls[-1] == "closed"
    assert (first.ends, outcomes(out.figures)) == ([COMPLETE], ["complete", "left"])


async def test_joining_ends_where_its_caller_is_cancelled() -> None:
    """P10: a cancelled `join` says goodbye to its sink, and passes the cancellation on."""
    late, went_on = Kept(), False
    async with fanout(memory()) as out:
        with anyio.move_on_after(1) as scope:
            await out.join(late)
            went_on = True

    assert (scope.cancelled_caught, went_on) == (True, False)
    assert late.calls[-1] == "closed"


async def test_a_joiner_keeps_the_run_alive() -> None:
    """D13: the run goes on for who came later, when all the others have left."""
    late = Kept()
    async with anyio.create_task_group() as tasks, fanout(Broken(ReceiverLeftError("gone"), 5)) as out:
        tasks.start_soon(out.join, late)
        await anyio.wait_all_tasks_blocked()
        await play(out, 20)

    assert (late.text, late.ends) == (counted(20), [COMPLETE])
    assert outcomes(out.figures) == ["left", "complete"]


async def test_joining_before_the_start() -> None:
    """D14: before anything came, from now on is from the start."""
    late, out = Kept(), fanout(memory())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(out.join, late)
        await anyio.wait_all_tasks_blocked()
        async with out:
            await play(out, 3)

    assert (late.text, late.ends) == (counted(3), [COMPLETE])


# --- one inside another, and wrong use ------------------------------------------------------------


async def test_a_fanout_in_a_fanout() -> None:
    """A fanout is a sink: its own branches are served, and closed, within the other's."""
    sinks = [Kept(), Kept(), Kept()]
    inner = fanout(sinks[1], branch(sinks[2], "merge"))
    async with fanout(sinks[0], branch(inner, "wait")) as out:
        await play(out, 10)

    assert [sink.text for sink in sinks] == [counted(10)] * 3
    assert [sink.ends for sink in sinks] == [[COMPLETE]] * 3
    assert outcomes(out.figures) == outcomes(inner.figures) == ["complete"] * 2


async def test_a_fanout_in_a_fanout_that_is_cancelled() -> None:
    """P10: the goodbye reaches the innermost branch."""
    sinks = [Kept(), Kept()]
    with anyio.move_on_after(0.5):
        async with fanout(sinks[0], branch(fanout(sinks[1]), "wait")) as out:
            await play(out, 999)

    assert [[end.outcome for end in sink.ends] for sink in sinks] == [["cancelled"]] * 2
    assert [sink.calls[-1] for sink in sinks] == ["closed"] * 2


async def test_entering_within() -> None:
    """Who has entered it may hand it to something that enters it again: that changes nothing."""
    sink = Kept()
    async with fanout(sink) as out:
        async with out:
            await out.send([Delta("a")])
        await out.send([COMPLETE])

    assert (sink.text, sink.ends) == ("a", [COMPLETE])


async def test_misuse() -> None:
    """Wrong use is answered where it happens, with the right use."""
    watcher = branch(memory(), keeps_alive=False)
    with pytest.raises(MisuseError, match="needs a sink that keeps the run alive"):
        fanout()
    with pytest.raises(MisuseError, match="needs a sink that keeps the run alive"):
        fanout(watcher)
    with pytest.raises(MisuseError, match="twice"):
        fanout(memory(), watcher, watcher)
    with pytest.raises(MisuseError, match="async with fanout"):
        await fanout(memory()).send([COMPLETE])

    own = branch(memory())
    async with fanout(own) as out:
        with pytest.raises(StageError, match="fanout got a Snapshot"):
            await out.send([Delta("a"), Snapshot("ab")])
        with pytest.raises(MisuseError, match="history=True"):
            await out.join(memory(), replay=True)
        with pytest.raises(MisuseError, match="has a place"):
            await out.join(own)
        await out.send([COMPLETE])
        with pytest.raises(MisuseError, match="has ended"):
            await out.send([COMPLETE])
    with pytest.raises(MisuseError, match="make another one"):
        async with out:
            pass


async def test_closing() -> None:
    """`aclose` may come at any time, and again: before it was entered it does nothing."""
    sink = Kept()
    out = fanout(sink)
    await out.aclose()
    assert sink.calls == []

    async with fanout(sink) as out:
        await out.aclose()
        await out.aclose()
        with pytest.raises(MisuseError, match="has ended"):
            await out.send([Delta("a")])

    assert ([end.outcome for end in sink.ends], sink.calls[-1]) == (["cancelled"], "closed")


async def test_made_before_there_is_a_loop() -> None:
    """A fanout may be made anywhere; it needs an event loop when it is entered."""
    made = await anyio.to_thread.run_sync(lambda: fanout(memory(), branch(memory(), "merge")))
    async with made as out:
        await play(out, 3)

    assert outcomes(out.figures) == ["complete"] * 2


def test_gaps_of_a_source_pass() -> None:
    """A Gap that was there before is an event like others."""
    sink = memory()

    async def main() -> None:
        async with fanout(sink) as out:
            await out.send([Gap(3), Finish("stop"), COMPLETE])

    anyio.run(main)

    assert sink.events[0] == Gap(3)
