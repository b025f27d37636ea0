"""One load for all who wait for it (PROMISES P23)."""

import asyncio

import anyio
import pytest

from tests.gateway.logged import kept_log
from tests.gateway.shelf import CRASHED, Served, Shelf
from tests.virtual import virtual
from tokenweir.gateway.loads import Load, Loads
from tokenweir.pipeline.events import Failure

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> object:
    """Virtual time."""
    return virtual("asyncio")


async def run(served: Served, times: int = 1) -> list[Load]:
    """Load a model, so many times one after the other; what became of each."""
    loads, ended = Loads(), list[Load]()
    loads.on_end = ended.append
    async with anyio.create_task_group() as group:
        loads.run_in(group)
        for _ in range(times):
            with loads.joined(served, "m") as load:
                await load.over()
    return ended


async def test_two_callers_share_one_load() -> None:
    """P23: the second one joins, and both hear of its end."""
    served, loads = Served(Shelf("m")), Loads()
    ended, found = list[Load](), list[Load]()
    loads.on_end = ended.append

    async def wait(after: float) -> None:
        await anyio.sleep(after)
        with loads.joined(served, "m") as load:
            await load.over()
            found.append(load)

    async with anyio.create_task_group() as group:
        loads.run_in(group)
        group.start_soon(wait, 0)
        group.start_soon(wait, 1.5)

    assert served.source.loads == [(0.0, "m")]
    assert found[0] is found[1]
    assert (found[0].outcome, found[0].seconds, found[0].failure) == ("loaded", 3.0, None)
    assert ended == found[:1]
    assert list(loads) == []


async def test_who_leaves_stops_nothing_that_another_waits_for() -> None:
    """P23: the load of the first caller goes on for the second."""
    served, loads = Served(Shelf("m")), Loads()
    async with anyio.create_task_group() as group:
        loads.run_in(group)
        with loads.joined(served, "m") as load:
            with anyio.move_on_after(1), loads.joined(served, "m") as same:
                assert same is load
                await same.over()
            assert (load.outcome, load.waiters) == ("loading", 1)
            await load.over()
            assert load.outcome == "loaded"

    assert served.source.left == []


async def test_the_last_one_who_leaves_stops_it() -> None:
    """P23: and the next caller begins another one, though the first may still be closing."""
    served, loads = Served(Shelf("m")), Loads()
    ended: list[Load] = []
    loads.on_end = ended.append
    async with anyio.create_task_group() as group:
        loads.run_in(group)
        with anyio.move_on_after(1), loads.joined(served, "m") as load:
            await load.over()
        assert loads.of("shelf", "m") is None
        with loads.joined(served, "m") as other:
            await other.over()

    assert served.source.left == ["m"]
    assert [load.outcome for load in ended] == ["failed", "loaded"]
    assert ended[0].failure is not None
    assert ended[0].failure.kind == "shutting_down"
    assert served.source.loads == [(0.0, "m"), (1.0, "m")]


async def test_news_come_with_the_backends_own_progress() -> None:
    """Each phase is news, and so is the end."""
    served, loads = Served(Shelf("m")), Loads()
    seen: list[float | None] = []
    async with anyio.create_task_group() as group:
        loads.run_in(group)
        with loads.joined(served, "m") as load:
            while load.ended is None:
                await load.news.wait()
                seen.append(load.progress)

    assert [round(progress or 0, 2) for progress in seen] == [0, 0.33, 0.67, 0.67]


async def test_a_failure_is_told_with_its_kind() -> None:
    """And the next caller tries again."""
    failed, loaded = await run(Served(Shelf("m", failing=1)), 2)

    assert (failed.outcome, failed.failure, loaded.outcome) == ("failed", CRASHED, "loaded")


@pytest.mark.parametrize(
    "odd",
    [KeyError("sk-secret"), ExceptionGroup("two", [KeyError("sk-secret")]), asyncio.CancelledError()],
    ids=lambda odd: type(odd).__name__,
)
async def test_an_odd_exception_is_a_failure_and_no_crash(odd: BaseException) -> None:
    """A source of somebody else's may raise anything: the other loads go on, and the log tells its type."""
    log, broken, sound = kept_log(), Served(Shelf("m"), "broken"), Served(Shelf("m"), "sound")
    broken.source.odd = odd
    loads, name = Loads(), type(odd).__name__
    async with anyio.create_task_group() as group:
        loads.run_in(group)
        with loads.joined(sound, "m") as goes_on, loads.joined(broken, "m") as load:
            await load.over()
            await goes_on.over()
            assert (load.outcome, load.failure) == ("failed", Failure("upstream", f"the load broke: {name}"))
            assert goes_on.outcome == "loaded"

    [line] = log.getvalue().splitlines()
    assert '"event": "load_broken"' in line
    assert f'"error": "{name}"' in line
    assert "secret" not in line


async def test_a_failure_that_is_known_is_no_bug() -> None:
    """Who waits for the load is told, and that is all."""
    log = kept_log()
    await run(Served(Shelf("m", failing=1)))

    assert log.getvalue() == ""


async def test_a_backend_that_takes_no_orders_is_asked_for_the_model() -> None:
    """One token, which has it loaded."""
    served = Served(Shelf("m", seconds=2.5, orders=False))
    [load] = await run(served)

    assert (load.outcome, load.seconds) == ("loaded", 2.5)
    assert len(served.source.connections) == 1


async def test_a_hosted_service_is_not_asked_for_it() -> None:
    """Its models need no loading, and a request costs."""
    source = Shelf("m", orders=False)
    source.is_hosted = True
    [load] = await run(Served(source))

    assert (load.outcome, load.cannot) == ("cannot", "shelf: it takes no orders")
    assert source.connections == []


async def test_without_a_group_nothing_loads() -> None:
    """After the end, and before the beginning: at once, as something that may be tried again."""
    with Loads().joined(Served(Shelf("m")), "m") as load:
        await load.over()

        assert load.failure is not None
        assert (load.failure.kind, load.failure.retryable) == ("shutting_down", True)
